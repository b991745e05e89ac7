// Package stage sets up what is around the real bot when a ceremony is rehearsed or tested as a whole: an emulated
// Slack workspace in this process, a Vault, people with PGP keys and shares, and a configuration in a folder. The
// conclave program is a process that can be stopped, killed and started again.
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
// Methods that wait do so for a change in the workspace, never for time to pass. If the bot dies they fail early with
// the last lines of its log.
//
// People see what Slack shows them and nothing else: the commands that they run are copied from their messages. Only
// the kind and the ceremony of a message are read from its metadata, so that scripts don't depend on the wording.
package stage
