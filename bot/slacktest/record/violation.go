package record

import (
	"fmt"
	"time"
)

// Rule names a rule of Slack's that a client can break.
type Rule string

// The rules that the workspace watches.
const (
	RuleBlockKit       Rule = "block kit"            // a message or view that Slack refuses
	RuleArguments      Rule = "arguments"            // a call that no state of the workspace could make valid
	RuleTextLength     Rule = "text length"          // text above the 4,000 characters that Slack recommends
	RuleRetryAfter     Rule = "retry after"          // a call before the time that Retry-After gave
	RuleStorm          Rule = "connection storm"     // more socket URLs in a minute than the rate tier gives
	RuleSockets        Rule = "too many sockets"     // more than ten sockets of one app
	RuleAckUnknown     Rule = "ack unknown"          // an acknowledgement of an envelope that was never sent
	RuleAckTwice       Rule = "ack twice"            // a second acknowledgement of the same delivery
	RuleAckLate        Rule = "ack late"             // an acknowledgement after the three seconds
	RuleAckSize        Rule = "ack size"             // an acknowledgement of 20,480 bytes or more, which Slack drops
	RuleAckPayload     Rule = "ack payload"          // a payload that the envelope did not accept, or that Slack cannot use
	RuleFrame          Rule = "socket frame"         // a frame that is not an acknowledgement
	RuleTrigger        Rule = "trigger"              // a trigger_id used twice or after its three seconds
	RuleResponseURL    Rule = "response url"         // a response_url used after its five uses or thirty minutes
	RuleUnknownMethod  Rule = "unknown method"       // a method that Slack (or this workspace) does not have
	RuleChannelByOther Rule = "update by another id" // chat.update with a user id where the channel id is needed
)

// Violation is one rule broken by the client.
type Violation struct {
	At     time.Time `json:"at"`
	Rule   Rule      `json:"rule"`
	Where  string    `json:"where"` // the API method, or "socket"
	Detail string    `json:"detail"`
}

func (v Violation) String() string { return fmt.Sprintf("%s: %s: %s", v.Rule, v.Where, v.Detail) }
