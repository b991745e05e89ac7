package bot

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"conclave/bot/render"
	"conclave/bot/slacktest"
	"conclave/bot/transport"
	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/ledger"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
)

func TestCommandsReachTheEngineAsTheirPerson(t *testing.T) {
	s := start(t, slacktest.Config{})
	c := s.holds(begin(t, s.plan()))
	s.expect("*Proposed:* `prod-rekey-k7m2`", s.types(s.alice, "start rekey prod OPS-412 dave leaves"))
	s.expect("You approved", s.types(s.bob, "approve k7m2 "+c.PlanHash[:10]))
	s.expect("You rejected", s.types(s.bob, "reject k7m2 not today"))
	s.expect("You cancelled", s.types(s.alice, "cancel k7m2 wrong day"))
	s.expect("goes on", s.types(s.alice, "resume k7m2"))
	s.expect("Waiting for approval", s.types(s.carol, "status"))
	s.expect("prod-rekey-k7m2", s.types(s.carol, "list"))
	s.expect("No ceremony has ended yet", s.types(s.carol, "history prod"))
	s.expect("CCCC CCCC", s.types(s.carol, "holders"))
	s.expect("No shares are wanted at the moment", s.types(s.carol, "submit"))
	s.expect("What you can type", s.types(s.carol, ""))
	want := []string{
		"propose rekey prod OPS-412 dave leaves by " + s.account(s.alice).String(),
		"approve prod-rekey-k7m2 " + c.PlanHash[:10] + " by " + s.account(s.bob).String(),
		"reject prod-rekey-k7m2 not today by " + s.account(s.bob).String(),
		"cancel prod-rekey-k7m2 wrong day by " + s.account(s.alice).String(),
		"resume prod-rekey-k7m2  by " + s.account(s.alice).String(),
	}
	if diff := cmp.Diff(want, s.engine.said()); diff != "" {
		t.Error(diff)
	}
}

func TestEveryDecisionReachesTheEngineAsItsPerson(t *testing.T) {
	s := start(t, slacktest.Config{})
	s.holds(begin(t, s.plan()))
	s.engine.report = ledger.KeyReport{Key: ceremony.KeyStatus{Term: 7, Installed: noon}}
	s.expect("*Proposed:* `prod-rekey-k7m2`", s.types(s.alice, "start rotate-config prod interval=720h enabled=yes OPS-9"))
	s.expect("forget the shares that they have counted", s.types(s.alice, "reset k7m2"))
	s.expect("proven again, from the beginning", s.types(s.alice, "reverify k7m2"))
	s.expect("You let the backup of", s.types(s.bob, "delete k7m2"))
	s.expect("I ask every minute whether it is gone", s.types(s.alice, "accessor k7m2 "+accessor))
	s.expect("you say that the token", s.types(s.alice, "revoked k7m2"))
	s.expect("term 7", s.types(s.carol, "key-status prod"))
	want := []string{
		"propose rotate-config prod enabled=yes interval=720h OPS-9 by " + s.account(s.alice).String(),
		"reset prod-rekey-k7m2  by " + s.account(s.alice).String(),
		"reverify prod-rekey-k7m2  by " + s.account(s.alice).String(),
		"delete prod-rekey-k7m2  by " + s.account(s.bob).String(),
		"accessor prod-rekey-k7m2 " + accessor + " by " + s.account(s.alice).String(),
		"revoked prod-rekey-k7m2  by " + s.account(s.alice).String(),
		"key report of prod",
	}
	if diff := cmp.Diff(want, s.engine.said()); diff != "" {
		t.Error(diff)
	}
}

func TestEveryOperationIsProposedByItsName(t *testing.T) {
	s := start(t, slacktest.Config{})
	s.holds(begin(t, s.plan()))
	for _, op := range ceremony.Operations() {
		s.expect("*Proposed:*", s.types(s.alice, "start "+string(op)+" prod why"))
	}
	if n := len(s.engine.said()); n != len(ceremony.Operations()) {
		t.Errorf("%d proposals of %d operations", n, len(ceremony.Operations()))
	}
	s.expect("Did you mean `rotate-config`?", s.types(s.alice, "start rotate_config prod"))
	s.expect("does not exist or is not allowed", s.types(s.alice, "start make-coffee prod"))
	if n := len(s.engine.said()); n != len(ceremony.Operations()) {
		t.Error("the engine was asked for an operation that does not exist")
	}
}

func TestUnsealIsOpenAtOnce(t *testing.T) {
	s := start(t, slacktest.Config{})
	p := s.plan()
	p.Ceremony, p.Operation, p.Approvals = "prod-unseal-k7m2", ceremony.Unseal, 0
	s.holds(begin(t, p))
	answer := s.types(s.alice, "start unseal prod")
	s.expect("Nobody has to approve it", answer)
	if strings.Contains(answer, "hash of the plan") {
		t.Errorf("nobody approves it, and the answer is\n%s", answer)
	}
}

func TestApprovalSaysWhatHappensNext(t *testing.T) {
	s := start(t, slacktest.Config{})
	for _, c := range []struct {
		op   ceremony.Operation
		otp  string
		want string
	}{
		{ceremony.GenerateRoot, "", "Vault is being asked to begin"},
		{ceremony.GenerateRoot, commitment, "alice is asked for the one-time password"},
		{ceremony.Drill, "", "The drill is about to begin"},
		{ceremony.ReadBackup, "", "Vault is being asked for the backup"},
		{ceremony.Rotate, "", "Vault is being asked for a new encryption key"},
	} {
		p := s.plan()
		p.Operation, p.OTP, p.Requester = c.op, c.otp, &p.Initiator
		s.holds(begin(t, p).then(event.Approved{By: s.people(s.bob)[0], PlanHash: p.Hash()}))
		s.expect(c.want, s.types(s.bob, "approve k7m2"))
	}
}

func TestRefusedDecisionsAreExplained(t *testing.T) {
	s := start(t, slacktest.Config{})
	c := s.holds(begin(t, s.plan()))
	for _, test := range []struct {
		typed string
		err   error
		want  string
	}{
		{"reset k7m2", ceremony.MayNotCancel, "have the nodes forget their shares"},
		{"reset k7m2", ceremony.NotWaiting, ""},
		{"reverify k7m2", ceremony.MayNotCancel, "can have the new shares proven again"},
		{"reverify k7m2", ceremony.IsFrozen, "is frozen"},
		{"reverify k7m2", ceremony.Busy, "no answer from Vault yet"},
		{"reverify k7m2", ceremony.Closed, "has ended"},
		{"delete k7m2", ceremony.AlreadyApproved, "has let the backup go before"},
		{"delete k7m2", ceremony.OwnProposal, "A second person has to"},
		{"delete k7m2", ceremony.NotApprover, "may not decide about this plan"},
		{"delete k7m2", ceremony.ErrJournal, "journal can't be written"},
		{"accessor k7m2 " + accessor, fmt.Errorf("ask: %w", ceremony.ErrUncertain), "Vault can't be reached"},
		{"accessor k7m2 " + accessor, ceremony.ErrForbidden, "denied permission"},
		{"key-status prod", fmt.Errorf("ask: %w", ceremony.ErrUncertain), "Vault can't be reached"},
		{"key-status nowhere", ceremony.UnknownCluster, "No cluster has this name"},
		{"start unseal prod", fmt.Errorf("ask: %w", ceremony.ErrUncertain), "Vault can't be reached"},
		{"reverify zzzz", nil, "No ceremony has an id like this"},
		{"delete zzzz", nil, "No ceremony has an id like this"},
		{"accessor zzzz " + accessor, nil, "No ceremony has an id like this"},
		{"revoked zzzz", nil, "No ceremony has an id like this"},
	} {
		s.engine.fail(test.err)
		s.expect(test.want, s.types(s.alice, test.typed))
	}
	for _, typed := range []string{"accessor k7m2 " + accessor, "revoked k7m2", "start drill prod"} {
		for _, r := range []ceremony.Refusal{ceremony.NotWaiting, ceremony.NotRequester, ceremony.UnknownAccessor,
			ceremony.OtherToken} {
			s.engine.fail(r)
			s.expect(wording.ExplainRefusal(r).What, s.types(s.alice, typed))
		}
	}
	if c.Ended() {
		t.Error("the ceremony has changed")
	}
}

// TestWrongOptionLosesNothing: what was typed is given back to be corrected, but for
// what may be a one-time password, and is not in the log.
func TestWrongOptionLosesNothing(t *testing.T) {
	s := start(t, slacktest.Config{})
	s.engine.fail(fmt.Errorf("intervall=12h: %w", ceremony.WrongOption))
	answer := s.types(s.alice, "start rotate-config prod intervall=12h OPS-9: `more` <traffic>")
	s.expect("Nothing was proposed", answer)
	s.expect("/ceremony start rotate-config prod intervall=12h OPS-9: 'more' <traffic>", answer)
	s.expect("[interval=720h]", answer)
	answer = s.types(s.alice, "start generate-root prod otp=abcdefSECRET why")
	s.expect("/ceremony start generate-root prod otp=… why", answer)
	s.expect("`rekey` takes no options", s.types(s.alice, "start rekey prod pgp=off"))
	if log := s.log.String(); strings.Contains(log, "12h") || strings.Contains(log, "abcdefSECRET") {
		t.Errorf("the log has what was typed:\n%s", log)
	}
}

func TestTokenThatVaultIsAskedAboutNeedsNobodysWord(t *testing.T) {
	s := start(t, slacktest.Config{})
	s.holds(s.tokenScenario(t).then(event.AccessorGiven{By: s.people(s.alice)[0], Accessor: accessor}))
	s.engine.fail(ceremony.NotWaiting)
	s.expect("asks Vault whether it is gone", s.types(s.alice, "revoked k7m2"))
}

func TestTokenForAnAccessorIsKeptNowhere(t *testing.T) {
	const token = "hvs.CAESIJ0123456789abcdefghijklmnop"
	s := start(t, slacktest.Config{})
	s.holds(begin(t, s.plan()))
	answer := s.types(s.alice, "accessor k7m2 "+token)
	s.expect("revoke it now", answer)
	if strings.Contains(strings.Join(s.engine.said(), " "), token[:12]) ||
		strings.Contains(s.log.String(), token[:12]) || strings.Contains(answer, token[:12]) {
		t.Error("the token went on")
	}
}

func TestSubmitShowsTheHolderWhatToRun(t *testing.T) {
	s := start(t, slacktest.Config{})
	p := s.plan()
	s.holds(started(t, p))
	got := s.types(s.carol, "submit")
	s.expect("type `conclave seal --encrypted share.asc`", got)
	_, signed, _ := strings.Cut(got, "Type `"+wording.SaveOrder+"`")
	m := render.Message{Blocks: []slack.Block{slack.NewRichTextBlock("", &slack.RichTextPreformatted{Elements: []slack.RichTextSectionElement{
		slack.NewRichTextSectionTextElement(strings.TrimSpace(strings.Split(signed, "```")[1]), nil)}})}}
	said := instructionsOf(m)
	if len(said) != 1 {
		t.Fatalf("nothing is signed in\n%s", got)
	}
	s.expect("gpg -sea --sig-notation 'ceremony@conclave.invalid=prod-rekey-k7m2:update:"+nonce1+":"+p.Hash()[:16]+"' ",
		said[0])
	s.expect("--no-encrypt-to -u "+strings.Repeat("C", 40)+" -r '"+strings.Repeat("7", 40)+"!'", said[0])
	s.expect("printf 'conclave1 prod-rekey-k7m2 update "+nonce1+" "+string(identity)+" %s' ", said[0])
}

func TestRefusalsAndFaultsAreTold(t *testing.T) {
	s := start(t, slacktest.Config{})
	s.holds(begin(t, s.plan()))
	for _, c := range []struct {
		err  error
		want string
	}{
		{ceremony.OwnProposal, "A second person has to."},
		{fmt.Errorf("attempt x: %w", ceremony.AlreadyStarted), "belongs to no open ceremony"},
		{fmt.Errorf("ask: %w", ceremony.ErrNotSent), "Vault can't be reached"},
		{ceremony.ErrNotRunning, "starting or stopping"},
	} {
		s.engine.fail(c.err)
		s.expect(c.want, s.types(s.alice, "approve k7m2"))
	}
	s.engine.fail(errors.New("boom canary-4711"))
	answer := s.types(s.alice, "approve k7m2")
	_, reference, found := strings.Cut(answer, "Reference for the operator: `")
	if !found || strings.Contains(answer, "canary") {
		t.Fatalf("a fault is told as\n%s", answer)
	}
	if log := s.log.String(); !strings.Contains(log, reference[:6]) || !strings.Contains(log, "canary-4711") {
		t.Errorf("the operator does not find reference %s in\n%s", reference[:6], log)
	}
}

func TestSecretInACommandIsAnsweredAndLoggedNowhere(t *testing.T) {
	s := start(t, slacktest.Config{})
	s.holds(begin(t, s.plan()))
	s.expect("It was not used", s.types(s.carol, "submit "+hexShare))
	if said := s.engine.said(); !slices.Equal(said, []string{"exposed-share by " + s.account(s.carol).String()}) || strings.Contains(s.log.String(), hexShare) {
		t.Errorf("the secret went on: %q", said)
	}
}

func TestOnlyPeopleOfTheWorkspaceAndTheConfigurationAreHeard(t *testing.T) {
	s := start(t, slacktest.Config{})
	for _, c := range []struct {
		name  string
		trait slacktest.Trait
		want  string
	}{
		{"mallory", func(*slacktest.Person) {}, "not in Conclave's configuration"},
		{"gast", slacktest.Guest, "Guests of the workspace"},
		{"gast2", slacktest.SingleChannelGuest, "Guests of the workspace"},
		{"strange", slacktest.Stranger, "another workspace"},
		{"connected", slacktest.Connected, "another workspace"},
		{"robot", slacktest.Machine, "bot or an app"},
	} {
		p := s.w.AddPerson(c.name, c.trait)
		s.ops.Invite(p)
		s.expect(c.want, s.types(p, "list"))
	}
	s.expect("What you can type", s.types(s.carol, "help"))
	s.carol.Restrict(true)
	s.wait("the news about carol", func() bool {
		s.settle()
		return strings.Contains(s.types(s.carol, "help"), "Guests of the workspace")
	})
}

func TestButtonsDoWhatTheCommandsDo(t *testing.T) {
	s := start(t, slacktest.Config{})
	c := s.holds(begin(t, s.plan()))
	m := deliver(t, s, c, rules.ApprovalMessage, s.bob)
	reply, err := s.bob.Clicks(m, "approve")
	if err != nil || reply.Error != "" {
		t.Fatal(err, reply.Error)
	}
	answer, err := reply.Wait(s.ctx())
	if err != nil {
		t.Fatal(err, s.log)
	}
	s.expect("You approved", s.w.Read(answer))
	if diff := cmp.Diff([]string{"approve prod-rekey-k7m2 " + c.PlanHash + " by " + s.account(s.bob).String()}, s.engine.said()); diff != "" {
		t.Error(diff)
	}
	after, _ := s.bob.Direct().Message(m.TS)
	if read := s.w.Read(after); strings.Contains(read, "[ Approve ]") || !strings.Contains(read, c.PlanHash) {
		t.Errorf("after the click the message is\n%s", read)
	}
}

func TestButtonStaysWhenItMayBeNeededAgain(t *testing.T) {
	s := start(t, slacktest.Config{})
	c := s.holds(begin(t, s.plan()))
	m := deliver(t, s, c, rules.ApprovalMessage, s.bob)
	s.engine.fail(ceremony.ErrJournal)
	reply, err := s.bob.Clicks(m, "approve")
	if err != nil {
		t.Fatal(err)
	}
	answer, err := reply.Wait(s.ctx())
	if err != nil {
		t.Fatal(err)
	}
	s.expect("journal can't be written", s.w.Read(answer))
	after, _ := s.bob.Direct().Message(m.TS)
	s.expect("[ Approve ]", s.w.Read(after))
}

// TestButtonOfAnotherPlanIsRefused: what counts is the hash in the button (P4).
func TestButtonOfAnotherPlanIsRefused(t *testing.T) {
	s := start(t, slacktest.Config{})
	old := s.holds(begin(t, s.plan()))
	m := deliver(t, s, old, rules.ApprovalMessage, s.bob)
	changed := s.plan()
	changed.Reason = "another one"
	s.holds(begin(t, changed))
	reply, err := s.bob.Clicks(m, "approve")
	if err != nil {
		t.Fatal(err)
	}
	answer, err := reply.Wait(s.ctx())
	if err != nil {
		t.Fatal(err)
	}
	s.expect("something that is over", s.w.Read(answer))
	if said := s.engine.said(); len(said) != 0 {
		t.Errorf("the engine was asked: %v", said)
	}
}

// deliver has the notifier post a message of the ceremony, and returns it.
func deliver(t *testing.T, s *stage, c rules.State, kind rules.MessageKind, to *slacktest.Person) slacktest.Message {
	t.Helper()
	ref, err := s.bot.Notifier().Deliver(t.Context(), still(c), messageOf(t, c, kind, to.Name()), false)
	if err != nil {
		t.Fatal(err)
	}
	m, ok := to.Direct().Message(ref.TS)
	if !ok || ref.Channel != to.Direct().ID() {
		t.Fatalf("%s has no message at %v", to.Name(), ref)
	}
	return m
}

func messageOf(t *testing.T, c rules.State, kind rules.MessageKind, to string) rules.Message {
	t.Helper()
	all := c.Messages()
	i := slices.IndexFunc(all, func(m rules.Message) bool { return m.Kind == kind && (to == "" || m.To != nil && m.To.Name == to) })
	if i < 0 {
		t.Fatalf("no %s message to %q", kind, to)
	}
	return all[i]
}

func TestDeliveredTwiceIsDoneOnce(t *testing.T) {
	s := start(t, slacktest.Config{})
	s.holds(begin(t, s.plan()))
	s.w.Inject(slacktest.Fault{Method: "socket.send", Effect: slacktest.Duplicate()})
	s.types(s.alice, "cancel k7m2 once")
	if _, err := s.carol.DMs("-----BEGIN PGP MESSAGE-----\n\nhF4D\n-----END PGP MESSAGE-----"); err != nil {
		t.Fatal(err)
	}
	s.wait("duplicates", func() bool { return s.bot.Health().Duplicates >= 2 })
	s.settle()
	if said := s.engine.said(); len(said) != 2 {
		t.Errorf("the engine was asked %v", said)
	}
}

func TestEventWhoseAcknowledgementWasLostIsDoneOnce(t *testing.T) {
	for _, fresh := range []bool{false, true} {
		s := start(t, slacktest.Config{FreshEnvelopes: fresh})
		s.w.Inject(slacktest.Fault{Method: "socket.ack", Times: 1, Effect: slacktest.Lose()})
		if _, err := s.carol.DMs("-----BEGIN PGP MESSAGE-----\n\nhF4D\n-----END PGP MESSAGE-----"); err != nil {
			t.Fatal(err)
		}
		s.wait("the second delivery", func() bool { return s.bot.Health().Duplicates == 1 })
		s.settle()
		if n := len(s.engine.offered()); n != 1 {
			t.Errorf("offered %d times", n)
		}
	}
}

// TestRedeliveredEventIsNotDropped: what was said while no socket was open comes
// only as a retry.
func TestRedeliveredEventIsNotDropped(t *testing.T) {
	s := start(t, slacktest.Config{})
	s.w.Inject(slacktest.Fault{Method: "socket.send", Times: 2, Effect: slacktest.Lose()})
	if _, err := s.carol.DMs("-----BEGIN PGP MESSAGE-----\n\nhF4D\n-----END PGP MESSAGE-----"); err != nil {
		t.Fatal(err)
	}
	s.wait("the third delivery", func() bool { return len(s.engine.offered()) == 1 })
}

func TestPanicEndsOneJobOnly(t *testing.T) {
	s := start(t, slacktest.Config{})
	s.holds(begin(t, s.plan()))
	s.engine.mu.Lock()
	s.engine.during = func() { panic("canary-4711") }
	s.engine.mu.Unlock()
	s.expect("Something went wrong inside", s.types(s.alice, "cancel k7m2"))
	s.expect("What you can type", s.types(s.alice, "help"))
	if strings.Contains(s.log.String(), "canary") {
		t.Error("the log quotes the panic")
	}
}

// TestNobodyWaitsForSomebodyElse: one person's command hangs, and another's is done.
func TestNobodyWaitsForSomebodyElse(t *testing.T) {
	s := start(t, slacktest.Config{})
	s.holds(begin(t, s.plan()))
	hang, free := make(chan struct{}), make(chan struct{})
	s.engine.mu.Lock()
	s.engine.during = func() { close(hang); <-free }
	s.engine.mu.Unlock()
	slow := s.alice.Command(s.ops, "/ceremony", "cancel k7m2")
	<-hang
	s.expect("What you can type", s.types(s.bob, "help"))
	close(free)
	if _, err := slow.Wait(s.ctx()); err != nil {
		t.Error(err)
	}
}

func TestFullQueueIsTold(t *testing.T) {
	s := start(t, slacktest.Config{})
	s.holds(begin(t, s.plan()))
	hang, free := make(chan struct{}, 1), make(chan struct{})
	s.engine.mu.Lock()
	s.engine.during = func() { hang <- struct{}{}; <-free; <-hang }
	s.engine.mu.Unlock()
	s.alice.Command(s.ops, "/ceremony", "cancel k7m2")
	<-hang
	hang <- struct{}{}
	for range transport.MaxInPerson {
		s.alice.Command(s.ops, "/ceremony", "help")
	}
	s.expect("Too much is waiting", s.types(s.alice, "help"))
	close(free)
	s.settle()
	if s.bot.Health().TurnedAway != 1 {
		t.Errorf("turned away: %d", s.bot.Health().TurnedAway)
	}
}

func TestWhatWasAcknowledgedIsFinishedWhenStopped(t *testing.T) {
	s := start(t, slacktest.Config{})
	s.holds(begin(t, s.plan()))
	hang, free := make(chan struct{}), make(chan struct{})
	s.engine.mu.Lock()
	s.engine.during = func() { close(hang); <-free }
	s.engine.mu.Unlock()
	reply := s.alice.Command(s.ops, "/ceremony", "cancel k7m2")
	<-hang
	s.stop()
	s.wait("the socket to close", func() bool { return s.w.Sockets() == 0 })
	close(free)
	m, err := reply.Wait(s.ctx())
	if err != nil {
		t.Fatal(err)
	}
	s.expect("You cancelled", s.w.Read(m))
}

func TestAnswerGoesDirectWhenTheResponseURLIsDead(t *testing.T) {
	s := start(t, slacktest.Config{})
	s.w.Inject(slacktest.Fault{Method: "response_url", Effect: slacktest.Status(404)})
	if reply := s.alice.Command(s.ops, "/ceremony", "help"); reply.Error != "" {
		t.Fatal(reply.Error)
	}
	s.told(s.alice, "What you can type")
}

func TestNothingIsTakenBeforeTheEngineIsReady(t *testing.T) {
	s := setUp(t, slacktest.Config{})
	s.run()
	s.wait("sign-in", func() bool { return !s.bot.Health().LastAuthTest.IsZero() })
	ready := time.Now()
	close(s.engine.ready)
	s.wait("a socket", func() bool { return s.w.Sockets() == 1 })
	if opened := s.w.Calls("apps.connections.open")[0].At; opened.Before(ready) {
		t.Errorf("a socket %v before the journal was read", ready.Sub(opened))
	}
}
