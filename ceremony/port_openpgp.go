package ceremony

import (
	"strings"
	"time"

	"conclave/ceremony/secret"
)

// OpenPGP is the bot's identity, the ceremony keys and the people's certificates.
type OpenPGP interface {
	// Identity returns the fingerprint of the bot's identity, which holders pin.
	Identity() Fingerprint
	// Certificate returns the public key with this fingerprint, as Vault's pgp_keys takes
	// it: binary, and no more of it than Vault needs.
	Certificate(f Fingerprint) ([]byte, error)
	// CheckKey returns an error unless Vault can encrypt to the key now and at until, and
	// the holder's signatures will be accepted until then. The error says what is wrong
	// with the key and wraps HolderKeyInvalid.
	CheckKey(f Fingerprint, now, until time.Time) error
	// NewKey makes a ceremony key and signs its announcement.
	NewKey(n Notice) (Key, error)
	// SignDelivery signs the line that goes with a new share or a token, and armors
	// its ciphertext.
	SignDelivery(d Parcel) (SignedParcel, error)
	// SignInstruction signs what one person is told to run.
	SignInstruction(i Instruction) (SignedInstruction, error)
	// VerifyStatement returns the one line that by has signed, inline and not encrypted.
	// Other text may be pasted around it. The errors are Refusals.
	VerifyStatement(pasted []byte, by Fingerprint, notBefore, now time.Time) (SignedLine, error)
	// PeekStatement returns the first line of such a message, which tells whose signature
	// to look for. Nothing has been verified: the line must decide nothing, and must be
	// neither logged nor kept.
	PeekStatement(pasted []byte) (line string, ok bool)
	// Attest signs a text with the identity key. It returns a detached binary signature in
	// base64, of which no byte can be changed unnoticed.
	Attest(text []byte) (string, error)
	// PublicKey returns the whole public key with this fingerprint, armored: the
	// identity's or a person's. It returns the same text as long as the same key is
	// configured.
	PublicKey(f Fingerprint) (armored string, err error)
	// SignRollCall signs what a roll call says to one person.
	SignRollCall(n RollCallNotice) (armored string, err error)
	// CommitmentKey returns the key of share tags, derived from the identity's secret, and
	// a name for it that gives nothing of it away. The caller must keep the key in memory
	// only.
	CommitmentKey() (id string, key [32]byte)
	// JournalKey returns the key that authenticates the lines of the journal, and what else
	// Conclave keeps on a disk and believes when it reads it again. It is derived from the
	// identity's secret.
	JournalKey() secret.MACKey
	// Challenge encrypts a new random response, 32 hexadecimal digits, to a person as Vault
	// encrypts a share: to the same bytes of the same key. A person who answers with the
	// response can decrypt. It is a secret until then.
	Challenge(f Fingerprint, now time.Time) (ciphertext, response string, err error)
}

// SignedLine is one line that a person has signed.
type SignedLine struct {
	Line  string
	Armor string // the signed message alone, without what was pasted around it, to be kept
}

// Notice is what an announcement says.
type Notice struct {
	Plan    Plan
	Step    Step
	Nonce   string
	At      time.Time
	Expires time.Time
}

// Key is one ceremony key. Its private half is in memory only.
type Key interface {
	// Announced returns what people are told about the key.
	Announced() Announced
	// Fits reports whether the envelope is encrypted to this key, as far as can be told
	// without opening it. An envelope that hides its recipient fits.
	Fits(envelope []byte) bool
	// Open makes every check of an envelope, in the order of the refusals, and returns the
	// share, or a Refusal. Evidence is as complete as the checks got.
	Open(envelope []byte, want Expected) (*secret.Secret, Evidence, error)
	// Destroy overwrites the private half. The key opens nothing afterwards.
	Destroy()
}

// Announced is what people are told about a ceremony key.
type Announced struct {
	Identity     Fingerprint `json:"identity"`
	Subkey       string      `json:"subkey"`       // fingerprint of the encryption subkey, lower-case
	Announcement string      `json:"announcement"` // armored, inline-signed by the identity
	Certificate  string      `json:"certificate"`  // armored identity with this subkey
	Step         Step        `json:"step"`
	Nonce        string      `json:"nonce"`
	At           time.Time   `json:"at"`
	Expires      time.Time   `json:"expires"`
}

// Expected is what an envelope must be bound to.
type Expected struct {
	Ceremony  ID
	Step      Step
	Nonce     string
	Signer    Fingerprint
	NotBefore time.Time // signatures older than this are refused
	Now       time.Time
	PlanHash  string // an envelope that names another one is refused
	// Commitment is set when a one-time password is expected: its SHA-256 in the plan, in
	// lower-case hexadecimal digits. The requester has no PGP key, so that this hash stands
	// in for the signature. Signer is empty then.
	Commitment string
}

// PayloadTag is the first word of an envelope's content.
const PayloadTag = "conclave1"

// Prefix returns what a holder writes before the share: everything of the payload line
// but the share itself, with the space.
func (a Announced) Prefix(id ID) string {
	return strings.Join([]string{PayloadTag, string(id), string(a.Step), a.Nonce, string(a.Identity), ""}, " ")
}

// Suffix returns what a holder writes behind the share, with the space: what stands before
// it once more, and the plan's hash. It is as long as two blocks of the signature's hash,
// so that the signature can be proven afterwards without the share, see [Evidence]. Behind
// a one-time password it keeps the password out of the last block of the message's hash,
// which the bot's OpenPGP library holds on to.
func (a Announced) Suffix(id ID, planHash string) string {
	return strings.Join([]string{"", string(id), string(a.Step), a.Nonce, string(a.Identity), planHash}, " ")
}

// Binding returns the value of the notation by which a signature on an envelope says, where
// everybody can read it, for what it was made.
func (a Announced) Binding(id ID, planHash string) string {
	return Binding(id, a.Step, a.Nonce, planHash)
}

// SignatureNotation is the name of that notation, on the ceremony key as well. Names of
// notations belong to the owner of their domain; nobody can own this one.
const SignatureNotation = "ceremony@conclave.invalid"

// Binding returns the value of that notation, CEREMONY:STEP:NONCE:PLAN-HASH, with the first
// 16 digits of the hash.
func Binding(id ID, step Step, nonce, planHash string) string {
	return strings.Join([]string{string(id), string(step), nonce, planHash[:min(len(planHash), 16)]}, ":")
}

// Evidence is what is known about an envelope afterwards. It holds nothing secret.
type Evidence struct {
	SHA256   string      `json:"sha256"`           // of the armor as it came, in hexadecimal digits
	Signer   Fingerprint `json:"signer,omitempty"` // whose signature verified
	SignedAt time.Time   `json:"signed_at,omitzero"`
	// Signature is the signature itself, base64 of the binary packet. Digest is the state of
	// its hash behind the share, with which the signature can be verified without the share.
	// Package openpgp says how, and why the share can't be found from it. Both are there for
	// a share that was accepted, from a program that writes the suffix.
	Signature string `json:"signature,omitempty"`
	Digest    string `json:"digest,omitempty"`
}

// WithoutProof returns the evidence of an envelope that was not accepted. Nothing that is
// made of its content is kept.
func (e Evidence) WithoutProof() Evidence {
	e.Signature, e.Digest = "", ""
	return e
}
