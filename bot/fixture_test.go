package bot

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"conclave/bot/render"
	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

const (
	hexShare  = "5f2a9c1b7d3e8f604152637485960718293a4b5c6d7e8f90a1b2c3d4e5f6071899"
	baseShare = "XyqcG30+j2BBUmN0hZYHGCk6S1xtfo+QobLD1OX2BxiZ"

	accessor   = "zh3jTqRz0mTuTZmZY6M63sBX"
	oneTime    = "q7Wm2ZpX4vRkT9sLbN3cYd8HfGjA" // a one-time password of Vault's length
	commitment = "3f5a1c7e9b2d4f608172839405a6b7c8d9eafb0c1d2e3f405162738495a6b7c8"
)

// The people and the moment of every rendered ceremony.
var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

const identity = ceremony.Fingerprint("b5f3c9d2a1e04f6788aa11bb22cc33dd44ee55ff")

func person(name string) ceremony.Person {
	digit := map[string]string{"alice": "a", "bob": "b", "carol": "c", "dave": "d", "erin": "e"}[name]
	return ceremony.Person{
		Name: name, Account: ceremony.Account{Team: "T0CONCLAVE", User: "U0" + strings.ToUpper(name)},
		Key: ceremony.Fingerprint(strings.Repeat(digit, 40)),
	}
}

func people(names ...string) []ceremony.Person {
	all := make([]ceremony.Person, len(names))
	for i, n := range names {
		all[i] = person(n)
	}
	return all
}

func rekeyPlan() ceremony.Plan {
	return ceremony.Plan{
		Ceremony: "prod-rekey-k7m2", Operation: ceremony.Rekey, Cluster: "prod",
		ClusterID: "5fa2c6b4-0d3e-4b0e-8d19-2f1f3f6e7a10",
		Reason:    "OPS-412: <dave> leaves & hands over", Initiator: person("alice"), Approvers: people("alice", "bob"),
		Approvals: 1,
		Holders:   people("alice", "bob", "carol", "dave", "erin"), Shares: 5, Threshold: 3,
		Receivers: people("alice", "bob", "carol", "dave", "erin"), NewThreshold: 3, Verification: true, Backup: true,
		Identity: identity, Proposed: noon, Closes: noon.Add(4 * time.Hour),
	}
}

func recoveryPlan() ceremony.Plan {
	p := rekeyPlan()
	p.Ceremony, p.Operation = "prod-rekey-recovery-k7m2", ceremony.RekeyRecovery
	return p
}

func rootPlan() ceremony.Plan {
	requester := person("alice")
	p := rekeyPlan()
	p.Ceremony, p.Operation, p.Reason = "prod-generate-root-w4hz", ceremony.GenerateRoot, ""
	p.Receivers, p.NewThreshold, p.Verification, p.Backup = nil, 0, false, false
	p.Requester = &requester
	return p
}

// armor has the size of the real thing and nothing in it.
func armor(kind string, lines int) string {
	body := strings.Repeat("mDMEabcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVW+\n", lines)
	return fmt.Sprintf("-----BEGIN PGP %s-----\n\n%s=njUN\n-----END PGP %s-----\n", kind, body, kind)
}

func announced(step ceremony.Step, nonce string) ceremony.Announced {
	return ceremony.Announced{
		Identity: identity, Subkey: strings.Repeat("7", 40), Announcement: armor("MESSAGE", 30),
		Certificate: armor("PUBLIC KEY BLOCK", 13),
		Step:        step, Nonce: nonce, At: noon.Add(5 * time.Minute), Expires: noon.Add(4 * time.Hour),
	}
}

const (
	nonce1 = "0a6e2a5c-8f47-4f0b-9a11-6a5b4c3d2e1f"
	nonce2 = "77b1c2d3-1111-4222-8333-944455566677"
)

// scenario is a ceremony that grows by events, one a minute.
type scenario struct {
	t       *testing.T
	entries []event.Entry
	c       rules.State
}

func begin(t *testing.T, p ceremony.Plan) *scenario {
	t.Helper()
	return (&scenario{t: t}).then(event.Proposed{Plan: p, PlanHash: p.Hash()})
}

func (s *scenario) then(events ...event.Event) *scenario {
	s.t.Helper()
	for _, ev := range events {
		n := len(s.entries)
		e := event.Entry{
			Seq: n + 1, At: noon.Add(time.Duration(n) * time.Minute), Hash: strings.Repeat(fmt.Sprintf("%08x", n+1), 8),
			Event: ev,
		}
		if n > 0 {
			e.Prev = s.entries[n-1].Hash
		}
		s.entries = append(s.entries, e)
	}
	c, err := rules.Replay(s.entries)
	if err != nil {
		s.t.Fatalf("replay: %v", err)
	}
	s.c = c
	return s
}

// asked is the ceremony once every request that is due was posted.
func (s *scenario) asked() rules.State {
	s.t.Helper()
	waiting, _ := s.c.Unasked()
	all := &scenario{t: s.t, entries: slices.Clone(s.entries)}
	for i, m := range waiting {
		all.then(event.Posted{Key: m.Key, Ref: ceremony.Ref{Channel: "D" + m.To.Name, TS: fmt.Sprintf("2.%d", i)}})
	}
	if len(waiting) == 0 {
		return s.c
	}
	return all.c
}

// message is the newest message of a kind, to the person with this name.
func (s *scenario) message(kind rules.MessageKind, to string) rules.Message {
	s.t.Helper()
	all := s.c.Messages()
	for i := len(all) - 1; i >= 0; i-- {
		if m := all[i]; m.Kind == kind && (to == "" || m.To != nil && m.To.Name == to) {
			return m
		}
	}
	s.t.Fatalf("no %s message for %q", kind, to)
	return rules.Message{}
}

// who returns the person with this name, as the plan has them.
func (s *scenario) who(name string) ceremony.Person {
	s.t.Helper()
	p := s.c.Plan
	for _, one := range slices.Concat(p.Approvers, p.Holders, p.Receivers, p.Witnesses) {
		if one.Name == name {
			return one
		}
	}
	s.t.Fatalf("the plan has no %s", name)
	return ceremony.Person{}
}

func started(t *testing.T, p ceremony.Plan) *scenario {
	s := begin(t, p)
	return s.then(
		event.Approved{By: s.who("bob"), PlanHash: p.Hash()},
		event.Starting{Attempt: 1},
		event.Started{Nonce: nonce1, Required: 3},
		event.KeyAnnounced{Key: announced(ceremony.StepUpdate, nonce1)},
	)
}

func (s *scenario) share(name string, step ceremony.Step, nonce string, events ...event.Event) *scenario {
	at := ceremony.Ref{Channel: "D" + name, TS: fmt.Sprintf("1.%d", len(s.entries))}
	var nodes []string // of an unseal
	for _, n := range s.c.Nodes {
		if n.Reached && n.Sealed {
			nodes = append(nodes, n.Address)
		}
	}
	return s.then(
		event.Offered{By: s.who(name), Step: step, Message: at},
		event.Submitting{By: s.who(name), Step: step, Nonce: nonce, Before: len(s.c.Round.Counted), Nodes: nodes,
			Message: at},
	).then(events...)
}

func (s *scenario) counted(name string, step ceremony.Step, nonce string) *scenario {
	return s.share(name, step, nonce, event.Counted{By: s.who(name), Step: step, Progress: len(s.c.Round.Counted) + 1})
}

func newShares() []event.NewShare {
	var all []event.NewShare
	for _, p := range people("alice", "bob", "carol", "dave", "erin") {
		all = append(all, event.NewShare{For: p, Ciphertext: "d2NGTUE="})
	}
	return all
}

// rekeyed is a rekey whose new shares were made.
func rekeyed(t *testing.T) *scenario { return remade(t, rekeyPlan()) }

func remade(t *testing.T, p ceremony.Plan) *scenario {
	return started(t, p).
		counted("bob", ceremony.StepUpdate, nonce1).
		counted("carol", ceremony.StepUpdate, nonce1).
		share("erin", ceremony.StepUpdate, nonce1,
			event.Rekeyed{By: person("erin"), Shares: newShares(), VerificationNonce: nonce2, Required: 3})
}

// carriedThrough is a rekey without verification that others have finished: its new
// shares stand in Vault's backup.
func carriedThrough(t *testing.T) *scenario {
	p := rekeyPlan()
	p.Verification = false
	return started(t, p).counted("bob", ceremony.StepUpdate, nonce1).
		then(event.Rekeyed{Shares: newShares(), Keys: p.Recipients(), FromBackup: true},
			event.Ended{Outcome: event.Completed, Vault: event.AttemptUsed})
}

func testFiles(c rules.State, signed event.TranscriptSigned) ([]ceremony.File, error) {
	return []ceremony.File{
		{Name: ceremony.TranscriptName(c.ID(), signed.Number, "json"), Type: "application/json", Content: []byte("{}")},
		{Name: ceremony.TranscriptName(c.ID(), signed.Number, "html"), Type: "text/html", Content: []byte("<p>")},
	}, nil
}

// testSigner signs nothing. Its instructions can be read by [instructionsOf].
type testSigner struct{ err error }

func (s testSigner) SignDelivery(ceremony.Parcel) (ceremony.SignedParcel, error) {
	return ceremony.SignedParcel{Armor: armor("MESSAGE", 10), Line: armor("MESSAGE", 6)}, s.err
}

func (s testSigner) SignInstruction(i ceremony.Instruction) (ceremony.SignedInstruction, error) {
	text := fmt.Sprintf("conclave-instruction1\nabout: %s\nfor: %s\nsays: %s\n\n", i.About, i.For, i.Says)
	if !i.Brief {
		text += "(the plan)\n\n"
	}
	body := base64.StdEncoding.EncodeToString([]byte(text + i.Text))
	var lines strings.Builder
	for chunk := range slices.Chunk([]byte(body), 64) {
		lines.Write(append(chunk[:len(chunk):len(chunk)], '\n'))
	}
	return ceremony.SignedInstruction{
		Message:     "-----BEGIN PGP MESSAGE-----\n\n" + lines.String() + "-----END PGP MESSAGE-----\n",
		Certificate: armor("PUBLIC KEY BLOCK", 6),
	}, s.err
}

// instructionsOf returns what gpg would print of the instructions in a message.
func instructionsOf(m render.Message) []string {
	var all []string
	for _, l := range listingsOf(m) {
		body := strings.TrimSuffix(strings.TrimPrefix(l, "-----BEGIN PGP MESSAGE-----\n\n"), "-----END PGP MESSAGE-----")
		text, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(body, "\n", ""))
		if err == nil && strings.HasPrefix(string(text), "conclave-instruction1\n") {
			all = append(all, string(text))
		}
	}
	return all
}

// commandsIn returns the commands of an instruction: what is between its comments.
func commandsIn(text string) []string {
	var all []string
	command := ""
	for line := range strings.Lines(text[max(0, strings.Index(text, "\n# ")):] + "\n# ") {
		if !strings.HasPrefix(line, "# ") {
			command += line
			continue
		}
		if command = strings.TrimSpace(command); command != "" {
			all = append(all, command)
		}
		command = ""
	}
	return all
}

// shown returns a message that can be made.
func shown(t *testing.T) func(m render.Message, err error) render.Message {
	return func(m render.Message, err error) render.Message {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
}
