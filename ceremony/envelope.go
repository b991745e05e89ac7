package ceremony

// Envelope is an encrypted share, or one-time password, as it came.
type Envelope struct {
	By       Account
	Message  Ref    // where it lies; each message is looked at once
	Way      Intake // how it came
	Envelope []byte // as it came, with everything that a chat did to it
}
