package wording

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// The commands for a token that people have in VAULT_TOKEN.
const (
	RevokeSelf   = "vault token revoke -self"
	ShowAccessor = "vault token lookup -format=json | jq -r .data.accessor"
	// DeleteDRToken reads the token from its standard input: on the command line it
	// would stay in the shell's history.
	DeleteDRToken = "vault write sys/replication/dr/secondary/operation-token/delete dr_operation_token=-"
)

// EncodedShape matches what may be a token combined with a one-time password. Vault sends
// it, and people paste it into conclave decode, or into Vault's own program.
var EncodedShape = regexp.MustCompile(`^[A-Za-z0-9+/=_-]+$`)

// TokenTitle names the token of a plan, and its cluster.
func TokenTitle(p ceremony.Plan) string {
	if p.Operation == ceremony.Init {
		return "first root token for " + p.Cluster
	}
	return tokenName(p.Operation) + " for " + p.Cluster
}

// ReasonOr returns a reason in quotes, or other words when there is none.
func ReasonOr(reason, otherwise string) string {
	if reason == "" {
		return otherwise
	}
	return "“" + Escape(reason) + "”"
}

// tokenForm says whose a token is, and how it is kept from others.
func tokenForm(p ceremony.Plan) string {
	if p.OTP != "" {
		return "combined with the one-time password of " + requester(p)
	}
	return "encrypted to " + requester(p)
}

// Revocation says what is known about a token after it was issued.
func Revocation(c rules.State) string {
	p := c.Plan
	switch {
	case c.Outcome != event.Completed && (c.Token != "" || c.Encoded != "") && p.Operation.IssuesToken() && (c.Ended() || c.Phase == rules.PhaseFrozen):
		return fmt.Sprintf(":rotating_light: *Vault has made a %s here, and nobody is known to have ended it.* Find it in Vault's audit log by the time of this ceremony, and revoke it by its accessor.", tokenName(p.Operation))
	case c.Outcome != event.Completed:
		return ""
	case p.Operation == ceremony.RecoveryToken:
		return ":information_source: The token ends when the server is started again."
	case p.Operation == ceremony.DRToken:
		return fmt.Sprintf(":information_source: %s deletes the token when the work is done; Conclave can't see whether it is gone.", requester(p))
	case p.Operation != ceremony.GenerateRoot:
		return ""
	case c.Revoked != nil && c.Revoked.By != nil:
		return fmt.Sprintf(":ballot_box_with_check: *Revoked, as %s says*, %s. Vault was not asked: nobody named the token's accessor.", Escape(c.Revoked.By.Name), When(MomentOf[event.TokenRevoked](c)))
	case c.Revoked != nil:
		return fmt.Sprintf(":white_check_mark: *The token is revoked*: Vault knows it no more, since %s at the latest.", When(MomentOf[event.TokenRevoked](c)))
	case c.Left:
		return ":rotating_light: *Nobody is known to have revoked the token*, and nobody is reminded any more. It never expires."
	case c.Accessor != "":
		return fmt.Sprintf(":hourglass_flowing_sand: *The token is not known to be revoked yet.* Vault is asked for it every minute; %s revokes it when the work is done.", requester(p))
	}
	// This post is drawn again when the token is gone, and not before.
	return fmt.Sprintf(":hourglass_flowing_sand: *The token is not known to be revoked yet.* %s revokes it when the work is done, and names its accessor for Conclave to see it go: `/ceremony accessor %s ACCESSOR`", requester(p), c.ID())
}

// MomentOf returns when an event of type E was last written, or the zero time.
func MomentOf[E event.Event](c rules.State) time.Time {
	for _, e := range slices.Backward(c.History) {
		if _, ok := e.Event.(E); ok {
			return e.At
		}
	}
	return time.Time{}
}
