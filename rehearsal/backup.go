package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"

	"conclave/ceremony/rules"
	"conclave/rehearsal/stage"
)

func (h *rehearsal) playBackup(ctx context.Context) error {
	h.scene("Some weeks ago there was a rekey")
	rekey, err := h.stage.Rekey(ctx)
	if err != nil {
		return err
	}
	before, err := h.stage.Shares(ctx, rekey, h.stage.Receivers()...)
	if err != nil {
		return err
	}
	if err := h.adopt(ctx, rekey); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(h.stage.Dir(), "people", "dave", stage.ShareFile)); err != nil {
		return err
	}
	h.act("dave", "has lost the file with his new share")

	h.scene("Vault has kept the encrypted shares")
	id, err := h.propose(ctx, "backup "+stage.ClusterName+" OPS-430: dave has lost his share")
	if err != nil {
		return err
	}
	if err := h.approve(ctx, id, true); err != nil {
		return err
	}
	if err := h.handOut(ctx, id); err != nil {
		return err
	}
	after, err := h.stage.Shares(ctx, id, h.stage.Receivers()...)
	if err != nil {
		return err
	}

	h.scene("The backup is deleted")
	ask, err := h.stage.Person(stage.Paul).Told(ctx, id, rules.DeletionMessage)
	if err != nil {
		return err
	}
	h.reads(stage.Paul, ask.Text)
	h.act(stage.Paul, "calls everybody, hears that the shares open, and presses [ Delete the backup ]")
	said, err := h.stage.Person(stage.Paul).Clicks(ctx, ask, "delete")
	if err != nil {
		return err
	}
	h.hears(stage.Paul, said)
	if err := h.ended(ctx, id); err != nil {
		return err
	}
	if err := errors.Join(h.stage.Adopt(id), h.keepKeys(ctx)); err != nil {
		return err
	}

	h.scene(checking)
	if !slices.Equal(before, after) {
		return finding("the shares from the backup are not those of the rekey")
	}
	h.held("everybody has the share again that the rekey gave them")
	answer, err := h.stage.Vault.Do(ctx, "GET", "sys/rekey/backup", nil)
	if err != nil {
		return err
	}
	if answer.Status < http.StatusBadRequest {
		return finding("Vault still has the backup")
	}
	h.held("Vault keeps no backup any more")
	if err := h.stage.StopBot(ctx); err != nil {
		return err
	}
	return h.checkShares(ctx, after[len(after)-stage.Threshold:], true, "dave's share with two others")
}
