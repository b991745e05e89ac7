package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"conclave/ceremony"
	"conclave/ceremony/rules"
	"conclave/rehearsal/stage"
)

func (h *rehearsal) playGenerateRoot(ctx context.Context) error {
	id, token, err := h.token(ctx, "generate-root "+stage.ClusterName+" OPS-413: the last admin has left")
	if err != nil {
		return err
	}
	return h.revocation(ctx, id, token)
}

// token plays the making of a token for olga, who has a PGP key.
func (h *rehearsal) token(ctx context.Context, what string) (ceremony.ID, string, error) {
	h.scene("A token is needed")
	id, err := h.propose(ctx, what)
	if err != nil {
		return "", "", err
	}
	if err := h.approve(ctx, id, false); err != nil {
		return "", "", err
	}
	holders, err := h.quorum(ctx)
	if err != nil {
		return "", "", err
	}
	token, err := h.tokenOf(ctx, id, holders)
	h.act(stage.Olga, "checks the bot's signature and decrypts the token with her key")
	return id, token, err
}

// tokenOf lets holders bring their shares and olga take the token. It returns the token.
func (h *rehearsal) tokenOf(ctx context.Context, id ceremony.ID, holders []string) (string, error) {
	for _, who := range holders {
		if err := h.bring(ctx, id, ceremony.StepUpdate, who, false); err != nil {
			return "", err
		}
	}
	n, err := h.stage.Person(stage.Olga).Told(ctx, id, rules.TokenMessage)
	if err != nil {
		return "", err
	}
	h.reads(stage.Olga, n.Text)
	token, err := h.stage.Person(stage.Olga).TakesToken(ctx, id)
	if err != nil {
		return "", err
	}
	return token, h.ended(ctx, id, h.stage.Settings().Holders...)
}

// playPassword plays a generate-root for a requester to whom Vault can't encrypt.
func (h *rehearsal) playPassword(ctx context.Context) error {
	h.scene("A root token is needed by somebody without a PGP key")
	olga := h.stage.Person(stage.Olga)
	commitment, err := olga.MakesPassword(ctx)
	if err != nil {
		return err
	}
	h.act(stage.Olga, "makes a one-time password with: conclave otp new %s", stage.PasswordFile)
	h.act(stage.Olga, "keeps it on her own computer; in Slack she tells its hash only")
	id, err := h.propose(ctx, "generate-root "+stage.ClusterName+" otp="+commitment+" OPS-414: the last admin has left")
	if err != nil {
		return err
	}
	if err := h.approve(ctx, id, true); err != nil {
		return err
	}
	ask, err := olga.Asked(ctx, id, ceremony.StepOTP)
	if err != nil {
		return err
	}
	h.reads(stage.Olga, ask.Text)
	if err := olga.SendsPassword(ctx, ask); err != nil {
		return err
	}
	h.act(stage.Olga, "sends the password, encrypted to this ceremony's key")
	holders, err := h.quorum(ctx)
	if err != nil {
		return err
	}
	token, err := h.tokenOf(ctx, id, holders)
	if err != nil {
		return err
	}
	h.act(stage.Olga, "decodes the token with the password, which is removed")
	return h.revocation(ctx, id, token)
}

// revocation plays the revocation of a root token, which olga owes. The bot asks Vault every minute and after a
// restart: its journal has what is owed.
func (h *rehearsal) revocation(ctx context.Context, id ceremony.ID, token string) error {
	h.scene("The token is used, and revoked")
	if err := h.checkRoot(ctx, token); err != nil {
		return err
	}
	accessor, err := h.stage.AccessorOf(ctx, token)
	if err != nil {
		return err
	}
	command := fmt.Sprintf("accessor %s %s", id, accessor)
	h.act(stage.Olga, "names the token without giving it away: /ceremony %s", command)
	said, err := h.stage.Person(stage.Olga).Commands(ctx, command)
	if err != nil {
		return err
	}
	h.hears(stage.Olga, said)
	if err := h.stage.KillBot(); err != nil {
		return err
	}
	h.say("The bot's host loses power.")
	if err := h.revoke(ctx, token); err != nil {
		return err
	}
	if err := h.stage.StartBot(ctx); err != nil {
		return err
	}
	h.say("The bot is back, and asks Vault for the token.")
	err = h.stage.Wait(ctx, "the status post to say that the token is gone", func() bool {
		board, ok := h.stage.BoardOf(id)
		return ok && strings.Contains(board.Text, "The token is revoked")
	})
	if err != nil {
		return err
	}
	h.watcher.draw()

	h.scene(checking)
	return h.checkGone(ctx, token)
}

func (h *rehearsal) revoke(ctx context.Context, token string) error {
	if err := h.stage.Revoke(ctx, token); err != nil {
		return err
	}
	h.act(stage.Olga, "has done her work and revokes the token")
	return nil
}

// playRecoveryToken plays the recovery of a node that is too damaged to serve requests.
func (h *rehearsal) playRecoveryToken(ctx context.Context) error {
	h.scene("A token for recovery mode is needed")
	h.say("Vault's storage is damaged. Its node was started with: vault server -recovery")
	id, err := h.propose(ctx, "recovery-token "+stage.ClusterName+" OPS-415: the storage is damaged")
	if err != nil {
		return err
	}
	if err := h.approve(ctx, id, false); err != nil {
		return err
	}
	// In this mode Vault does not show the number of shares.
	token, err := h.tokenOf(ctx, id, everyOther(h.stage.Settings().Holders)[:stage.Threshold])
	if err != nil {
		return err
	}

	h.scene(checking)
	if opens, err := h.opensStorage(ctx, token); err != nil || !opens {
		return errors.Join(finding("the token does not open the storage"), err)
	}
	h.held("what olga decrypted opens the storage of the node in recovery mode")
	h.emulator.Node(1).RestartInRecoveryMode()
	if opens, err := h.opensStorage(ctx, token); err != nil || opens {
		return errors.Join(finding("the token has outlived the server that it was made for"), err)
	}
	h.held("the token has ended with the restart of the server")
	return nil
}

// opensStorage reports whether a token can read a server's storage.
func (h *rehearsal) opensStorage(ctx context.Context, token string) (bool, error) {
	answer, err := h.stage.Vault.As(token).Do(ctx, "LIST", "sys/raw/", nil)
	return answer.Status == http.StatusOK, err
}

func (h *rehearsal) playDRToken(ctx context.Context) error {
	_, token, err := h.token(ctx, "dr-token "+stage.ClusterName+" OPS-416: the primary's data centre is lost")
	if err != nil {
		return err
	}
	h.scene(checking)
	// The emulator does not emulate what a secondary does with the token.
	root, err := h.stage.Vault.IsRootToken(ctx, token)
	switch {
	case err != nil:
		return err
	case root || len(token) == 0:
		return finding("the operation token is none")
	}
	h.held("what olga decrypted is a token of %d characters, and no root token", len(token))
	return nil
}
