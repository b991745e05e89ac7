package wording

import (
	"conclave/ceremony"
	"conclave/ceremony/rules"
)

// gateWords is the step that a gate keeps from happening.
func GateWords(c rules.Ceremony, gate ceremony.Gate) string {
	switch gate {
	case ceremony.GateStart:
		return "Vault is asked for anything"
	case ceremony.GateUpdate:
		if c.Plan.Operation.Rekeys() {
			return "the last share is sent, with which Vault makes the new ones"
		}
		return "the last share is sent, with which Vault makes the token"
	case ceremony.GateVerify:
		return "the last new share is sent, with which the new key comes into force"
	case ceremony.GateDelete:
		return "Vault deletes its backup"
	}
	return "the next step happens"
}

// gateValue names the question, too: who let one step happen has said nothing about
// the next.
func GateValue(c rules.Ceremony) string {
	return ButtonValue(c) + " " + c.WordFor(ceremony.SayProceed).More
}
