package ceremony

// Command asks [Decide] for something: a person's wish, or what the engine
// learnt from the world.
type Command interface{ command() }

// What people ask for.
type (
	// Approve consents to the plan. PlanHash is what the approver has seen: the
	// whole hash, or its beginning.
	Approve struct {
		By       Account
		PlanHash string
	}
	// Reject ends a proposal.
	Reject struct {
		By  Account
		Why string
	}
	// Cancel ends a ceremony and its attempt in Vault.
	Cancel struct {
		By  Account
		Why string
	}
	// Resume is one voice for thawing a frozen ceremony.
	Resume struct{ By Account }
	// Receive brings an envelope.
	Receive struct {
		By       Account
		Name     string // as the configuration calls them, empty for a person it does not know
		Message  Ref
		Evidence Evidence
	}
)

// What the engine learns.
type (
	// Begin announces that Vault is about to be asked for an attempt.
	Begin struct{}
	// Began is what Vault shows after that.
	Began struct{ Seen Progress }
	// NotBegun says that Vault was asked for an attempt and has none. With a fault
	// it will never have one; without, it may be asked again.
	NotBegun struct{ Fault Refusal }
	// Announce brings a new ceremony key.
	Announce struct{ Key Announced }
	// Decline answers the pending offer, or the share that was certainly not taken.
	Decline struct {
		Evidence Evidence
		Reason   Refusal
	}
	// Send announces that the pending offer, opened and checked, is about to be
	// sent to Vault.
	Send struct {
		Evidence Evidence
		Before   int
	}
	// Lose says that no answer came.
	Lose struct{}
	// Settle says what came of the share that was sent.
	Settle struct {
		Answer *Answer // nil when Vault refused, or when its answer was lost
		// Refused says that Vault declined in so many words.
		Refused bool
		Seen    View
	}
	// Look compares Vault's live state with the plan.
	Look struct {
		Seen View
		// Reconcile: this is the comparison that people asked for when they thawed
		// the ceremony, and may begin again what can't go on.
		Reconcile bool
	}
	// Stop freezes the ceremony for a reason that no comparison shows.
	Stop struct {
		Why       FreezeReason
		Want, Got string
	}
	// Tick lets time pass.
	Tick struct{}
	// Finish ends a ceremony whose result is in the journal.
	Finish struct{}
	// Close says what became of the attempt of a ceremony that is being ended.
	Close struct {
		Vault       VaultEnding
		Unconfirmed bool // the attempt is gone, and no answer says that it was by our cancelling
		Seen        View // zero when Vault was never asked for an attempt
	}
	// Post says that a message lies in Slack.
	Post struct {
		Key string
		Ref Ref
	}
	// Undeliver says that a message never will.
	Undeliver struct{ Key string }
)

// View is what Vault shows of a ceremony.
type View struct {
	Update Progress
	Verify Progress // of a rekey whose status names a verification
	Seal   Seal
	Backup *Backup // read only when new shares were made and not seen
}

// made says whether a rekey has made its new shares and waits for proof of them.
// The nonce alone does not say it: cancelling a verification that has not begun
// sets one (seen on Vault 1.21.2), and anybody on the network can do that.
func (v View) made() bool { return v.Update.VerificationNonce != "" && v.Verify.Started }

func (Approve) command()   {}
func (Reject) command()    {}
func (Cancel) command()    {}
func (Resume) command()    {}
func (Receive) command()   {}
func (Begin) command()     {}
func (Began) command()     {}
func (NotBegun) command()  {}
func (Announce) command()  {}
func (Decline) command()   {}
func (Send) command()      {}
func (Lose) command()      {}
func (Settle) command()    {}
func (Look) command()      {}
func (Stop) command()      {}
func (Tick) command()      {}
func (Finish) command()    {}
func (Close) command()     {}
func (Post) command()      {}
func (Undeliver) command() {}
