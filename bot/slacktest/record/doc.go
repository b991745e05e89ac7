// Package record holds what a workspace keeps of its client: what passed between the two, and which of Slack's rules
// the client broke.
package record
