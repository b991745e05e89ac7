package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"conclave/ceremony"
	"conclave/rehearsal/stage"
)

func (h *rehearsal) playRekeying(ctx context.Context, op ceremony.Operation) error {
	old, err := h.rekey(ctx, op)
	if err != nil {
		return err
	}
	h.scene(checking)
	if err := h.stage.StopBot(ctx); err != nil {
		return err
	}
	return h.checkKeys(ctx, old, "")
}

// rekey plays a rekey, after which all people use their new shares. It returns shares that are void then.
func (h *rehearsal) rekey(ctx context.Context, op ceremony.Operation) (old []string, err error) {
	h.scene("A rekey is proposed")
	if err := h.intrude(ctx, string(op)); err != nil {
		return nil, err
	}
	id, err := h.propose(ctx, string(op)+" "+stage.ClusterName+" OPS-412: dave's laptop was stolen")
	if err != nil {
		return nil, err
	}
	if err := h.approve(ctx, id, true); err != nil {
		return nil, err
	}
	if err := errors.Join(h.callRoll(ctx, id, h.stage.Receivers()...), h.gate(ctx, id)); err != nil {
		return nil, err
	}

	h.scene("The old shares are collected")
	holders, err := h.quorum(ctx)
	if err != nil {
		return nil, err
	}
	for i, who := range holders {
		if i == len(holders)-1 {
			if err := h.gate(ctx, id); err != nil {
				return nil, err
			}
		}
		if err := h.bring(ctx, id, ceremony.StepUpdate, who, i == 0); err != nil {
			return nil, err
		}
		if i == 0 && len(holders) > 1 {
			if err := h.copyMessage(ctx, id, who, "bob"); err != nil {
				return nil, err
			}
			if err := h.except(ctx, id, "bob had alice's message on his screen, and sent it"); err != nil {
				return nil, err
			}
		}
	}

	h.scene("The new shares are handed out")
	if err := h.handOut(ctx, id); err != nil {
		return nil, err
	}

	h.scene("The new shares are proven")
	to := h.stage.Receivers()
	for i, who := range to[len(to)-stage.Threshold:] {
		if i == stage.Threshold-1 {
			if err := h.gate(ctx, id); err != nil {
				return nil, err
			}
		}
		if err := h.bring(ctx, id, ceremony.StepVerify, who, false); err != nil {
			return nil, err
		}
	}
	if err := h.ended(ctx, id, h.stage.Settings().Holders...); err != nil {
		return nil, err
	}
	if err := h.testify(ctx, id); err != nil {
		return nil, err
	}
	if old, err = h.oldShares(ctx); err != nil {
		return nil, err
	}
	return old, h.adopt(ctx, id)
}

// handOut lets every receiver take the share that a ceremony brings.
func (h *rehearsal) handOut(ctx context.Context, id ceremony.ID) error {
	for i, who := range h.stage.Receivers() {
		n, err := h.stage.Person(who).Receives(ctx, id)
		if err != nil {
			return err
		}
		if i == 0 {
			h.reads(who, n.Text)
		}
		h.act(who, "checks the bot's signature, opens the new share, and keeps it")
	}
	if err := h.keepKeys(ctx); err != nil {
		return err
	}
	return h.pause(ctx, moment)
}

// oldShares returns shares that were in force before the rekey: as many as the new key needs, or all.
func (h *rehearsal) oldShares(ctx context.Context) ([]string, error) {
	holders := h.stage.Settings().Holders
	return h.stage.Shares(ctx, "", holders[:min(len(holders), stage.Threshold)]...)
}

// adopt lets people put their new shares in place of the old ones, and changes the bot's configuration if other people
// hold the key now.
func (h *rehearsal) adopt(ctx context.Context, id ceremony.ID) error {
	if err := errors.Join(h.stage.Adopt(id), h.keepKeys(ctx)); err != nil {
		return err
	}
	if slices.Equal(h.stage.Settings().Holders, h.stage.Receivers()) {
		return nil
	}
	h.say("")
	h.say("Others hold the key now: the configuration says so from here on, and the bot is restarted.")
	if err := h.stage.StopBot(ctx); err != nil {
		return err
	}
	err := h.stage.Configure(func(s *stage.Settings) { s.Holders, s.Receivers = s.Receivers, nil })
	if err != nil {
		return err
	}
	return h.stage.StartBot(ctx)
}

// copyMessage lets a person send another one's message as their own. Whoever could do that would need one key less.
func (h *rehearsal) copyMessage(ctx context.Context, id ceremony.ID, from, to string) error {
	ask, err := h.stage.Person(from).Asked(ctx, id, ceremony.StepUpdate)
	if err != nil {
		return err
	}
	envelope, err := h.stage.Person(from).Keys.Answer(ctx, ask)
	if err != nil {
		return err
	}
	h.act(to, "is in a hurry and sends a message that %s has sealed", from)
	receipt, err := h.stage.Person(to).Sends(ctx, envelope)
	if err != nil {
		return err
	}
	h.hears(to, receipt.Text)
	if !strings.Contains(receipt.Text, "not used") {
		return finding(to + "'s copy of " + from + "'s message was taken")
	}
	return h.pause(ctx, breath)
}
