package wording

import (
	"conclave/ceremony"
	"conclave/ceremony/rules"
)

// GateWords says what a gate keeps from happening.
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

// GateValue is the value of a button that lets one step happen. It is not good for the next
// step.
func GateValue(c rules.State) string {
	return ButtonValue(c) + " " + c.StatementFor(ceremony.SayProceed).More
}
