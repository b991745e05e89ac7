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
func Token(c rules.State, s ceremony.SignedParcel) Message {
	blocks := []slack.Block{
		title("The " + wording.TokenTitle(c.Plan)),
		section("It is encrypted by Vault to your key. Only you can open it; Conclave never had it in the open."),
		section("*1.* Check that it comes from Conclave:"),
		Copied(wording.ReadCommand(s.Line)),
		section("*2.* Decrypt it where you need it:"),
		Copied(wording.PasteInto("gpg -qd", s.Armor)),
	}
	blocks = append(blocks, tokenDuty(c, 3)...)
	blocks = append(blocks,
		footnote("Or with the program `conclave`: paste this whole message into `conclave open --token`. It checks all of this for you, and prints the token."),
		footnote("`%s` · signed by %s", c.ID(), c.Plan.Identity),
	)
	return Message{Line: "The " + wording.Escape(wording.TokenTitle(c.Plan)), Blocks: blocks}
}

// EncodedToken hands over a token that was combined with the one-time password of its
// requester.
func EncodedToken(c rules.State, combined string) Message {
	if !wording.EncodedShape.MatchString(combined) {
		m := Say(":octagonal_sign: *Don't paste it anywhere.* What Vault calls the encoded token has characters that none has; somebody may be interfering. Tell your security team.")
		m.Blocks = append(m.Blocks, footnote("`%s`", c.ID()))
		return m
	}
	decode := "conclave decode --otp otp.txt --remove %s"
	if c.Plan.Operation != ceremony.DRToken {
		decode = `export VAULT_TOKEN="$(` + decode + `)"`
	}
	blocks := []slack.Block{
		title("The " + wording.TokenTitle(c.Plan)),
		section("Vault has combined it with your one-time password. To whoever does not have the password it is worth nothing."),
		section("*1.* Decode it on the computer that has the password. `otp.txt` stands for the file that `conclave otp new` has made; it is removed, since a password is for one token:"),
		Copied(wording.Paste(decode, wording.Encoded(combined))),
	}
	blocks = append(blocks, tokenDuty(c, 2)...)
	blocks = append(blocks,
		divider(),
		footnote("Vault's own program decodes it, too; while it runs, others on the same computer can see the password: `%s`",
			wording.Paste(`vault operator generate-root -decode=%s -otp="$(cat otp.txt)"`, wording.Encoded(combined))),
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
			section("*%d.* Then revoke it. *It may do everything and never expires*, and nobody watches over it for you:",
				step+1),
			Copied(wording.Paste(wording.RevokeSelf)),
		}
	case ceremony.RecoveryToken:
		return []slack.Block{
			section("*%d.* %s. It opens `sys/raw` of the server that runs in recovery mode, and nothing else.", step, use),
			section("*%d.* Start the server again without `-recovery`: *the token ends with that*. A node of a Raft cluster has to join it anew.", step+1),
		}
	case ceremony.DRToken:
		return []slack.Block{
			section("*%d.* %s: it is the `dr_operation_token` of `sys/replication/dr/secondary/promote`, `update-primary` and `disable`.", step, use),
			section("*%d.* Delete it as soon as you are done, since *it never expires*. When the command waits, paste the token and press Ctrl-D twice, without Return:", step+1),
			Copied(wording.Paste(wording.DeleteDRToken)),
		}
	}
	return []slack.Block{
		section("*%d.* Tell me its accessor, so that I can see when it is gone. The accessor names the token and does not give it away. With the token in `VAULT_TOKEN`:", step),
		Copied(wording.Paste(wording.ShowAccessor)),
		Copied(wording.Paste("/ceremony accessor %s ACCESSOR", wording.AnID(c.ID()))),
		section("*%d.* %s, and then revoke it. *It may do everything and never expires*; I remind you until it is gone:",
			step+1, use),
		Copied(wording.Paste(wording.RevokeSelf)),
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
		section("It was made %s, and nobody is known to have revoked it. It may do everything and never expires. When you are done with it:", wording.When(wording.MomentOf[event.TokenIssued](c))),
		Copied(wording.Paste(wording.RevokeSelf)),
	}
	if c.Accessor != "" {
		blocks = append(blocks, inline("Or without the token itself: `%s`. I ask Vault every minute, and see when it is gone.",
			wording.Paste("vault token revoke -accessor %s",
				wording.Blank{Word: c.Accessor, Fits: ceremony.IsNonce(c.Accessor)})))
	} else {
		blocks = append(blocks,
			section("*If you still need it*, tell me its accessor, so that I can see when it is gone. With the token in `VAULT_TOKEN`:"),
			Copied(wording.Paste(wording.ShowAccessor)),
			Copied(wording.Paste("/ceremony accessor %s ACCESSOR", wording.AnID(c.ID()))),
			section("*If it is revoked already*, say so: `/ceremony revoked %s`", c.ID()),
		)
	}
	blocks = append(blocks, footnote("`%s` · reminder %d", c.ID(), number))
	return Message{Line: wording.Escape(what), Blocks: blocks}
}
