package ceremony

// Instruction is what one person is told to run, as the identity signs it. Whoever can
// change a message on its way can change a command in it; nobody can change this one and
// have gpg call the signature good.
type Instruction struct {
	Plan  Plan
	About string      // a step, a verb of a statement, or what is handed over
	For   Fingerprint // the key of the person; empty when they have none
	Says  string      // the line of a statement that the person is asked to sign; may be empty
	Brief bool        // leaves the plan's text out
	Text  string      // commands, with comments between them
}

// SignedInstruction is an instruction in the form that a person gets.
type SignedInstruction struct {
	Message     string // armored, inline-signed by the identity
	Certificate string // the identity's, armored, by which the message can be checked
}
