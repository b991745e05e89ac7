package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/rules"
	"conclave/rehearsal/stage"
)

// Pauses of a play, for a person who watches.
const (
	breath = 600 * time.Millisecond
	moment = 1500 * time.Millisecond
)

// auto plays, and checks what was done and what is left behind.
func (h *rehearsal) auto(ctx context.Context) error {
	if err := h.play.act(h, ctx); err != nil {
		return err
	}
	if err := h.stage.StopBot(ctx); err != nil {
		return err
	}
	return h.checkEvidence(ctx)
}

// playBoth plays a rekey and, with the new shares, a generate-root.
func (h *rehearsal) playBoth(ctx context.Context) error {
	old, err := h.rekey(ctx, ceremony.Rekey)
	if err != nil {
		return err
	}
	_, token, err := h.token(ctx, "generate-root "+stage.ClusterName+" OPS-413: the last admin has left")
	if err != nil {
		return err
	}

	h.scene(checking)
	if err := h.checkRoot(ctx, token); err != nil {
		return err
	}
	if err := h.revoke(ctx, token); err != nil {
		return err
	}
	if err := h.stage.StopBot(ctx); err != nil {
		return err
	}
	return h.checkKeys(ctx, old, "")
}

// checking is the title of the last scene of every play.
const checking = "Did it hold?"

// quorum returns the holders who bring their shares. They are not simply the first.
func (h *rehearsal) quorum(ctx context.Context) ([]string, error) {
	seal, err := h.stage.Seal(ctx)
	if err != nil {
		return nil, err
	}
	all := everyOther(h.stage.Settings().Holders)
	if seal.Threshold > len(all) {
		return nil, fmt.Errorf("it takes %d shares, and there are %d holders", seal.Threshold, len(all))
	}
	return all[:seal.Threshold], nil
}

// everyOther returns all people, those at odd indexes last.
func everyOther(people []string) []string {
	var odd, even []string
	for i, who := range people {
		if i%2 == 0 {
			odd = append(odd, who)
		} else {
			even = append(even, who)
		}
	}
	return append(odd, even...)
}

// intrude lets a person without a role try to start a ceremony.
func (h *rehearsal) intrude(ctx context.Context, op string) error {
	command := "start " + op + " " + stage.ClusterName
	h.act(stage.Mallory, "types /ceremony %s", command)
	said, err := h.stage.Person(stage.Mallory).Commands(ctx, command)
	if err != nil {
		return err
	}
	h.hears(stage.Mallory, said)
	if _, begun := h.stage.Board(); begun {
		return finding("mallory has begun a ceremony")
	}
	return h.pause(ctx, breath)
}

func (h *rehearsal) propose(ctx context.Context, what string) (ceremony.ID, error) {
	h.act(stage.Olga, "types /ceremony start %s", what)
	id, err := h.stage.Propose(ctx, stage.Olga, what)
	if err != nil {
		return "", err
	}
	err = h.stage.Wait(ctx, "the status post of "+string(id), func() bool {
		_, there := h.stage.BoardOf(id)
		return there
	})
	if err != nil {
		return id, err
	}
	h.watcher.draw()
	return id, h.pause(ctx, moment)
}

func (h *rehearsal) approve(ctx context.Context, id ceremony.ID, whole bool) error {
	n, err := h.stage.Person(stage.Paul).Told(ctx, id, rules.ApprovalMessage)
	if err != nil {
		return err
	}
	if whole {
		h.reads(stage.Paul, n.Text)
	} else {
		h.act(stage.Paul, "reads the plan")
	}
	if err := h.pause(ctx, 2*moment); err != nil {
		return err
	}
	if n.HasButton("approve") {
		h.act(stage.Paul, "calls olga, compares the words of the plan's hash, and presses [ Approve ]")
	} else {
		h.act(stage.Paul, "calls olga, compares the words of the plan's hash, and signs it with his PGP key")
	}
	return h.stage.Approve(ctx, stage.Paul, id)
}

// bring lets a person answer the request for their share.
func (h *rehearsal) bring(ctx context.Context, id ceremony.ID, step ceremony.Step, who string, whole bool) error {
	ask, err := h.stage.Person(who).Asked(ctx, id, step)
	if err != nil {
		return err
	}
	return h.answer(ctx, who, ask, whole)
}

func (h *rehearsal) answer(ctx context.Context, who string, ask stage.Note, whole bool) error {
	if whole {
		h.reads(who, ask.Text)
		if err := h.pause(ctx, 2*moment); err != nil {
			return err
		}
	}
	h.act(who, "checks the announcement against the pinned fingerprint, and sends the share, signed and encrypted")
	receipt, err := h.stage.Person(who).Answers(ctx, ask)
	if err != nil {
		return err
	}
	h.hears(who, receipt.Text)
	if receipt.Kind != rules.ReceiptMessage || strings.Contains(receipt.Text, "not used") {
		return finding(who + "'s share was not taken: " + receipt.Text)
	}
	return h.pause(ctx, breath)
}

// ended waits until a ceremony is completed, and until the people who were asked for something are told.
func (h *rehearsal) ended(ctx context.Context, id ceremony.ID, asked ...string) error {
	if err := h.stage.Ended(ctx, id, "Completed"); err != nil {
		return err
	}
	for _, who := range asked {
		if _, err := h.stage.Person(who).Told(ctx, id, rules.EndedMessage); err != nil {
			return err
		}
	}
	h.watcher.draw()
	return h.pause(ctx, moment)
}
