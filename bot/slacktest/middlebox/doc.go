// Package middlebox emulates what stands between a program and Slack in a company: a box that swallows the pings of a
// socket, ends connections early or holds them open without a word, an intercepting box with an authority of its own,
// and a proxy that lets nothing through but CONNECT.
package middlebox
