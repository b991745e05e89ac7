package ceremony

// Parcel is one ciphertext for one person.
type Parcel struct {
	Ceremony   ID
	Kind       string // "share" or "token"
	Index      int    // counted from 1, of Total
	Total      int
	Recipient  Fingerprint
	Ciphertext string // standard base64 of Vault's binary PGP message
}

// SignedParcel is a parcel in the form that its receiver gets.
type SignedParcel struct {
	Armor string // the ciphertext as an armored PGP MESSAGE
	Line  string // armored, inline-signed by the identity: what the ciphertext is, for whom, its SHA-256
}

// Ref tells where a message lies in Slack, or that people were told at a terminal.
type Ref struct {
	Channel string `json:"channel"`
	TS      string `json:"ts"`
}

// Terminal is the channel of what was told at a terminal. No channel of Slack's has this
// name.
const Terminal = "terminal"
