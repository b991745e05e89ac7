package main

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"conclave/bot"
	"conclave/ceremony"
)

// askedOf is what a person is asked for in a step.
func askedOf(step ceremony.Step) string {
	switch step {
	case ceremony.Verify:
		return "their new share, as proof that they can use it"
	case ceremony.Enter:
		return "their share, to unseal"
	case ceremony.Practice:
		return "their share, to prove that they can use it; it goes nowhere"
	case ceremony.Password:
		return "their one-time password"
	}
	return "their share of the key in force"
}

// pasteable is what may stand between quotes in a command that people paste into a
// shell. The nonce in it is what Vault sent.
var pasteable = regexp.MustCompile(`^[A-Za-z0-9 -]+$`)

// requestText is what somebody takes to their own computer: who asks for what, and
// how to answer. conclave seal reads it whole.
func requestText(c ceremony.Ceremony, to ceremony.Person, key ceremony.Announced) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s is asked for %s.\n", to.Name, askedOf(key.Step))
	fmt.Fprintf(&b, "Ceremony %s: %s of %s, proposed by %s. Until %s.\n\n", c.ID(), c.Plan.Operation, c.Plan.Cluster, c.Plan.Initiator.Name, key.Expires.UTC().Format(time.RFC1123))
	if !pasteable.MatchString(key.Prefix(c.ID())) {
		b.WriteString("SEND NOTHING. Vault's nonce has characters that no nonce of Vault's has; somebody may be interfering. Tell your security team.\n")
		return b.String()
	}
	fmt.Fprintf(&b, "With conclave, on your own computer, where this file is called REQUEST:\n\n")
	if key.Step == ceremony.Password {
		b.WriteString("  conclave seal --otp OTP-FILE REQUEST > envelope.asc\n\n")
	} else {
		b.WriteString("  conclave seal --encrypted SHARE-FILE REQUEST > envelope.asc\n\n")
		fmt.Fprintf(&b, "With gpg alone: take the key of this ceremony,\n\n%s\n\n", hereDocument("gpg --import", key.Certificate))
		fmt.Fprintf(&b, "read what you agree to, by a good signature of %s,\n\n%s\n\n", key.Identity, hereDocument("gpg -d", key.Announcement))
		fmt.Fprintf(&b, "and sign and encrypt:\n\n  { printf '%s'; gpg -qd SHARE-FILE; printf '%s'; } | gpg -sea --sig-notation '%s=%s' --no-encrypt-to -u %s -r '%s!' > envelope.asc\n\n",
			key.Prefix(c.ID()), key.Suffix(c.ID(), c.PlanHash),
			ceremony.SignatureNotation, key.Binding(c.ID(), c.PlanHash), to.Key, strings.ToUpper(key.Subkey))
	}
	fmt.Fprintf(&b, "Bring envelope.asc to the terminal at which the ceremony is held. It opens with the ceremony's key alone.\n")
	if key.Step == ceremony.Password {
		fmt.Fprintf(&b, "\n%s\n%s", key.Certificate, key.Announcement)
	}
	return b.String()
}

// rollCallText is what somebody who is called takes to their own computer. What they
// bring back is a hash of what they decrypt.
func rollCallText(c ceremony.Ceremony, to ceremony.Person, challenge ceremony.Challenge) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s is asked to show that they can use their key, and to sign the plan's hash.\n", to.Name)
	fmt.Fprintf(&b, "Ceremony %s: %s of %s, proposed by %s. Until %s.\n\n", c.ID(), c.Plan.Operation, c.Plan.Cluster, c.Plan.Initiator.Name, c.Plan.Closes.UTC().Format(time.RFC1123))
	b.WriteString("With conclave, on your own computer, where this file is called REQUEST:\n\n  conclave seal REQUEST > present.asc\n\n")
	fmt.Fprintf(&b, "With gpg alone: take the key that signs,\n\n%s\n\n", hereDocument("gpg --import", c.Called().Certificate))
	fmt.Fprintf(&b, "read what you agree to, by a good signature of %s,\n\n%s\n\n", c.Plan.Identity, hereDocument("gpg -d", challenge.Notice))
	fmt.Fprintf(&b, "and decrypt and sign:\n\n%s > present.asc\n\n", bot.AnswerCommand(c, to, challenge))
	fmt.Fprintf(&b, "Bring present.asc to the terminal at which the ceremony is held. What is in it of the challenge is a hash.\n")
	return b.String()
}

// endOfPaste ends a here-document. No armor has a line like it.
const endOfPaste = "CONCLAVE"

func hereDocument(command, text string) string {
	return fmt.Sprintf("%s <<'%s'\n%s\n%s", command, endOfPaste, strings.TrimRight(text, "\n"), endOfPaste)
}
