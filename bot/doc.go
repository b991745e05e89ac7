// Package bot is Conclave in Slack: it reads what people type, click and send, asks the
// ceremony engine, and shows what becomes of it.
//
// Two things run here, and neither knows the other. [Bot.Run] is the way in: a supervised
// Socket Mode connection acknowledges every envelope at once and queues it, one queue for
// each person, so that nobody waits for another person's job. [Bot.Notifier] is the way
// out: it posts the engine's outbox, each message exactly once, and redraws the status
// post.
//
// Messages are made by pure functions in package render. Every word about an error comes
// from explain.
package bot
