package ceremony

// Offer is an envelope that somebody sent.
type Offer struct {
	By       Account
	Message  Ref    // where it lies; the same message is looked at once
	Way      Way    // by which it came
	Envelope []byte // as it came, with everything that a chat did to it
}
