package wording

import (
	"conclave/ceremony"
	"conclave/ceremony/rules"
)

// GateWords is the step that a gate keeps from happening.
func GateWords(c rules.State, gate ceremony.Gate) string {
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

// GateValue names the question, too: who let one step happen has said nothing about
// the next.
func GateValue(c rules.State) string {
	return ButtonValue(c) + " " + c.StatementFor(ceremony.SayProceed).More
}
