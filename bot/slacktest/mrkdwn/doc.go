// Package mrkdwn turns what a person types into the text and the rich text of a Slack message, and a message into what
// a person reads. It emulates Slack's own client: entities, links that the person did not ask for, mentions, smart
// punctuation.
package mrkdwn
