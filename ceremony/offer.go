package ceremony

// Envelope is an envelope that somebody sent.
type Envelope struct {
	By       Account
	Message  Ref    // where it lies; the same message is looked at once
	Way      Intake // by which it came
	Envelope []byte // as it came, with everything that a chat did to it
}
