// Package render makes Slack messages and forms of a ceremony's state and events.
//
// Its functions are pure. The sentences come from package wording; here they become Block
// Kit with buttons, and for the terminal the same messages become plain text.
package render
