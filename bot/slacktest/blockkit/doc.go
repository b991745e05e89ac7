// Package blockkit checks Block Kit as Slack does: the shapes of blocks, elements and views, and the limits of their
// parts. Its own reading is compared with the official @slack/types in the tests of slacktest. [CheckBlockKit] lets
// those types judge the JSON that a bot makes.
package blockkit
