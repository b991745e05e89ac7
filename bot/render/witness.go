package render

import (
	"fmt"

	"github.com/slack-go/slack"

	"conclave/bot/command"
	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
)

// renderGate asks a witness whether the gated step may happen.
func renderGate(c rules.State, to ceremony.Person, e event.Entry, by wording.Signer) (Message, error) {
	asked, _ := e.Event.(event.WitnessAsked)
	what := "Please witness: " + wording.Subject(c.Plan)
	blocks := []slack.Block{title(what)}
	if c.Gate() != asked.Gate {
		return Message{Line: what, Blocks: append(blocks, section("This no longer waits for you. %s", wording.StateWords(c)))}, nil
	}
	blocks = append(blocks,
		section("The next step waits for you: before %s, a witness has to let it happen.", wording.GateWords(c, asked.Gate)),
	)
	blocks = append(blocks, since(c, e)...)
	blocks = append(blocks,
		section("Have you seen that everything so far was as the plan says? The thread of the status post has every step. What was not as it should be goes into the journal with `/ceremony exception %s` and what you saw.", c.ID()),
		section("*Hash of the plan*\n`%s`\n*in words:* %s", c.PlanHash, ceremony.SpokenHash(c.PlanHash, wording.SpokenWords)),
		slack.NewActionBlock("decide",
			button(command.VerbProceed, wording.GateValue(c), "Let it happen", slack.StylePrimary,
				confirm("Let it happen?", "You have watched, and it is as the plan says.", "Let it happen", "Not yet")),
			button(command.VerbFreeze, wording.ButtonValue(c), "Freeze", slack.StyleDanger,
				confirm("Freeze the ceremony?", "Nothing goes on until its initiator and an approver agree.", "Freeze", "Not yet")),
		),
	)
	how, err := SignInstead(c, to, ceremony.SayProceed, by)
	return Message{Line: what, Blocks: append(blocks, how...)}, err
}

// renderWitness asks a witness for their statement about the whole ceremony.
func renderWitness(c rules.State, to ceremony.Person, e event.Entry, by wording.Signer) (Message, error) {
	what := "Your statement as a witness: " + wording.Subject(c.Plan)
	blocks := []slack.Block{title(what), section("%s", wording.OutcomeWords(c))}
	if !c.OwesWitness() {
		return Message{Line: what, Blocks: append(blocks, section("A witness has spoken."))}, nil
	}
	blocks = append(blocks, since(c, e)...)
	value := wording.ButtonValue(c)
	blocks = append(blocks,
		section("Do you agree that it went as the plan and its thread say? Your answer becomes part of the transcript. With a reason, type `/ceremony witness %s agree` or `disagree`, and why.", c.ID()),
		slack.NewActionBlock("decide",
			button(command.VerbAgree, value, "I agree", slack.StylePrimary,
				confirm("Do you agree?", "You have watched the ceremony, and it went as its thread says.", "I agree", "Not yet")),
			button(command.VerbDisagree, value, "I do not agree", slack.StyleDanger,
				confirm("Do you disagree?", "Your disagreement becomes part of the transcript. With /ceremony witness you can say why.", "I disagree", "Not yet")),
		),
	)
	how, err := SignInstead(c, to, ceremony.SayAgree, by)
	return Message{Line: what, Blocks: append(blocks, how...)}, err
}

// since shows a witness what has happened since they were asked last.
func since(c rules.State, e event.Entry) []slack.Block {
	steps := wording.SinceWords(c, e)
	if steps == "" {
		return nil
	}
	return []slack.Block{section("*What has happened since*\n%s", steps)}
}

// SignInstead shows how to say the same with a signature, to a person with a key.
func SignInstead(c rules.State, to ceremony.Person, verb ceremony.Verb, by wording.Signer) ([]slack.Block, error) {
	if to.Key == "" {
		return nil, nil
	}
	how, err := signWord(c, to.Key, verb, by)
	if err != nil {
		return nil, err
	}
	return append([]slack.Block{divider(), footnote("Or sign it with your PGP key.")}, how...), nil
}

// signWord shows how to sign a statement.
func signWord(c rules.State, key ceremony.Fingerprint, verb ceremony.Verb, by wording.Signer) ([]slack.Block, error) {
	signed, err := wording.OrderWord(c, key, verb).Sign(by)
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", verb, err)
	}
	const send = "Send me what it prints, here."
	blocks := append([]slack.Block{throughConclave("conclave seal", send)},
		throughGPG(c.Plan.Identity, signed, send, signed.Certificate)...)
	return blocks, nil
}
