package openpgp

import (
	"strings"

	"conclave/ceremony"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// bindingsOf returns the values of the notation by which a signature says for what it was
// made. go-crypto reads notations from the signed part only.
func bindingsOf(sig *packet.Signature) []string {
	var found []string
	for _, n := range sig.Notations {
		if n.Name == ceremony.SignatureNotation {
			found = append(found, string(n.Value))
		}
	}
	return found
}

// checkBindings refuses a signature that was made for something else. It accepts one without
// the notation: sq and rnp can't make it. The error is the Refusal for the first part that
// differs.
func checkBindings(found []string, want ceremony.Expected) error {
	for _, binding := range found {
		if strings.EqualFold(binding, ceremony.Binding(want.Ceremony, want.Step, want.Nonce, want.PlanHash)) {
			continue
		}
		parts := strings.Split(binding, ":")
		if len(parts) != 4 || !strings.EqualFold(parts[0], string(want.Ceremony)) {
			return ceremony.OtherCeremony
		}
		switch {
		case !strings.EqualFold(parts[1], string(want.Step)):
			return ceremony.OtherStep
		case !strings.EqualFold(parts[2], want.Nonce):
			return ceremony.OtherNonce
		}
		return ceremony.OtherCeremony // another plan
	}
	return nil
}
