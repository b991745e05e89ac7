package main

import (
	"context"
	"fmt"

	"conclave/ceremony"
	"conclave/ceremony/rules"
	"conclave/rehearsal/stage"
)

func (h *rehearsal) playUnseal(ctx context.Context) error {
	h.scene("The lights go out, and nobody types anything")
	if err := h.emulator.Node(3).Stop(); err != nil {
		return err
	}
	h.emulator.Node(1).Restart()
	h.emulator.Node(2).Restart()
	h.say("Two of Vault's three nodes are back, sealed. The third does not answer.")
	id, err := h.opened(ctx)
	if err != nil {
		return err
	}

	h.scene("One share of each holder serves every sealed node")
	holders := everyOther(h.stage.Settings().Holders)
	asked := map[string]stage.Note{} // holder → the request that was answered
	for i, who := range holders[:stage.Threshold] {
		if asked[who], err = h.enter(ctx, id, who, stage.Note{}, i == 0); err != nil {
			return err
		}
	}
	if err := h.checkOpen(ctx, 1, 2); err != nil {
		return err
	}

	h.scene("The third node is back")
	if err := h.emulator.Node(3).Start(); err != nil {
		return err
	}
	h.say("It is sealed, and nobody has kept a share for it: holders are asked once more.")
	for _, who := range holders[len(holders)-stage.Threshold:] {
		if _, err := h.enter(ctx, id, who, asked[who], false); err != nil {
			return err
		}
	}
	if err := h.ended(ctx, id, holders...); err != nil {
		return err
	}

	h.scene(checking)
	if err := h.checkOpen(ctx, 1, 2, 3); err != nil {
		return err
	}
	if n := len(h.boards()); n != 1 {
		return finding(fmt.Sprintf("%d ceremonies were opened for one power cut", n))
	}
	h.held("it was announced once")
	return nil
}

// opened waits for the ceremony that the seal watch opens.
func (h *rehearsal) opened(ctx context.Context) (id ceremony.ID, err error) {
	err = h.stage.Wait(ctx, "the seal watch to open an unseal", func() bool {
		board, any := h.stage.Board()
		id = board.Ceremony
		return any
	})
	if err != nil {
		return "", err
	}
	h.watcher.draw()
	return id, h.pause(ctx, moment)
}

// enter lets a person answer a newer request than the one that they know, and returns that request.
func (h *rehearsal) enter(ctx context.Context, id ceremony.ID, who string, old stage.Note, whole bool) (stage.Note,
	error) {
	ask, err := h.stage.Person(who).AskedAfter(ctx, id, ceremony.StepUnseal, old)
	if err != nil {
		return ask, err
	}
	return ask, h.answer(ctx, who, ask, whole)
}

// checkOpen makes sure that nodes are unsealed.
func (h *rehearsal) checkOpen(ctx context.Context, numbers ...int) error {
	for _, n := range numbers {
		answer, err := h.stage.At(h.emulator.Node(n).Addr()).Do(ctx, "GET", "sys/seal-status", nil)
		if err != nil {
			return err
		}
		if answer.Bool("sealed") || !answer.Bool("initialized") {
			return finding(fmt.Sprintf("node %d is still sealed", n))
		}
		h.held("node %d is unsealed", n)
	}
	return nil
}

// boards returns the ceremonies that have a status post.
func (h *rehearsal) boards() map[ceremony.ID]bool {
	all := map[ceremony.ID]bool{}
	for _, n := range h.stage.Posts() {
		if n.Kind == rules.BoardMessage {
			all[n.Ceremony] = true
		}
	}
	return all
}
