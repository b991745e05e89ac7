// Package wording has the sentences that people read about ceremonies: what happened,
// what is wanted of them, what went wrong, and the commands that they paste.
//
// The functions are pure, and so the same words stand in Slack, at the terminal and in a
// transcript. Texts use Slack's mark-up for emphasis, code and dates; [PlainText] takes
// it out again.
package wording
