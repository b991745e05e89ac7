//go:build unix && !linux

package main

// forbidTracing has no counterpart here.
func forbidTracing() {}
