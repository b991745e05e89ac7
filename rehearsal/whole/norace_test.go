//go:build !race

package whole_test

const raced = false
