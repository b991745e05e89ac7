package bot

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/slack-go/slack"

	"conclave/ceremony"
)

const (
	revokeSelf   = "vault token revoke -self"
	showAccessor = "vault token lookup -format=json | jq -r .data.accessor"
	// deleteDRToken reads the token from its standard input: on the command line it
	// would stay in the shell's history.
	deleteDRToken = "vault write sys/replication/dr/secondary/operation-token/delete dr_operation_token=-"
)

// renderToken hands a token, encrypted, to whom it was made for.
func renderToken(c ceremony.Ceremony, s ceremony.SignedParcel) message {
	blocks := []slack.Block{
		title("The " + tokenTitle(c.Plan)),
		section("It is encrypted by Vault to your key. Only you can open it; Conclave never had it in the open."),
		section("*1.* Check that it comes from Conclave:"),
		copied(ReadCommand(s.Line)),
		section("*2.* Decrypt it where you need it:"),
		copied(pasteInto("gpg -qd", s.Armor)),
	}
	blocks = append(blocks, tokenDuty(c, 3)...)
	blocks = append(blocks,
		footnote("Or with the program `conclave`: paste this whole message into `conclave open --token`. It checks all of this for you, and prints the token."),
		footnote("`%s` · signed by %s", c.ID(), c.Plan.Identity),
	)
	return message{line: "The " + escape(tokenTitle(c.Plan)), blocks: blocks}
}

// encodedShape is what may be a token combined with a one-time password. It goes
// into a command that people paste into a shell, and it is what Vault sent.
var encodedShape = regexp.MustCompile(`^[A-Za-z0-9+/=_-]+$`)

// renderEncodedToken hands over a token that was combined with the one-time
// password of its requester.
func renderEncodedToken(c ceremony.Ceremony, combined string) message {
	if !encodedShape.MatchString(combined) {
		m := say(":octagonal_sign: *Don't paste it anywhere.* What Vault calls the encoded token has characters that none has; somebody may be interfering. Tell your security team.")
		m.blocks = append(m.blocks, footnote("`%s`", c.ID()))
		return m
	}
	decode := "conclave decode --otp otp.txt --remove %s"
	if c.Plan.Operation != ceremony.DRToken {
		decode = `export VAULT_TOKEN="$(` + decode + `)"`
	}
	blocks := []slack.Block{
		title("The " + tokenTitle(c.Plan)),
		section("Vault has combined it with your one-time password. To whoever does not have the password it is worth nothing."),
		section("*1.* Decode it on the computer that has the password. `otp.txt` stands for the file that `conclave otp new` has made; it is removed, since a password is for one token:"),
		copied(paste(decode, encoded(combined))),
	}
	blocks = append(blocks, tokenDuty(c, 2)...)
	blocks = append(blocks,
		divider(),
		footnote("Vault's own program decodes it, too; while it runs, others on the same computer can see the password: `%s`",
			paste(`vault operator generate-root -decode=%s -otp="$(cat otp.txt)"`, encoded(combined))),
		footnote("`%s`", c.ID()),
	)
	return message{line: "The " + escape(tokenTitle(c.Plan)), blocks: blocks}
}

func tokenTitle(p ceremony.Plan) string {
	if p.Operation == ceremony.Init {
		return "first root token for " + p.Cluster
	}
	return tokenName(p.Operation) + " for " + p.Cluster
}

// tokenDuty is what whoever has the token owes: what it is for, and how it ends.
func tokenDuty(c ceremony.Ceremony, step int) []slack.Block {
	use := fmt.Sprintf("Do what it was made for (%s)", reasonOr(c.Plan.Reason, "the plan gives no reason"))
	switch c.Plan.Operation {
	case ceremony.Init:
		before := "Set the cluster up with it"
		if !(ceremony.Seal{Type: c.Plan.Seal}).UnsealsItself() {
			before = fmt.Sprintf("When the cluster is unsealed (`/ceremony start unseal %s`), set it up", escape(c.Plan.Cluster))
		}
		return []slack.Block{
			section("*%d.* %s: an audit log, a way in for people, and for Conclave a token with the policy that `conclave policy` prints.", step, before),
			section("*%d.* Then revoke it. *It may do everything and never expires*, and nobody watches over it for you:", step+1),
			copied(paste(revokeSelf)),
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
			copied(paste(deleteDRToken)),
		}
	}
	return []slack.Block{
		section("*%d.* Tell me its accessor, so that I can see when it is gone. The accessor names the token and does not give it away. With the token in `VAULT_TOKEN`:", step),
		copied(paste(showAccessor)),
		copied(paste("/ceremony accessor %s ACCESSOR", anID(c.ID()))),
		section("*%d.* %s, and then revoke it. *It may do everything and never expires*; I remind you until it is gone:", step+1, use),
		copied(paste(revokeSelf)),
	}
}

func reasonOr(reason, otherwise string) string {
	if reason == "" {
		return otherwise
	}
	return "“" + escape(reason) + "”"
}

// renderReminder tells the requester of a root token to revoke it.
func renderReminder(c ceremony.Ceremony, e ceremony.Entry) message {
	what := "Please revoke the " + tokenTitle(c.Plan)
	number := 0
	if ev, ok := e.Event.(ceremony.Reminded); ok {
		number = ev.Number
	}
	blocks := []slack.Block{
		title(what),
		section("It was made %s, and nobody is known to have revoked it. It may do everything and never expires. When you are done with it:", when(momentOf[ceremony.TokenIssued](c))),
		copied(paste(revokeSelf)),
	}
	if c.Accessor != "" {
		blocks = append(blocks, inline("Or without the token itself: `%s`. I ask Vault every minute, and see when it is gone.",
			paste("vault token revoke -accessor %s", blank{c.Accessor, ceremony.IsNonce(c.Accessor)})))
	} else {
		blocks = append(blocks,
			section("*If you still need it*, tell me its accessor, so that I can see when it is gone. With the token in `VAULT_TOKEN`:"),
			copied(paste(showAccessor)),
			copied(paste("/ceremony accessor %s ACCESSOR", anID(c.ID()))),
			section("*If it is revoked already*, say so: `/ceremony revoked %s`", c.ID()),
		)
	}
	blocks = append(blocks, footnote("`%s` · reminder %d", c.ID(), number))
	return message{line: escape(what), blocks: blocks}
}

// tokenForm says whose a token is, and how it is kept from others.
func tokenForm(p ceremony.Plan) string {
	if p.OTP != "" {
		return "combined with the one-time password of " + requester(p)
	}
	return "encrypted to " + requester(p)
}

// revocation says what is known of a token after it was issued.
func revocation(c ceremony.Ceremony) string {
	p := c.Plan
	switch {
	case c.Outcome != ceremony.Completed && (c.Token != "" || c.Encoded != "") && p.Operation.IssuesToken() && (c.Ended() || c.State == ceremony.StateFrozen):
		return fmt.Sprintf(":rotating_light: *Vault has made a %s here, and nobody is known to have ended it.* Find it in Vault's audit log by the time of this ceremony, and revoke it by its accessor.", tokenName(p.Operation))
	case c.Outcome != ceremony.Completed:
		return ""
	case p.Operation == ceremony.RecoveryToken:
		return ":information_source: The token ends when the server is started again."
	case p.Operation == ceremony.DRToken:
		return fmt.Sprintf(":information_source: %s deletes the token when the work is done; Conclave can't see whether it is gone.", requester(p))
	case p.Operation != ceremony.GenerateRoot:
		return ""
	case c.Revoked != nil && c.Revoked.By != nil:
		return fmt.Sprintf(":ballot_box_with_check: *Revoked, as %s says*, %s. Vault was not asked: nobody named the token's accessor.", escape(c.Revoked.By.Name), when(momentOf[ceremony.TokenRevoked](c)))
	case c.Revoked != nil:
		return fmt.Sprintf(":white_check_mark: *The token is revoked*: Vault knows it no more, since %s at the latest.", when(momentOf[ceremony.TokenRevoked](c)))
	case c.Left:
		return ":rotating_light: *Nobody is known to have revoked the token*, and nobody is reminded any more. It never expires."
	case c.Accessor != "":
		return fmt.Sprintf(":hourglass_flowing_sand: *The token is not revoked yet.* Vault is asked for it every minute; %s revokes it when the work is done.", requester(p))
	}
	// This post is drawn again when the token is gone, and not before.
	return fmt.Sprintf(":hourglass_flowing_sand: *The token is not known to be revoked yet.* %s revokes it when the work is done, and names its accessor for Conclave to see it go: `/ceremony accessor %s ACCESSOR`", requester(p), c.ID())
}

// momentOf is when an event of one type was last written, zero if none was.
func momentOf[E ceremony.Event](c ceremony.Ceremony) time.Time {
	for _, e := range slices.Backward(c.History) {
		if _, ok := e.Event.(E); ok {
			return e.At
		}
	}
	return time.Time{}
}
