package bot

import (
	"github.com/slack-go/slack"

	"conclave/ceremony"
)

// gateWords is the step that a gate keeps from happening.
func gateWords(c ceremony.Ceremony, gate ceremony.Gate) string {
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

// renderGate asks a witness whether the gated step may happen.
func renderGate(c ceremony.Ceremony, to ceremony.Person, e ceremony.Entry) message {
	asked, _ := e.Event.(ceremony.WitnessAsked)
	what := "Please witness: " + subject(c.Plan)
	blocks := []slack.Block{title(what)}
	if c.Gate() != asked.Gate {
		return message{line: what, blocks: append(blocks, section("This no longer waits for you. %s", stateWords(c)))}
	}
	blocks = append(blocks,
		section("The next step waits for you: before %s, a witness has to let it happen.", gateWords(c, asked.Gate)),
		section("Have you seen that everything so far was as the plan says? The thread of the status post has every step. What was not as it should be goes into the journal with `/ceremony exception %s` and what you saw.", c.ID()),
		section("*Hash of the plan*\n`%s`\n*in words:* %s", c.PlanHash, ceremony.SpokenHash(c.PlanHash, spokenWords)),
		slack.NewActionBlock("decide",
			button(verbProceed, gateValue(c), "Let it happen", slack.StylePrimary,
				confirm("Let it happen?", "You have watched, and it is as the plan says.", "Let it happen", "Not yet")),
			button(verbFreeze, buttonValue(c), "Freeze", slack.StyleDanger,
				confirm("Freeze the ceremony?", "Nothing goes on until its initiator and an approver agree.", "Freeze", "Not yet")),
		),
	)
	blocks = append(blocks, signInstead(c, to, ceremony.SayProceed)...)
	return message{line: what, blocks: blocks}
}

// gateValue names the question, too: who let one step happen has said nothing about
// the next.
func gateValue(c ceremony.Ceremony) string {
	return buttonValue(c) + " " + c.WordFor(ceremony.SayProceed).More
}

// renderWitness asks a witness what they say of the whole ceremony.
func renderWitness(c ceremony.Ceremony, to ceremony.Person) message {
	what := "Your statement as a witness: " + subject(c.Plan)
	blocks := []slack.Block{title(what), section("%s", outcomeWords(c))}
	if !c.OwesWitness() {
		return message{line: what, blocks: append(blocks, section("A witness has spoken."))}
	}
	value := buttonValue(c)
	blocks = append(blocks,
		section("Do you agree that it went as the plan and its thread say? Your answer becomes part of the transcript. With a reason, type `/ceremony witness %s agree` or `disagree`, and why.", c.ID()),
		slack.NewActionBlock("decide",
			button(verbAgree, value, "I agree", slack.StylePrimary,
				confirm("Do you agree?", "You have watched the ceremony, and it went as its thread says.", "I agree", "Not yet")),
			button(verbDisagree, value, "I do not agree", slack.StyleDanger,
				confirm("Do you disagree?", "Your disagreement becomes part of the transcript. With /ceremony witness you can say why.", "I disagree", "Not yet")),
		),
	)
	blocks = append(blocks, signInstead(c, to, ceremony.SayAgree)...)
	return message{line: what, blocks: blocks}
}

// signInstead shows how to say the same with more than an account behind it.
func signInstead(c ceremony.Ceremony, to ceremony.Person, verb ceremony.Verb) []slack.Block {
	if to.Key == "" {
		return nil
	}
	return []slack.Block{
		footnote("Or sign it with your PGP key, and send me what this prints:"),
		copied(signCommand(c.WordFor(verb), to.Key)),
	}
}
