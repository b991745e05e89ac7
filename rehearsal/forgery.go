package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/openpgp"
	"conclave/ceremony/transcript"
	"conclave/rehearsal/stage"
)

// forgery is one way to change what a transcript says.
type forgery struct {
	what   string
	signs  bool // it is signed again as a part of it
	commit func(*forger, *transcript.Transcript) error
}

// forgeries returns the forgeries of the auditor's walk. The forger knows the format: apart from the first forgery,
// every hash is corrected.
func forgeries() []forgery {
	return []forgery{
		{"a line is changed", false, func(_ *forger, t *transcript.Transcript) error {
			return edit(t, event.WitnessStated{}, `"agrees":true`, `"agrees":false`)
		}},
		{"a line is changed, and every hash behind it", false, func(_ *forger, t *transcript.Transcript) error {
			return chained(t, edit(t, event.WitnessStated{}, `"agrees":true`, `"agrees":false`))
		}},
		{"an approval is taken out", false, func(_ *forger, t *transcript.Transcript) error {
			i, err := find(t, event.Approved{})
			if err != nil {
				return err
			}
			t.Journal = slices.Delete(t.Journal, i, i+1)
			return chained(t, nil)
		}},
		{"somebody else has approved", false, func(f *forger, t *transcript.Transcript) error {
			return chained(t, f.replacePerson(t, event.Approved{}, stage.Paul, stage.Olga))
		}},
		{"another threshold was agreed on, with the hash of that plan", false, (*forger).changePlan},
		{"the last lines are missing", false, func(_ *forger, t *transcript.Transcript) error {
			// A bot that was taken over could leave out what follows the end, and the transcript would not show it. An
			// archive does.
			i, err := find(t, event.Ended{})
			if err != nil {
				return err
			}
			t.Journal = t.Journal[:i]
			return chained(t, nil)
		}},
		{"two lines have changed places", false, func(_ *forger, t *transcript.Transcript) error {
			i, err := find(t, event.Submitting{})
			if err != nil {
				return err
			}
			t.Journal[i-1], t.Journal[i] = t.Journal[i], t.Journal[i-1]
			return chained(t, nil)
		}},
		{"two envelopes have each other's signature", false, swapSignatures},
		{"a look-alike of the identity has signed it", true, (*forger).impersonate},
		{"an approver's certificate is a look-alike", false, func(f *forger, t *transcript.Transcript) error {
			paul := f.stage.FingerprintOf(stage.Paul)
			key, err := openpgp.GenerateHolder(stage.Paul, time.Now())
			if err != nil {
				return err
			}
			t.Certificates[paul], err = key.PublicArmor()
			return err
		}},
		{"a share came a day earlier", false, changeTime},
	}
}

// forger has what it takes to forge. As an attacker on the bot's host it has the identity too.
type forger struct {
	stage    *stage.Stage
	identity *openpgp.Identity
}

func newForger(s *stage.Stage) (*forger, error) {
	identity, err := s.StealIdentity()
	return &forger{stage: s, identity: identity}, err
}

// sign signs the transcript anew.
func (f *forger) sign(t *transcript.Transcript, by *openpgp.Identity) error {
	t.Signature = ""
	text, err := t.Encode()
	if err != nil {
		return err
	}
	t.Signature, err = openpgp.New(by, nil).Attest(text)
	return err
}

// impersonate signs with another key of the same name in place of the real one.
func (f *forger) impersonate(t *transcript.Transcript) error {
	other, err := openpgp.Generate("Conclave on stage", time.Now())
	if err != nil {
		return err
	}
	if t.Certificates[f.identity.Fingerprint()], err = other.PublicArmor(); err != nil {
		return err
	}
	return f.sign(t, other)
}

// changePlan makes it look as if people had agreed to a plan with one holder less.
func (f *forger) changePlan(t *transcript.Transcript) error {
	var l line
	if err := json.Unmarshal([]byte(t.Journal[0]), &l); err != nil {
		return err
	}
	var proposed event.Proposed
	if err := json.Unmarshal(l.Event, &proposed); err != nil {
		return err
	}
	before := proposed.PlanHash
	proposed.Plan.Threshold--
	proposed.PlanHash = proposed.Plan.Hash()
	event, err := json.Marshal(proposed)
	if err != nil {
		return err
	}
	l.Event = event
	first, err := json.Marshal(l)
	if err != nil {
		return err
	}
	t.Journal[0] = string(first)
	for i := range t.Journal {
		t.Journal[i] = strings.ReplaceAll(t.Journal[i], before, proposed.PlanHash)
	}
	return chained(t, nil)
}

// replacePerson attributes an event to another person.
func (f *forger) replacePerson(t *transcript.Transcript, action event.Event, from, to string) error {
	i, err := find(t, action)
	if err != nil {
		return err
	}
	a, b := f.stage.Person(from), f.stage.Person(to)
	t.Journal[i] = strings.NewReplacer(
		`"name":"`+from+`"`, `"name":"`+to+`"`,
		a.Slack.ID(), b.Slack.ID(),
		string(f.stage.FingerprintOf(from)), string(f.stage.FingerprintOf(to)),
	).Replace(t.Journal[i])
	return nil
}

// swapSignatures attributes the envelopes of the first two holders to each other.
func swapSignatures(_ *forger, t *transcript.Transcript) error {
	var at []int
	var signatures []string
	for i, raw := range t.Journal {
		var l line
		var s event.Submitting
		if json.Unmarshal([]byte(raw), &l) == nil && l.Type == event.TypeOf(s) && json.Unmarshal(l.Event, &s) == nil {
			at, signatures = append(at, i), append(signatures, s.Evidence.Signature)
		}
	}
	if len(at) < 2 || signatures[0] == "" {
		return fmt.Errorf("%d envelopes were signed", len(at))
	}
	swap := strings.NewReplacer(signatures[0], signatures[1], signatures[1], signatures[0])
	for _, i := range at {
		t.Journal[i] = swap.Replace(t.Journal[i])
	}
	return chained(t, nil)
}

// changeTime moves the first share to the day before.
func changeTime(_ *forger, t *transcript.Transcript) error {
	i, err := find(t, event.Submitting{})
	if err != nil {
		return err
	}
	var l line
	if err := json.Unmarshal([]byte(t.Journal[i]), &l); err != nil {
		return err
	}
	l.At = l.At.AddDate(0, 0, -1)
	raw, err := json.Marshal(l)
	t.Journal[i] = string(raw)
	return chained(t, err)
}

// line is a journal's line, as docs/auditor.md describes it.
type line struct {
	Seq      int             `json:"seq"`
	Prev     string          `json:"prev"`
	At       time.Time       `json:"at"`
	Ceremony ceremony.ID     `json:"ceremony"`
	Type     string          `json:"type"`
	Event    json.RawMessage `json:"event"`
}

// find returns the index of the first event of a type.
func find(t *transcript.Transcript, like event.Event) (int, error) {
	i := slices.IndexFunc(t.Journal, func(raw string) bool {
		var l line
		return json.Unmarshal([]byte(raw), &l) == nil && l.Type == event.TypeOf(like)
	})
	if i < 0 {
		return 0, fmt.Errorf("no line is %q", event.TypeOf(like))
	}
	return i, nil
}

// edit replaces words in the first event of a type.
func edit(t *transcript.Transcript, like event.Event, from, to string) error {
	i, err := find(t, like)
	if err != nil {
		return err
	}
	if !strings.Contains(t.Journal[i], from) {
		return fmt.Errorf("the line %q does not have %s", event.TypeOf(like), from)
	}
	t.Journal[i] = strings.ReplaceAll(t.Journal[i], from, to)
	return nil
}

// chained numbers the lines anew and corrects every hash. It returns err if that is an error.
func chained(t *transcript.Transcript, err error) error {
	if err != nil {
		return err
	}
	t.Head = ""
	for i, raw := range t.Journal {
		var l line
		if err := json.Unmarshal([]byte(raw), &l); err != nil {
			return err
		}
		l.Seq, l.Prev = i+1, t.Head
		again, err := json.Marshal(l)
		if err != nil {
			return err
		}
		t.Journal[i] = string(again)
		sum := sha256.Sum256(again)
		t.Head = hex.EncodeToString(sum[:])
	}
	return nil
}
