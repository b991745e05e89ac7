package rules

import (
	"fmt"
	"slices"

	"conclave/ceremony"
	"conclave/ceremony/event"
)

// shaped returns an error for an event with a value that people are given as part of a
// command and that does not have its shape.
func shaped(e event.Event) error {
	nonce := func(s string) error {
		if s != "" && !ceremony.IsNonce(s) {
			return fmt.Errorf("%q is no nonce", s)
		}
		return nil
	}
	steps := []ceremony.Step{
		ceremony.StepUpdate, ceremony.StepVerify, ceremony.StepUnseal, ceremony.StepDrill, ceremony.StepOTP,
	}
	switch ev := e.(type) {
	case event.Proposed:
		return ev.Plan.Shaped()
	case event.Conditions:
		return ev.Plain()
	case event.KeyAnnounced:
		switch {
		case !ev.Key.Identity.Valid() || !ceremony.Fingerprint(ev.Key.Subkey).Valid():
			return fmt.Errorf("the key %q of %q has no fingerprint", ev.Key.Subkey, string(ev.Key.Identity))
		case !slices.Contains(steps, ev.Key.Step):
			return fmt.Errorf("%q is no step", ev.Key.Step)
		case ev.Key.Nonce == "":
			return fmt.Errorf("the key has no nonce")
		}
		return nonce(ev.Key.Nonce)
	case event.Started:
		return nonce(ev.Nonce)
	case event.Rekeyed:
		return nonce(ev.VerificationNonce)
	case event.RoundReset:
		return nonce(ev.Nonce)
	case event.RoundRefused:
		return nonce(ev.Nonce)
	}
	return nil
}
