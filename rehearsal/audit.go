package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"conclave/ceremony"
	"conclave/ceremony/transcript"
	"conclave/rehearsal/stage"
)

// playAudit plays the auditor's walk: a ceremony of which everything is asked, its transcript, and then forgeries of
// it, each of which has to be found.
func (h *rehearsal) playAudit(ctx context.Context) error {
	if _, err := h.watchedToken(ctx); err != nil {
		return err
	}

	h.scene("The auditor checks the transcript")
	if err := h.checkTranscripts(ctx); err != nil {
		return err
	}
	file := h.transcripts[0]
	h.transcripts = nil // they are checked
	return h.checkForgeries(ctx, file)
}

// watchedToken plays a ceremony whose transcript has every kind of signature.
func (h *rehearsal) watchedToken(ctx context.Context) (ceremony.ID, error) {
	h.scene("A ceremony that leaves a transcript")
	id, err := h.propose(ctx, "generate-root "+stage.ClusterName+" OPS-413: the last admin has left")
	if err != nil {
		return id, err
	}
	if err := h.approve(ctx, id, false); err != nil {
		return id, err
	}
	if err := h.callRoll(ctx, id, stage.Olga); err != nil {
		return id, err
	}
	if err := h.gate(ctx, id); err != nil {
		return id, err
	}
	holders, err := h.quorum(ctx)
	if err != nil {
		return id, err
	}
	for i, who := range holders {
		if i == len(holders)-1 {
			if err := h.gate(ctx, id); err != nil {
				return id, err
			}
		}
		if err := h.bring(ctx, id, ceremony.StepUpdate, who, false); err != nil {
			return id, err
		}
	}
	if err := h.ended(ctx, id); err != nil {
		return id, err
	}
	return id, h.testify(ctx, id)
}

// checkForgeries changes copies of a transcript and makes sure that each change is found: first by a forger without any
// key of Conclave's, then by a bot that was taken over and signs the transcript anew. In the second case only people's
// signatures are left to find it by.
func (h *rehearsal) checkForgeries(ctx context.Context, transcript string) error {
	f, err := newForger(h.stage)
	if err != nil {
		return err
	}
	all := forgeries()
	for i, forgery := range all {
		h.scene(fmt.Sprintf("Forgery %d of %d: %s", i+1, len(all), forgery.what))
		for _, hand := range forgery.hands() {
			file, err := f.forge(transcript, forgery, hand)
			if err != nil {
				return fmt.Errorf("forge, %s: %w", forgery.what, err)
			}
			if err := h.checkForgery(ctx, file, forgery, hand); err != nil {
				return err
			}
		}
	}
	h.scene(checking)
	h.held("every one of %d forgeries was found", len(all))
	return nil
}

// checkForgery makes sure that one forgery is found, and prints by which check.
func (h *rehearsal) checkForgery(ctx context.Context, file string, forgery forgery, hand hand) error {
	audit, err := h.stage.Audit(ctx, file)
	if err != nil {
		return err
	}
	faults := audit.Faults()
	if len(faults) == 0 {
		return finding(fmt.Sprintf("nobody finds it when %s, %s", forgery.what, hand))
	}
	h.held("found, %s:", hand)
	const shown = 2
	for _, fault := range faults[:min(len(faults), shown)] {
		for i, line := range wrap(fault, width-4) {
			h.print(strings.Repeat(" ", 2+2*min(i, 1)) + line)
		}
	}
	if more := len(faults) - shown; more > 0 {
		h.say("  and %d more", more)
	}
	return h.pause(ctx, moment)
}

// hand names who makes a forgery.
type hand string

const (
	stranger hand = "as somebody leaves it who has no key"
	captured hand = "signed again by the bot itself, taken over"
)

// hands returns who can make a forgery with effect.
func (f forgery) hands() []hand {
	if f.signs {
		return []hand{stranger}
	}
	return []hand{stranger, captured}
}

// forge writes a forged copy of a transcript beside it.
func (f *forger) forge(doc string, forgery forgery, by hand) (string, error) {
	original, err := os.ReadFile(doc)
	if err != nil {
		return "", err
	}
	t, err := transcript.ReadTranscript(original)
	if err != nil {
		return "", err
	}
	if err := forgery.commit(f, &t); err != nil {
		return "", err
	}
	if by == captured {
		if err := f.sign(&t, f.identity); err != nil {
			return "", err
		}
	}
	file, err := t.Encode()
	if err != nil {
		return "", err
	}
	if slices.Equal(file, original) {
		return "", fmt.Errorf("nothing was changed")
	}
	out, err := os.CreateTemp(filepath.Dir(doc), "forged-*.json")
	if err != nil {
		return "", err
	}
	if _, err = out.Write(file); err == nil {
		err = out.Close()
	}
	return out.Name(), err
}
