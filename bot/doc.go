// Package bot is Conclave in Slack: it reads what people type, click and send,
// asks the ceremony engine, and shows what has become of it.
//
// Two things run here, and neither knows the other. [Bot.Run] takes in: a
// supervised Socket Mode connection acknowledges every envelope at once and
// queues it, one queue for each person, so that nobody waits for somebody else.
// [Bot.Courier] gives out: it posts what the engine's outbox holds, exactly
// once, and redraws the status post.
//
// What is shown is rendered by pure functions of the ceremony; every word about
// an error comes from explain in words.go. The package is the only one that
// knows Slack's client.
package bot
