package ceremony

import (
	"fmt"
	"strings"
)

// Account is a person in Slack. A user id alone is not enough: in channels
// shared between workspaces two people can carry ids of different teams.
type Account struct {
	Team string // T… or E…
	User string // U… or W…
}

// String returns TEAM/USER.
func (a Account) String() string { return a.Team + "/" + a.User }

// MarshalText writes TEAM/USER.
func (a Account) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads TEAM/USER.
func (a *Account) UnmarshalText(text []byte) error {
	team, user, ok := strings.Cut(string(text), "/")
	if !ok || team == "" || user == "" {
		return fmt.Errorf("account %q is not TEAM/USER", text)
	}
	a.Team, a.User = team, user
	return nil
}

// Person is a person with a part in a ceremony, as the plan pins them.
type Person struct {
	Name    string      `json:"name"` // in the configuration
	Account Account     `json:"account"`
	Key     Fingerprint `json:"key,omitempty"` // of their PGP key; empty for a person who needs none
	// Class is security, operations, management or another word by which a policy asks
	// for approvals from different kinds of people.
	Class string `json:"class,omitempty"`
}

// Fingerprint is the fingerprint of an OpenPGP primary key: 40 lower-case
// hexadecimal digits, which is how Vault prints it.
type Fingerprint string

// separators are what people write between a fingerprint's digits.
var separators = strings.NewReplacer(" ", "", ":", "", "\u00a0", "")

// ParseFingerprint reads a fingerprint as people write it: in either case, with
// spaces or colons, with or without 0x.
func ParseFingerprint(s string) (Fingerprint, error) {
	plain := strings.ToLower(separators.Replace(s))
	plain = strings.TrimPrefix(plain, "0x")
	if len(plain) != 40 || strings.Trim(plain, "0123456789abcdef") != "" {
		return "", fmt.Errorf("%q is not a fingerprint of 40 hexadecimal digits", s)
	}
	return Fingerprint(plain), nil
}

// String returns the fingerprint as gpg prints it: in upper case.
func (f Fingerprint) String() string { return strings.ToUpper(string(f)) }

// SealWatch is the initiator of an unseal that the program has opened by itself. No Slack
// account looks like this one, so that nobody can speak for it.
var SealWatch = Person{Name: "seal-watch", Account: Account{Team: "conclave", User: "seal-watch"}}
