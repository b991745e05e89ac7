// Package stage is everything that stands around the real bot while a ceremony
// is rehearsed or tested as a whole: a Slack workspace in this process, a Vault,
// people with PGP keys and with shares, a configuration in a folder, and the
// conclave program as a process that can be stopped, killed and started again.
//
//	program, err := stage.Build(ctx, dir, false)
//	s, err := stage.Set(ctx, stage.Options{Dir: dir, Conclave: program, Vault: stage.Server{Addrs: addrs}})
//	defer s.Close()
//	err = s.StartBot(ctx)
//	id, err := s.Propose(ctx, "olga", "rekey prod OPS-412: dave leaves")
//	err = s.Approve(ctx, "paul", id)
//	ask, err := s.Person("alice").Asked(ctx, id, ceremony.Update)
//	receipt, err := s.Person("alice").Answers(ctx, ask)
//
// Whatever waits here waits for a change in the workspace, never for time to
// pass, and ends early with the bot's last words when the bot has died.
//
// People see what Slack shows them and nothing else: what they run is copied out
// of the messages that they got. Only the kind and the ceremony of a message are
// read from its metadata, so that a script finds its place whatever the words.
package stage
