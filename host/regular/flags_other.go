//go:build !unix

package regular

// linksRefused is empty: what is opened is compared with what stood there before.
const linksRefused = 0
