package main

import (
	"context"
	"fmt"
	"net/http"

	"conclave/rehearsal/stage"
	"conclave/vault/vaulttest/operator"
)

func (h *rehearsal) playRotate(ctx context.Context) error {
	h.scene("How old is the encryption key?")
	before, err := h.reading(ctx, "sys/key-status")
	if err != nil {
		return err
	}
	command := "key-status " + stage.ClusterName
	said, err := h.stage.Person(stage.Olga).Commands(ctx, command)
	if err != nil {
		return err
	}
	h.act(stage.Olga, "types /ceremony %s", command)
	h.reads(stage.Olga, said)

	h.scene("A new one is agreed on")
	if err := h.agreed(ctx, "rotate "+stage.ClusterName+" OPS-420: the yearly rotation"); err != nil {
		return err
	}

	h.scene(checking)
	after, err := h.reading(ctx, "sys/key-status")
	if err != nil {
		return err
	}
	if after.Int("term") != before.Int("term")+1 {
		return finding(fmt.Sprintf("the encryption key was of term %d, and is of term %d", before.Int("term"),
			after.Int("term")))
	}
	h.held("Vault writes with a key of term %d, and wrote with one of term %d before", after.Int("term"),
		before.Int("term"))
	return nil
}

// monthly is a rotation policy in the words of a proposal.
const monthly = "interval=720h max-operations=2000000000"

func (h *rehearsal) playRotateConfig(ctx context.Context) error {
	h.scene("The encryption key is to be rotated once a month")
	if err := h.agreed(ctx, "rotate-config "+stage.ClusterName+" "+monthly+" OPS-421: our policy says so"); err != nil {
		return err
	}

	h.scene(checking)
	policy, err := h.reading(ctx, "sys/rotate/config")
	if err != nil {
		return err
	}
	if policy.Int("max_operations") != 2_000_000_000 || policy.String("interval") != "720h0m0s" ||
		!policy.Bool("enabled") {
		return finding(fmt.Sprintf("Vault's policy is %v", policy.Body))
	}
	h.held("Vault rotates its encryption key every %s, or after %d encryptions", policy.String("interval"),
		policy.Int("max_operations"))
	return nil
}

// agreed plays an operation that needs no shares.
func (h *rehearsal) agreed(ctx context.Context, what string) error {
	id, err := h.propose(ctx, what)
	if err != nil {
		return err
	}
	if err := h.approve(ctx, id, true); err != nil {
		return err
	}
	return h.ended(ctx, id)
}

// reading returns Vault's answer to a GET.
func (h *rehearsal) reading(ctx context.Context, path string) (operator.Answer, error) {
	answer, err := h.stage.Vault.Do(ctx, "GET", path, nil)
	if err == nil && answer.Status != http.StatusOK {
		err = fmt.Errorf("%s: status %d", path, answer.Status)
	}
	return answer.Data(), err
}
