// Package transport is the bot's way to Slack and back: a supervised Socket Mode
// connection, the queue of what came in, and clients that keep Slack's rate limits.
//
// It also remembers what Slack says about accounts, channels and direct messages, and
// which envelopes were taken. Of ceremonies it knows the account of a person, and no more.
package transport
