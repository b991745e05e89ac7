// Package socketmode emulates Slack's side of Socket Mode: the sockets of one app, the envelopes on their way through
// them, redelivery, and the acknowledgements that come back. What is in an envelope, and who gets to see the answer, is
// the workspace's business.
package socketmode
