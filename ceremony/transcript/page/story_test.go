package page_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/ceremony/transcript"
	"conclave/ceremony/transcript/page"
)

// trusting finds nothing wrong with any signature: these tests are about the page.
// It finds envelopes that say nothing of what they are for.
type trusting struct{ plan ceremony.Plan }

func (trusting) VerifyCertificate(string, ceremony.Fingerprint) error { return nil }

func (trusting) VerifyDetached(string, ceremony.Fingerprint, []byte, string) error { return nil }

func (s trusting) VerifyAnnouncement(a ceremony.Announced, _ ceremony.Fingerprint,
	_ time.Time) (ceremony.Announcement, error) {
	return ceremony.Announcement{
		Ceremony: s.plan.Ceremony, Operation: s.plan.Operation, Cluster: s.plan.Cluster, PlanHash: s.plan.Hash(),
		Plan: s.plan.Text(),
		Step: a.Step, Nonce: a.Nonce, Subkey: a.Subkey, Expires: a.Expires,
	}, nil
}

func (trusting) VerifyRollCall(ceremony.Challenge, string, ceremony.Fingerprint, time.Time) (ceremony.Called, error) {
	return ceremony.Called{}, nil
}

func (trusting) VerifySignedWord(string, ceremony.Fingerprint, string, time.Time,
	time.Time) (string, time.Time, error) {
	return "", time.Time{}, ceremony.BadSignature
}

func (trusting) VerifyEvidence(string, ceremony.Fingerprint, ceremony.Evidence,
	ceremony.Expected) (string, time.Time, error) {
	return "", time.Time{}, nil
}

func (trusting) VerifyCiphertext(string, string, ceremony.Fingerprint) error { return nil }

// tell returns the words for an event, as the bot might.
func tell(_ rules.State, e event.Entry) string {
	switch ev := e.Event.(type) {
	case event.Approved:
		return ev.By.Name + " approved the plan " + ev.PlanHash[:8] + "."
	case event.Counted:
		return fmt.Sprintf("%s's share is counted: %d.", ev.By.Name, ev.Progress)
	case event.Declined:
		return fmt.Sprintf("A message of %s was not used: %s.", ev.By.Name, ev.Reason)
	case event.Frozen:
		return "Frozen. Somebody has interfered.\nThe plan says: " + ev.Want + "\nVault says: " + ev.Got
	}
	return fmt.Sprintf("The event %s, in words.", event.TypeOf(e.Event))
}

func fpr(name string) ceremony.Fingerprint {
	return ceremony.Fingerprint(fmt.Sprintf("%040x", name)[:40])
}

func person(name string) ceremony.Person {
	return ceremony.Person{
		Name: name, Account: ceremony.Account{Team: "T0ACME", User: "U" + strings.ToUpper(name)}, Key: fpr(name),
	}
}

func people(names ...string) []ceremony.Person {
	var list []ceremony.Person
	for _, n := range names {
		list = append(list, person(n))
	}
	return list
}

const (
	nonce  = "2dbd10f1-8528-6246-09e7-82b25b8aba63"
	second = "8f1c6a50-1d0e-4a0b-9a53-0f6f0f2a7f11"
)

func rekeyPlan(reason string) ceremony.Plan {
	now := time.Now().UTC()
	holders := people("alice", "bob", "carol", "dave", "erin")
	return ceremony.Plan{
		Ceremony: "prod-rekey-k7m2", Operation: ceremony.Rekey, Cluster: "prod",
		ClusterID: "9f0a4e0c-3c8f-6a1e-1b8d-0a4f7d9e2c11",
		Reason:    reason, Initiator: person("olga"), Approvers: people("paul", "quin"), Approvals: 1,
		Holders: holders, Shares: 5, Threshold: 3, Receivers: holders, NewThreshold: 3, Verification: true,
		Backup:   true,
		Identity: fpr("identity"), Proposed: now, Closes: now.Add(4 * time.Hour),
	}
}

// story writes the journal of a rekey in which some things go wrong, and returns its
// transcript.
func story(t *testing.T, reason, why string) (file []byte, plan ceremony.Plan) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(9*time.Hour + 26*time.Minute) // 1 January 2000 begins at midnight
		p := rekeyPlan(reason)
		j := ceremonytest.OpenJournal(t, dir)
		seq := 0
		add := func(wait time.Duration, events ...event.Event) {
			t.Helper()
			time.Sleep(wait)
			entries, err := j.Append(t.Context(), p.Ceremony, seq, events...)
			if err != nil {
				t.Fatal(err)
			}
			seq += len(entries)
		}
		n := 0
		offer := func(wait time.Duration, name string, step ceremony.Step, under string, before int,
			then ...event.Event) {
			t.Helper()
			n++
			ref := ceremony.Ref{Channel: "D" + strings.ToUpper(name), TS: fmt.Sprint(n)}
			e := ceremony.Evidence{SHA256: strings.Repeat("ab", 32)}
			add(wait, event.Offered{By: person(name), Step: step, Message: ref, Evidence: e})
			e.Signer, e.SignedAt = fpr(name), time.Now().UTC().Truncate(time.Second)
			if len(then) == 0 {
				add(time.Second, event.Declined{
					By: person(name), Step: step, Message: ref, Evidence: e, Reason: ceremony.OtherNonce,
				})
				return
			}
			add(time.Second, event.Submitting{
				By: person(name), Step: step, Nonce: under, Before: before, Message: ref, Evidence: e,
			})
			add(300*time.Millisecond, then...)
		}
		counted := func(name string, step ceremony.Step, progress int) event.Event {
			return event.Counted{By: person(name), Step: step, Progress: progress}
		}
		announce := func(wait time.Duration, step ceremony.Step, under string) {
			add(wait, event.KeyAnnounced{Key: ceremony.Announced{
				Identity: p.Identity, Subkey: strings.Repeat("c", 40), Announcement: "a", Certificate: "c",
				Step: step, Nonce: under, At: time.Now().UTC(), Expires: p.Closes,
			}})
		}
		posted := func(key string) {
			add(time.Second, event.Posted{Key: key, Ref: ceremony.Ref{Channel: "C", TS: key}})
		}

		conditions := event.Conditions{
			Program:       event.Program{Version: "v1.2.0", Revision: event.NotKnown, SHA256: strings.Repeat("5a", 32)},
			Configuration: strings.Repeat("c0", 32),
			Vault:         []ceremony.Server{{Address: "vault-1:8200", Product: "Vault", Version: "1.21.2", Seal: "shamir"}},
			Host:          event.Host{System: "linux/amd64", TimeSource: "<b>chrony</b>", Synchronized: "yes"},
		}
		add(0, event.Proposed{Plan: p, PlanHash: p.Hash()})
		add(0, conditions)
		posted("board")
		add(11*time.Minute, event.Approved{By: person("paul"), PlanHash: p.Hash()})
		add(time.Second, event.Starting{Attempt: 1})
		add(200*time.Millisecond, event.Started{Nonce: nonce, Required: 3})
		announce(time.Second, ceremony.StepUpdate, nonce)
		offer(4*time.Minute, "alice", ceremony.StepUpdate, nonce, 0, counted("alice", ceremony.StepUpdate, 1))
		offer(7*time.Minute, "dave", ceremony.StepUpdate, nonce, 1)
		offer(time.Minute, "dave", ceremony.StepUpdate, nonce, 1, counted("dave", ceremony.StepUpdate, 2))
		add(5*time.Minute, event.Frozen{Why: event.VaultDiffers, Want: "threshold 3", Got: why})
		conditions.Configuration = strings.Repeat("c1", 32)
		add(0, conditions)
		add(9*time.Minute, event.ResumeAsked{By: person("olga")})
		add(2*time.Minute, event.ResumeAsked{By: person("paul")}, event.Resumed{})
		announce(2*time.Second, ceremony.StepUpdate, nonce)
		var shares []event.NewShare
		for _, h := range p.Receivers {
			shares = append(shares, event.NewShare{For: h, Ciphertext: "d2NGTUE="})
		}
		offer(16*time.Minute, "carol", ceremony.StepUpdate, nonce, 2,
			event.Rekeyed{
				By: person("carol"), Shares: shares, Keys: p.Recipients(), VerificationNonce: second, Required: 3,
			})
		for i, h := range p.Receivers {
			posted(fmt.Sprintf("delivery/%d/%s", seq-i, h.Account))
		}
		announce(time.Second, ceremony.StepVerify, second)
		offer(20*time.Minute, "bob", ceremony.StepVerify, second, 0, counted("bob", ceremony.StepVerify, 1))
		offer(3*time.Minute, "erin", ceremony.StepVerify, second, 1, counted("erin", ceremony.StepVerify, 2))
		offer(31*time.Minute, "alice", ceremony.StepVerify, second, 2, event.Verified{By: new(person("alice"))},
			event.Ended{Outcome: event.Completed, Vault: event.AttemptUsed})
		posted("board/ended")

		entries, err := j.Load(t.Context(), p.Ceremony)
		if err != nil {
			t.Fatal(err)
		}
		c, err := rules.Replay(entries)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(j.Path(p.Ceremony))
		if err != nil {
			t.Fatal(err)
		}
		transcript := transcript.Transcript{
			Format: "conclave-transcript1", Ceremony: p.Ceremony, Head: entries[len(entries)-1].Hash,
			Journal:      strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n"),
			Certificates: map[ceremony.Fingerprint]string{}, Signature: "d2NGTUE=",
		}
		for _, who := range append(p.Holders, person("olga"), person("paul"), person("quin"), person("identity")) {
			transcript.Certificates[who.Key] = "certificate of " + who.Name
		}
		if file, err = transcript.Encode(); err != nil {
			t.Fatal(err)
		}
		plan = c.Plan
	})
	return file, plan
}

func render(t *testing.T, reason, why string) []byte {
	t.Helper()
	file, plan := story(t, reason, why)
	html, err := page.Render(file, transcript.VerifyTranscript(file, plan.Identity, trusting{plan}), tell)
	if err != nil {
		t.Fatal(err)
	}
	return html
}
