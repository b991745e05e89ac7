package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"conclave/ceremony"
	"conclave/ceremony/rules"
	"conclave/rehearsal/stage"
)

// demanding returns settings with every demand that a policy can make of an operation.
func demanding(op ceremony.Operation) func(*stage.Settings) {
	return func(s *stage.Settings) {
		s.Witnesses = []string{stage.Wendy}
		s.Classes = map[string]string{stage.Paul: "security", stage.Wendy: "audit"}
		s.Policy = map[string]string{
			string(op): "{approvals_from: [security], signed: true, separate: true, witness: true, roll_call: all}",
		}
	}
}

// callRoll lets every receiver show that they can read what they will get.
func (h *rehearsal) callRoll(ctx context.Context, id ceremony.ID, called ...string) error {
	if !h.play.demanding {
		return nil
	}
	h.scene("Who is there?")
	for i, who := range called {
		call, err := h.stage.Person(who).Told(ctx, id, rules.RollCallMessage)
		if err != nil {
			return err
		}
		if i == 0 {
			h.reads(who, call.Text)
			if err := h.pause(ctx, 2*moment); err != nil {
				return err
			}
		}
		h.act(who, "decrypts the challenge, and signs it with the plan's hash")
		receipt, err := h.stage.Person(who).Presents(ctx, call)
		if err != nil {
			return err
		}
		h.hears(who, receipt.Text)
		if receipt.Kind != rules.ReceiptMessage {
			return finding(who + "'s answer to the roll call was not taken: " + receipt.Text)
		}
	}
	return h.pause(ctx, breath)
}

// gate lets the witness allow the next step: the first time with a signature, then with a button.
func (h *rehearsal) gate(ctx context.Context, id ceremony.ID) error {
	if !h.play.demanding {
		return nil
	}
	wendy := h.stage.Person(stage.Wendy)
	ask, err := wendy.Finds(ctx, "question whether the next step may happen", func(n stage.Note) bool {
		return n.Kind == rules.GateMessage && n.Ceremony == id && !slices.Contains(h.gates, n.TS)
	})
	if err != nil {
		return err
	}
	h.gates = append(h.gates, ask.TS)
	if len(h.gates) == 1 {
		h.reads(stage.Wendy, ask.Text)
		h.act(stage.Wendy, "has watched, and signs that it may happen")
		said, err := wendy.Signs(ctx, ask)
		if err != nil {
			return err
		}
		h.hears(stage.Wendy, said.Text)
		return h.pause(ctx, moment)
	}
	h.act(stage.Wendy, "has watched, and presses [ Let it happen ]")
	said, err := wendy.Clicks(ctx, ask, "proceed")
	if err != nil {
		return err
	}
	h.hears(stage.Wendy, said)
	return h.pause(ctx, breath)
}

// except lets the witness write down an exception.
func (h *rehearsal) except(ctx context.Context, id ceremony.ID, what string) error {
	if !h.play.demanding {
		return nil
	}
	command := fmt.Sprintf("exception %s %s", id, what)
	h.act(stage.Wendy, "types /ceremony %s", command)
	said, err := h.stage.Person(stage.Wendy).Commands(ctx, command)
	if err != nil {
		return err
	}
	h.hears(stage.Wendy, said)
	return h.pause(ctx, breath)
}

// testify lets the witness state their view of the ceremony, and takes the transcript from the thread.
func (h *rehearsal) testify(ctx context.Context, id ceremony.ID) error {
	if !h.play.demanding {
		return nil
	}
	h.scene("What stays of it")
	ask, err := h.stage.Person(stage.Wendy).Told(ctx, id, rules.WitnessMessage)
	if err != nil {
		return err
	}
	h.act(stage.Wendy, "is asked whether it went as the thread says, and signs that she agrees")
	said, err := h.stage.Person(stage.Wendy).Signs(ctx, ask)
	if err != nil {
		return err
	}
	h.hears(stage.Wendy, said.Text)
	file, page, err := h.stage.Transcript(ctx, id, 1)
	if err != nil {
		return err
	}
	h.transcripts = append(h.transcripts, file)
	h.watcher.draw()
	h.ops([]string{h.paint(dim, "thread  ") + "📎 " + filepath.Base(file),
		h.paint(dim, "        ") + "📎 " + filepath.Base(page)})
	return h.pause(ctx, moment)
}

// checkTranscripts makes sure that an auditor accepts the transcripts in the threads.
func (h *rehearsal) checkTranscripts(ctx context.Context) error {
	for _, file := range h.transcripts {
		audit, err := h.stage.Audit(ctx, file)
		if err != nil {
			return err
		}
		if faults := audit.Faults(); len(faults) > 0 {
			return finding(fmt.Sprintf("the transcript does not hold: %q", faults))
		}
		h.held("conclave verify finds the transcript of %s true, with nothing but the pinned fingerprint:", audit.Ceremony)
		for _, c := range audit.Checks {
			if c.Count > 0 {
				h.say("  %s", c.Words)
			}
		}
	}
	return nil
}
