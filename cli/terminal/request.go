package terminal

import (
	"fmt"
	"slices"
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
// them, and how to answer. conclave seal reads the whole text. Others may carry it and change
// it: what is to be run at a shell's prompt is in what by has signed, and nowhere else.
func requestText(c rules.State, to ceremony.Person, key ceremony.Announced, by wording.Signer) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s is asked for %s.\n", to.Name, askedOf(key.Step))
	fmt.Fprintf(&b, "Ceremony %s: %s of %s, proposed by %s. Until %s.\n\n",
		c.ID(), c.Plan.Operation, c.Plan.Cluster, c.Plan.Initiator.Name, key.Expires.UTC().Format(time.RFC1123))
	seal, file := "conclave seal --encrypted SHARE-FILE", "SHARE-FILE"
	if key.Step == ceremony.StepOTP {
		seal, file = "conclave seal --otp OTP-FILE", "OTP-FILE"
	}
	signed, err := wording.OrderShare(c, to, key, file, "envelope.asc").Sign(by)
	if err != nil {
		return "", err
	}
	if oddArmor(key.Certificate, signed.Message, key.Announcement) {
		return b.String() + wording.PasteNothing + "\n", nil
	}
	withConclave(&b, seal+" REQUEST > envelope.asc")
	withGPG(&b, key.Identity, key.Certificate, signed.Message)
	b.WriteString("Bring envelope.asc to the terminal at which the ceremony is held. " +
		"It opens with the ceremony's key alone.\n")
	fmt.Fprintf(&b, "\nThis is the same request as conclave reads it:\n\n%s\n", strings.TrimSpace(key.Announcement))
	return b.String(), nil
}

// rollCallText returns the text that a person who is called takes to their own computer.
// They bring a hash of what they decrypt back.
func rollCallText(
	c rules.State, to ceremony.Person, challenge ceremony.Challenge, by wording.Signer,
) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s is asked to show that they can use their key, and to sign the plan's hash.\n", to.Name)
	fmt.Fprintf(&b, "Ceremony %s: %s of %s, proposed by %s. Until %s.\n\n",
		c.ID(), c.Plan.Operation, c.Plan.Cluster, c.Plan.Initiator.Name, c.Plan.Closes.UTC().Format(time.RFC1123))
	signed, err := wording.OrderAnswer(c, to, challenge, "present.asc").Sign(by)
	if err != nil {
		return "", err
	}
	if oddArmor(c.Called().Certificate, signed.Message, challenge.Notice, challenge.Ciphertext) {
		return b.String() + wording.PasteNothing + "\n", nil
	}
	withConclave(&b, "conclave seal REQUEST > present.asc")
	withGPG(&b, c.Plan.Identity, c.Called().Certificate, signed.Message)
	b.WriteString("Bring present.asc to the terminal at which the ceremony is held. " +
		"What is in it of the challenge is a hash.\n")
	fmt.Fprintf(&b, "\nThis is the same roll call as conclave reads it, and the challenge:\n\n%s\n\n%s\n",
		strings.TrimSpace(challenge.Notice), strings.TrimSpace(challenge.Ciphertext))
	return b.String(), nil
}

// oddArmor reports whether one of the texts is no armor.
func oddArmor(texts ...string) bool {
	return slices.ContainsFunc(texts, func(text string) bool { return !wording.IsArmor(text) })
}

func withConclave(b *strings.Builder, command string) {
	fmt.Fprintf(b, "With conclave, on your own computer, where this file is called REQUEST, type:\n\n  %s\n\n", command)
}

// withGPG writes how to answer with gpg alone.
func withGPG(b *strings.Builder, identity ceremony.Fingerprint, key, signed string) {
	fmt.Fprintf(b, `With gpg alone, paste nothing of this file at your shell's prompt: whoever has
carried it may have changed it. Nor into gpg, which stops at a fault and leaves
the rest of the paste to the shell. tee reads all of it, until Ctrl-D. What you
type stands in the holders' guide as well: if it differs here, stop. Type

  %s

and press Return. Paste this, press Return, and Ctrl-D:

%s

Type

  %s
  %s

and paste this in the same way:

%s

Type

  %s

Below that, gpg must say Good signature by
%s, and nowhere BAD. Only then type

  %s

Copy the command from what gpg prints now, and from nowhere else.

`, wording.SaveKey, strings.TrimSpace(key), wording.ImportKey, wording.SaveOrder, strings.TrimSpace(signed),
		wording.VerifyOrder, identity, wording.PrintOrder)
}
