// Package record holds what a workspace keeps of its client: the traffic between the two, and the rules of Slack that
// the client broke.
package record
