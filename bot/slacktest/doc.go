// Package slacktest emulates a Slack workspace on loopback: the Web API, Socket Mode, and people who type, upload,
// click and submit. It stands on Slack's documentation, not on any client's types, so that a client and this package
// cannot agree on the same mistake. Slack's own SDK for Node is a second client in its tests.
//
// A test starts a [Workspace], lets the bot under test connect to [Workspace.URL], and then acts as a [Person]:
//
//	w, err := slacktest.Start(slacktest.Config{})
//	defer w.Close()
//	alice := w.AddPerson("alice")
//	ops := w.AddChannel("ops", alice, w.Bot())
//	reply := alice.Command(ops, "/ceremony", "status")
//
// The workspace refuses what Slack refuses, with Slack's words, and remembers every rule that the client broke
// ([Workspace.Violations]). Everything that passed is kept in order ([Workspace.Journal], [Workspace.Traffic]), so that
// a test can look for what must not be there. [Workspace.Inject] and the methods beside it make things go wrong.
//
// What Slack does not document, and was not measured, is marked "not documented" where it is decided.
package slacktest
