package wording

import (
	"strings"

	"conclave/ceremony"
	"conclave/ceremony/rules"
)

// Signer signs what people get. They check the signature by the identity that they have
// pinned.
type Signer interface {
	// SignDelivery signs what says of a new share or a token what it is.
	SignDelivery(ceremony.Parcel) (ceremony.SignedParcel, error)
	// SignInstruction signs what one person is told to run.
	SignInstruction(ceremony.Instruction) (ceremony.SignedInstruction, error)
}

// Order is an instruction that is to be signed. It is void when one of its commands was not
// made.
type Order struct {
	ceremony.Instruction
	Void bool
}

// Sign returns the instruction as its person gets it. A void one is nothing, without an
// error: [ceremony.SignedInstruction.Message] is empty then.
func (o Order) Sign(by Signer) (ceremony.SignedInstruction, error) {
	if o.Void {
		return ceremony.SignedInstruction{}, nil
	}
	return by.SignInstruction(o.Instruction)
}

// task is a command with the sentence that says what it does.
type task struct {
	what    string
	command Pasted
}

// order returns an instruction of these commands, each behind a comment of the shell. The
// comment names the ceremony, since a person might be shown an instruction of another one.
func order(c rules.State, about string, to ceremony.Fingerprint, tasks ...task) Order {
	var b strings.Builder
	void := !c.ID().Valid()
	b.WriteString("# For " + string(c.ID()) + " alone. Copy a command from here, where gpg has printed it,\n" +
		"# and from nowhere else. In fish, type bash and press Return first.\n" +
		"# The plan's hash in words: " + ceremony.SpokenHash(c.PlanHash, SpokenWords) + "\n")
	for _, t := range tasks {
		void = void || !t.command.Made()
		b.WriteString("\n# " + t.what + "\n" + t.command.Text + "\n")
	}
	return Order{ceremony.Instruction{Plan: c.Plan, About: about, For: to, Text: b.String()}, void}
}

// OrderShare has a person seal their share, or their one-time password, from the file from
// into the file out. It prints the envelope when out is empty.
func OrderShare(c rules.State, to ceremony.Person, key ceremony.Announced, from, out string) Order {
	what, by := "Sign and encrypt your share, and send back what this prints:", to.Key
	if key.Step == ceremony.StepOTP {
		what, by = "Encrypt your one-time password, and send back what this prints:", ""
	}
	if out != "" {
		what = "It writes " + out + ", which you bring back:"
	}
	return order(c, string(key.Step), by, task{what, SealCommand(c, to, key, from, out)})
}

// OrderAnswer has a person answer a roll call, into the file out unless that is empty.
func OrderAnswer(c rules.State, to ceremony.Person, challenge ceremony.Challenge, out string) Order {
	what := "Decrypt, sign its hash, and send back what this prints:"
	if out != "" {
		what = "Decrypt, sign its hash, and bring back " + out + ":"
	}
	return order(c, string(ceremony.SayPresent), to.Key, task{what, AnswerCommand(c, to, challenge, out)})
}

// OrderWord has a person sign a statement. conclave seal reads it as well.
func OrderWord(c rules.State, to ceremony.Fingerprint, verb ceremony.Verb) Order {
	w := c.StatementFor(verb)
	o := order(c, string(verb), to, task{"Sign it, and send back what this prints:", statementCommand(w, to)})
	o.Says = w.Line()
	return o
}

// OrderShareKept has a person keep a new share in a file, and try that it opens.
func OrderShareKept(c rules.State, to ceremony.Fingerprint, name, armor string) Order {
	o := order(c, "share", to,
		task{"Save it. A file that is there is not replaced: then you have saved it before.", saveCommand(name, armor)},
		task{"Try that you can open it. Nothing of it is shown.", Paste("gpg -qd %s > /dev/null && echo 'it opens'", File(name))},
	)
	o.Brief = true
	return o
}

// OrderToken has a person decrypt a token.
func OrderToken(c rules.State, to ceremony.Fingerprint, armor string) Order {
	o := order(c, "token", to, task{"Decrypt it where you need it:", pasteInto("gpg -qd", armor)})
	o.Brief = true
	return o
}
