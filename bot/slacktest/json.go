package slacktest

import "conclave/bot/slacktest/blockkit"

// object is a JSON object as Slack sends them.
type object = blockkit.Object
