package main

import (
	"context"
	"strings"

	"conclave/ceremony"
	"conclave/rehearsal/stage"
)

func (h *rehearsal) playInit(ctx context.Context) error {
	h.scene("A new cluster is proposed")
	id, err := h.propose(ctx, "init "+stage.ClusterName+" OPS-400: the new cluster")
	if err != nil {
		return err
	}
	if err := h.approve(ctx, id, true); err != nil {
		return err
	}

	h.scene("Everybody gets a share of its key")
	if err := h.handOut(ctx, id); err != nil {
		return err
	}
	token, err := h.stage.Person(stage.Olga).TakesToken(ctx, id)
	if err != nil {
		return err
	}
	h.act(stage.Olga, "decrypts the first root token with her key")
	if err := h.ended(ctx, id); err != nil {
		return err
	}
	if err := h.stage.Adopt(id); err != nil {
		return err
	}

	h.scene("The new cluster is unsealed")
	unseal, err := h.propose(ctx, "unseal "+stage.ClusterName+" OPS-400: the new cluster")
	if err != nil {
		return err
	}
	for i, who := range everyOther(h.stage.Receivers())[:stage.Threshold] {
		if err := h.bring(ctx, unseal, ceremony.StepUnseal, who, i == 0); err != nil {
			return err
		}
	}
	if err := h.ended(ctx, unseal, h.stage.Settings().Holders...); err != nil {
		return err
	}

	h.scene(checking)
	if err := h.checkRoot(ctx, token); err != nil {
		return err
	}
	h.stage.Vault.Token = token
	if err := h.checkLeftAlone(ctx); err != nil {
		return err
	}
	if err := h.stage.StopBot(ctx); err != nil {
		return err
	}
	shares, err := h.stage.Shares(ctx, "", h.stage.Receivers()[len(h.stage.Receivers())-stage.Threshold:]...)
	if err != nil {
		return err
	}
	if err := h.checkShares(ctx, shares, true, "the shares of those who were not asked"); err != nil {
		return err
	}
	return h.revoke(ctx, token)
}

// checkLeftAlone makes sure that a cluster that has a key doesn't get another one.
func (h *rehearsal) checkLeftAlone(ctx context.Context) error {
	const command = "start init " + stage.ClusterName
	said, err := h.stage.Person(stage.Olga).Commands(ctx, command)
	if err != nil {
		return err
	}
	h.act(stage.Olga, "types /ceremony %s once more", command)
	h.hears(stage.Olga, said)
	if strings.Contains(said, "Proposed") {
		return finding("a cluster that has a key is to be given another one")
	}
	h.held("the cluster, which has a key, is left alone")
	return nil
}
