package main

import (
	"context"
	"fmt"
	"strings"

	"conclave/ceremony"
	"conclave/rehearsal/stage"
)

func (h *rehearsal) playDrill(ctx context.Context) error {
	h.scene("Could we still use our key?")
	dave := h.stage.Person("dave")
	if err := dave.ChangesKey(ctx, stage.Software); err != nil {
		return err
	}
	h.act("dave", "has a new computer and a new PGP key, has told nobody, and thinks that all is well")
	id, err := h.propose(ctx, "drill "+stage.ClusterName+" OPS-440: the quarterly drill")
	if err != nil {
		return err
	}
	if err := h.approve(ctx, id, false); err != nil {
		return err
	}
	before := h.writes()
	for i, who := range []string{"alice", "bob", "carol"} {
		if err := h.bring(ctx, id, ceremony.StepDrill, who, i == 0); err != nil {
			return err
		}
	}
	ask, err := dave.Asked(ctx, id, ceremony.StepDrill)
	if err != nil {
		return err
	}
	h.act("dave", "sends his share, signed with the new key")
	receipt, err := dave.Answers(ctx, ask)
	if err != nil {
		return err
	}
	h.hears("dave", receipt.Text)
	h.act("erin", "is on holiday")
	h.say("The drill closes %s after it was proposed, whoever has answered.", h.stage.Settings().Window)
	if err := h.ended(ctx, id, h.stage.Settings().Holders...); err != nil {
		return err
	}

	h.scene(checking)
	board, _ := h.stage.BoardOf(id)
	for _, words := range []string{"*3 of 5 holders*", "dave could not", "No answer from erin", "can't lose anybody"} {
		if !strings.Contains(board.Text, words) {
			return finding(fmt.Sprintf("the report does not say %q:\n%s", words, board.Text))
		}
	}
	h.held("the report says who could use their share, who could not, and who did not answer")
	if h.emulator != nil {
		if n := h.writes(); n != before {
			return finding(fmt.Sprintf("%d writes went to Vault", n-before))
		}
		h.held("nothing was sent to Vault")
	}
	return nil
}

// writes returns the number of requests to the emulated Vault that would change something.
func (h *rehearsal) writes() int {
	if h.emulator == nil {
		return 0
	}
	n := 0
	for _, r := range h.emulator.Log("") {
		if r.Method != "GET" {
			n++
		}
	}
	return n
}
