package main

import (
	"context"
	"fmt"
	"strings"

	"conclave/ceremony"
	"conclave/rehearsal/stage"
)

// finding is an error about a check that did not hold.
type finding string

func (f finding) Error() string { return string(f) }

// checkKeys makes sure that the rekey has happened: the old shares open nothing
// any more, and any three of the new ones do.
func (h *rehearsal) checkKeys(ctx context.Context, old []string, of ceremony.ID) error {
	to := h.stage.Receivers()
	first, last := to[:stage.Threshold], to[len(to)-stage.Threshold:]
	if err := h.checkShares(ctx, old, false, "the old shares"); err != nil {
		return err
	}
	for _, who := range [][]string{first, last} {
		shares, err := h.stage.Shares(ctx, of, who...)
		if err != nil {
			return err
		}
		if err := h.checkShares(ctx, shares, true, "the new shares of "+strings.Join(who, ", ")); err != nil {
			return err
		}
	}
	return nil
}

// checkShares seals the emulated Vault and tries to unseal it. A server that was given on the command line is not
// sealed: there the shares are tried on generate-root.
func (h *rehearsal) checkShares(ctx context.Context, shares []string, want bool, whose string) error {
	try := h.stage.Proves
	if h.emulator != nil {
		try = h.stage.Vault.UnsealWorks
	}
	open, err := try(ctx, shares...)
	switch {
	case err != nil:
		return fmt.Errorf("try %s: %w", whose, err)
	case open && !want:
		return finding(whose + " still open the vault")
	case !open && want:
		return finding(whose + " do not open the vault")
	case open:
		h.held("%s open the vault", whose)
	default:
		h.held("%s open nothing any more", whose)
		if h.emulator != nil {
			return h.unseal(ctx)
		}
	}
	return nil
}

// unseal opens the emulated Vault again, which old shares have left sealed.
func (h *rehearsal) unseal(ctx context.Context) error {
	shares, err := h.stage.Shares(ctx, "", h.stage.Receivers()[:stage.Threshold]...)
	if err != nil {
		return err
	}
	return h.stage.Vault.Unseal(ctx, shares...)
}

// checkRoot makes sure that a token is a root token.
func (h *rehearsal) checkRoot(ctx context.Context, token string) error {
	root, err := h.stage.Vault.IsRootToken(ctx, token)
	switch {
	case err != nil:
		return err
	case !root:
		return finding("the token that was made is no root token")
	}
	h.held("what olga has now is a root token")
	return nil
}

// checkGone makes sure that Vault does not know a token.
func (h *rehearsal) checkGone(ctx context.Context, token string) error {
	root, err := h.stage.Vault.IsRootToken(ctx, token)
	if err != nil {
		return err
	}
	if root {
		return finding("the token lives on after it was revoked")
	}
	h.held("Vault does not know the token any more")
	return nil
}

// checkEvidence checks what is left behind: a complete journal if there was a ceremony, no secret anywhere, no broken
// rule.
func (h *rehearsal) checkEvidence(ctx context.Context) error {
	if _, any := h.stage.Board(); any {
		if err := h.checkJournal(ctx); err != nil {
			return err
		}
	}
	if err := h.checkTranscripts(ctx); err != nil {
		return err
	}
	leaks, err := h.stage.Leaks()
	switch {
	case err != nil:
		return err
	case len(leaks) > 0:
		return finding(fmt.Sprintf("secrets were found where they must not be: %v", leaks))
	}
	h.held("no share, token or private key is in Slack, the journal, the log or any other file")
	if broken := h.stage.Slack.Violations(); len(broken) > 0 {
		return finding(fmt.Sprintf("the bot broke rules of Slack's: %v", broken))
	}
	if h.emulator != nil {
		if broken := h.emulator.Breaches(); len(broken) > 0 {
			return finding(fmt.Sprintf("the bot broke rules of Vault's: %v", broken))
		}
	}
	h.held("the bot kept Slack's rules and Vault's")
	return nil
}

func (h *rehearsal) checkJournal(ctx context.Context) error {
	report, err := h.stage.Verify(ctx)
	if err != nil {
		return err
	}
	h.held("conclave verify finds the journal whole:")
	for line := range strings.Lines(report) {
		if !strings.HasPrefix(line, " ") {
			h.say("  %s", strings.TrimSpace(line))
		}
	}
	return nil
}
