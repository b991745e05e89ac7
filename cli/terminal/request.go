package terminal

import (
	"fmt"
	"strings"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
)

// askedOf returns what a person is asked for in a step.
func askedOf(step ceremony.Step) string {
	switch step {
	case ceremony.StepVerify:
		return "their new share, as proof that they can use it"
	case ceremony.StepUnseal:
		return "their share, to unseal"
	case ceremony.StepDrill:
		return "their share, to prove that they can use it; it goes nowhere"
	case ceremony.StepOTP:
		return "their one-time password"
	}
	return "their share of the key in force"
}

// requestText returns the text that a person takes to their own computer: what is asked of
// them, and how to answer. conclave seal reads the whole text.
func requestText(c rules.State, to ceremony.Person, key ceremony.Announced) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s is asked for %s.\n", to.Name, askedOf(key.Step))
	fmt.Fprintf(&b, "Ceremony %s: %s of %s, proposed by %s. Until %s.\n\n",
		c.ID(), c.Plan.Operation, c.Plan.Cluster, c.Plan.Initiator.Name, key.Expires.UTC().Format(time.RFC1123))
	take, read := wording.ImportCommand(key.Certificate), wording.ReadCommand(key.Announcement)
	seal := wording.SealCommand(c, to, key, "SHARE-FILE", "envelope.asc")
	for _, command := range []wording.Pasted{take, read, seal} {
		if !command.Made() {
			fmt.Fprintln(&b, command)
			return b.String()
		}
	}
	fmt.Fprintf(&b, "With conclave, on your own computer, where this file is called REQUEST:\n\n")
	if key.Step == ceremony.StepOTP {
		b.WriteString("  conclave seal --otp OTP-FILE REQUEST > envelope.asc\n\n")
	} else {
		b.WriteString("  conclave seal --encrypted SHARE-FILE REQUEST > envelope.asc\n\n")
		fmt.Fprintf(&b, "With gpg alone: take the key of this ceremony,\n\n%s\n\n", take)
		fmt.Fprintf(&b, "read what you agree to, by a good signature of %s,\n\n%s\n\n", key.Identity, read)
		fmt.Fprintf(&b, "and sign and encrypt:\n\n  %s\n\n", seal)
	}
	b.WriteString("Bring envelope.asc to the terminal at which the ceremony is held. " +
		"It opens with the ceremony's key alone.\n")
	if key.Step == ceremony.StepOTP {
		fmt.Fprintf(&b, "\n%s\n%s", key.Certificate, key.Announcement)
	}
	return b.String()
}

// rollCallText returns the text that a person who is called takes to their own computer.
// They bring a hash of what they decrypt back.
func rollCallText(c rules.State, to ceremony.Person, challenge ceremony.Challenge) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s is asked to show that they can use their key, and to sign the plan's hash.\n", to.Name)
	fmt.Fprintf(&b, "Ceremony %s: %s of %s, proposed by %s. Until %s.\n\n",
		c.ID(), c.Plan.Operation, c.Plan.Cluster, c.Plan.Initiator.Name, c.Plan.Closes.UTC().Format(time.RFC1123))
	take, read := wording.ImportCommand(c.Called().Certificate), wording.ReadCommand(challenge.Notice)
	answer := wording.AnswerCommand(c, to, challenge, "present.asc")
	for _, command := range []wording.Pasted{take, read, answer} {
		if !command.Made() {
			fmt.Fprintln(&b, command)
			return b.String()
		}
	}
	b.WriteString("With conclave, on your own computer, where this file is called REQUEST:\n\n" +
		"  conclave seal REQUEST > present.asc\n\n")
	fmt.Fprintf(&b, "With gpg alone: take the key that signs,\n\n%s\n\n", take)
	fmt.Fprintf(&b, "read what you agree to, by a good signature of %s,\n\n%s\n\n", c.Plan.Identity, read)
	fmt.Fprintf(&b, "and decrypt and sign:\n\n%s\n\n", answer)
	b.WriteString("Bring present.asc to the terminal at which the ceremony is held. " +
		"What is in it of the challenge is a hash.\n")
	return b.String()
}
