package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"conclave/ceremony"
	"conclave/rehearsal/stage"
)

// Pauses of the play, for a person who watches.
const (
	breath = 600 * time.Millisecond
	moment = 1500 * time.Millisecond
)

// auto plays a rekey and a generate-root, and makes sure of what they did.
func (h *house) auto(ctx context.Context) error {
	id, err := h.playRekey(ctx)
	if err != nil {
		return fmt.Errorf("rekey: %w", err)
	}
	old, err := h.oldShares(ctx)
	if err != nil {
		return err
	}
	if err := h.adopt(ctx, id); err != nil {
		return fmt.Errorf("after the rekey: %w", err)
	}
	token, err := h.playGenerateRoot(ctx)
	if err != nil {
		return fmt.Errorf("generate-root: %w", err)
	}

	h.scene("Did it hold?")
	if err := h.checkToken(ctx, token); err != nil {
		return err
	}
	if err := h.stage.StopBot(ctx); err != nil {
		return err
	}
	return errors.Join(h.checkKeys(ctx, old, ""), h.checkEvidence(ctx))
}

func (h *house) playRekey(ctx context.Context) (ceremony.ID, error) {
	h.scene("A rekey is proposed")
	if err := h.intrude(ctx); err != nil {
		return "", err
	}
	id, err := h.propose(ctx, "rekey "+stage.ClusterName+" OPS-412: dave's laptop was stolen")
	if err != nil {
		return "", err
	}
	if err := h.approve(ctx, id, true); err != nil {
		return id, err
	}

	h.scene("The old shares are collected")
	holders, err := h.quorum(ctx)
	if err != nil {
		return id, err
	}
	for i, who := range holders {
		if err := h.bring(ctx, id, ceremony.Update, who, i == 0); err != nil {
			return id, err
		}
		if i == 0 && len(holders) > 1 {
			if err := h.copyMessage(ctx, id, who, "bob"); err != nil {
				return id, err
			}
		}
	}

	h.scene("The new shares are handed out")
	for i, who := range h.stage.Receivers() {
		n, err := h.stage.Person(who).Receives(ctx, id)
		if err != nil {
			return id, err
		}
		if i == 0 {
			h.reads(who, n.Text)
		}
		h.act(who, "checks the bot's signature, opens the new share, and keeps both")
	}
	if err := h.keepKeys(ctx); err != nil {
		return id, err
	}
	if err := h.pause(ctx, moment); err != nil {
		return id, err
	}

	h.scene("The new shares are proven")
	to := h.stage.Receivers()
	for _, who := range to[len(to)-stage.Threshold:] {
		if err := h.bring(ctx, id, ceremony.Verify, who, false); err != nil {
			return id, err
		}
	}
	return id, h.ended(ctx, id)
}

// quorum are the holders who bring the share in force: not simply the first.
func (h *house) quorum(ctx context.Context) ([]string, error) {
	seal, err := h.stage.Seal(ctx)
	if err != nil {
		return nil, err
	}
	var odd, even []string
	for i, who := range h.stage.Settings().Holders {
		if i%2 == 0 {
			odd = append(odd, who)
		} else {
			even = append(even, who)
		}
	}
	all := append(odd, even...)
	if seal.Threshold > len(all) {
		return nil, fmt.Errorf("it takes %d shares, and there are %d holders", seal.Threshold, len(all))
	}
	return all[:seal.Threshold], nil
}

// oldShares are shares that were in force before the rekey: as many as the new
// key needs, or all.
func (h *house) oldShares(ctx context.Context) ([]string, error) {
	holders := h.stage.Settings().Holders
	return h.stage.Shares(ctx, "", holders[:min(len(holders), stage.Threshold)]...)
}

// adopt ends the rekey on everybody's desk, and in the bot's configuration where
// others hold the key now.
func (h *house) adopt(ctx context.Context, id ceremony.ID) error {
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

func (h *house) playGenerateRoot(ctx context.Context) (string, error) {
	h.scene("A root token is needed")
	id, err := h.propose(ctx, "generate-root "+stage.ClusterName+" OPS-413: the last admin has left")
	if err != nil {
		return "", err
	}
	if err := h.approve(ctx, id, false); err != nil {
		return "", err
	}
	holders, err := h.quorum(ctx)
	if err != nil {
		return "", err
	}
	for _, who := range holders {
		if err := h.bring(ctx, id, ceremony.Update, who, false); err != nil {
			return "", err
		}
	}
	n, err := h.stage.Person(stage.Olga).Told(ctx, id, ceremony.TokenMessage)
	if err != nil {
		return "", err
	}
	h.reads(stage.Olga, n.Text)
	token, err := h.stage.Person(stage.Olga).TakesToken(ctx, id)
	if err != nil {
		return "", err
	}
	h.act(stage.Olga, "checks the bot's signature and decrypts the token with her key")
	return token, h.ended(ctx, id)
}

// intrude has somebody without a part try to begin a ceremony.
func (h *house) intrude(ctx context.Context) error {
	const command = "start rekey " + stage.ClusterName
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

func (h *house) propose(ctx context.Context, what string) (ceremony.ID, error) {
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

func (h *house) approve(ctx context.Context, id ceremony.ID, whole bool) error {
	n, err := h.stage.Person(stage.Paul).Told(ctx, id, ceremony.ApprovalMessage)
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
	h.act(stage.Paul, "calls olga, compares the words of the plan's hash, and presses [ Approve ]")
	return h.stage.Approve(ctx, stage.Paul, id)
}

// bring has somebody answer the request for their share.
func (h *house) bring(ctx context.Context, id ceremony.ID, step ceremony.Step, who string, whole bool) error {
	p := h.stage.Person(who)
	ask, err := p.Asked(ctx, id, step)
	if err != nil {
		return err
	}
	if whole {
		h.reads(who, ask.Text)
		if err := h.pause(ctx, 2*moment); err != nil {
			return err
		}
	}
	h.act(who, "checks the announcement against the pinned fingerprint, and sends the share, signed and encrypted")
	receipt, err := p.Answers(ctx, ask)
	if err != nil {
		return err
	}
	h.hears(who, receipt.Text)
	if receipt.Kind != ceremony.ReceiptMessage || strings.Contains(receipt.Text, "not used") {
		return finding(who + "'s share was not taken: " + receipt.Text)
	}
	return h.pause(ctx, breath)
}

// copyMessage has somebody send another one's message as their own. Whoever
// could do that would need one key less.
func (h *house) copyMessage(ctx context.Context, id ceremony.ID, from, to string) error {
	ask, err := h.stage.Person(from).Asked(ctx, id, ceremony.Update)
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

// ended waits for the end of a ceremony, and for the people to be told.
func (h *house) ended(ctx context.Context, id ceremony.ID) error {
	if err := h.stage.Ended(ctx, id, "Completed"); err != nil {
		return err
	}
	for _, who := range h.stage.Settings().Holders {
		if _, err := h.stage.Person(who).Told(ctx, id, ceremony.EndedMessage); err != nil {
			return err
		}
	}
	h.watcher.draw()
	return h.pause(ctx, moment)
}
