package render

import (
	"fmt"

	"github.com/slack-go/slack"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
)

// Token hands a token, encrypted, to its requester.
func Token(c rules.State, to ceremony.Person, s ceremony.SignedParcel, by wording.Signer) (Message, error) {
	signed, err := wording.OrderToken(c, to.Key, s.Armor).Sign(by)
	if err != nil {
		return Message{}, fmt.Errorf("render token: %w", err)
	}
	use := "conclave open --token"
	if c.Plan.Operation != ceremony.DRToken {
		use = `export VAULT_TOKEN="$(conclave open --token)"`
	}
	blocks := []slack.Block{
		title("The " + wording.TokenTitle(c.Plan)),
		section("It is encrypted by Vault to your key. Only you can open it; Conclave never had it in the open."),
		throughConclave(use, "It opens the token where you need it."),
		section("*When you have it:*"),
	}
	blocks = append(blocks, tokenDuty(c, 1)...)
	blocks = append(blocks, divider())
	blocks = append(blocks, throughGPG(c.Plan.Identity, signed, "It decrypts the token.")...)
	blocks = append(blocks,
		divider(),
		footnote("This is the same token as `conclave` reads it, and what I have signed about it:"),
		copied(s.Armor),
		copied(s.Line),
		footnote("`%s` · signed by %s", c.ID(), c.Plan.Identity),
	)
	return Message{Line: "The " + wording.Escape(wording.TokenTitle(c.Plan)), Blocks: blocks}, nil
}

// EncodedToken hands over a token that was combined with the one-time password of its
// requester.
func EncodedToken(c rules.State, combined string) Message {
	if !wording.EncodedShape.MatchString(combined) {
		m := Say(":octagonal_sign: *Don't paste it anywhere.* What Vault calls the encoded token has characters that none has; somebody may be interfering. Tell your security team.")
		m.Blocks = append(m.Blocks, footnote("`%s`", c.ID()))
		return m
	}
	decode := "conclave decode --otp otp.txt --remove"
	if c.Plan.Operation != ceremony.DRToken {
		decode = `export VAULT_TOKEN="$(` + decode + `)"`
	}
	blocks := []slack.Block{
		title("The " + wording.TokenTitle(c.Plan)),
		section("Vault has combined it with your one-time password. To whoever does not have the password it is worth nothing."),
		section("*1.* Decode it on the computer that has the password: type `%s` and press Return. Then paste this, press Return, and Ctrl-D. `otp.txt` stands for the file that `conclave otp new` has made; it is removed, since a password is for one token:", decode),
		listing(combined),
	}
	blocks = append(blocks, tokenDuty(c, 2)...)
	blocks = append(blocks,
		divider(),
		footnote("Vault's own program decodes it, too; the holders' guide says how. Paste nothing of this message at your shell's prompt."),
		footnote("`%s`", c.ID()),
	)
	return Message{Line: "The " + wording.Escape(wording.TokenTitle(c.Plan)), Blocks: blocks}
}

// tokenDuty says what the requester of a token has to do: use it, and end it.
func tokenDuty(c rules.State, step int) []slack.Block {
	use := fmt.Sprintf("Do what it was made for (%s)", wording.ReasonOr(c.Plan.Reason, "the plan gives no reason"))
	switch c.Plan.Operation {
	case ceremony.Init:
		before := "Set the cluster up with it"
		if !(ceremony.Seal{Type: c.Plan.Seal}).UnsealsItself() {
			before = fmt.Sprintf("When the cluster is unsealed (`/ceremony start unseal %s`), set it up",
				wording.Escape(c.Plan.Cluster))
		}
		return []slack.Block{
			section("*%d.* %s: an audit log, a way in for people, and for Conclave a token with the policy that `conclave policy` prints.", step, before),
			section("*%d.* Then revoke it: type `%s`. *It may do everything and never expires*, and nobody watches over it for you.",
				step+1, wording.RevokeSelf),
		}
	case ceremony.RecoveryToken:
		return []slack.Block{
			section("*%d.* %s. It opens `sys/raw` of the server that runs in recovery mode, and nothing else.", step, use),
			section("*%d.* Start the server again without `-recovery`: *the token ends with that*. A node of a Raft cluster has to join it anew.", step+1),
		}
	case ceremony.DRToken:
		return []slack.Block{
			section("*%d.* %s: it is the `dr_operation_token` of `sys/replication/dr/secondary/promote`, `update-primary` and `disable`.", step, use),
			section("*%d.* Delete it as soon as you are done, since *it never expires*: type `%s`. When the command waits, paste the token and press Ctrl-D twice, without Return.", step+1, wording.DeleteDRToken),
		}
	}
	return []slack.Block{
		section("*%d.* Tell me its accessor, so that I can see when it is gone. The accessor names the token and does not give it away. %s", step, nameAccessor(c)),
		section("*%d.* %s, and then revoke it: type `%s`. *It may do everything and never expires*; I remind you until it is gone.",
			step+1, use, wording.RevokeSelf),
	}
}

// Reminder tells the requester of a root token to revoke it.
func Reminder(c rules.State, e event.Entry) Message {
	what := "Please revoke the " + wording.TokenTitle(c.Plan)
	number := 0
	if ev, ok := e.Event.(event.Reminded); ok {
		number = ev.Number
	}
	blocks := []slack.Block{
		title(what),
		section("It was made %s, and nobody is known to have revoked it. It may do everything and never expires. When you are done with it, type `%s`.", wording.When(wording.MomentOf[event.TokenIssued](c)), wording.RevokeSelf),
	}
	if c.Accessor != "" {
		blocks = append(blocks, section("Or without the token itself: type `vault token revoke -accessor` and the accessor, which is %s. I ask Vault every minute, and see when it is gone.", accessorWord(c)))
	} else {
		blocks = append(blocks,
			section("*If you still need it*, tell me its accessor, so that I can see when it is gone. %s", nameAccessor(c)),
			section("*If it is revoked already*, say so: `/ceremony revoked %s`", c.ID()),
		)
	}
	blocks = append(blocks, footnote("`%s` · reminder %d", c.ID(), number))
	return Message{Line: wording.Escape(what), Blocks: blocks}
}

// nameAccessor says how a requester names the accessor of a token.
func nameAccessor(c rules.State) string {
	return fmt.Sprintf("With the token in `VAULT_TOKEN`, type `%s`; and here `/ceremony accessor %s` and what it prints.",
		wording.ShowAccessor, c.ID())
}

// accessorWord returns the accessor of a ceremony's token. It has been checked when it was
// named, and is checked again: it stands where people type from.
func accessorWord(c rules.State) string {
	if !ceremony.IsNonce(c.Accessor) {
		return "the one that you have named"
	}
	return "`" + c.Accessor + "`"
}
