package event

import "conclave/ceremony"

type (
	// Noticed says what an alarm is about. It can't hold the secret that was exposed, only
	// whose it was, as far as that is known.
	Noticed struct {
		Kind ceremony.Finding `json:"kind"`
		// Operation is the one whose attempt the finding is about. Of a share that was
		// exposed, it is the one that replaces the share.
		Operation ceremony.Operation `json:"operation,omitempty"`
		// Subject is an attempt's nonce or a node's address.
		Subject string `json:"subject,omitempty"`
		Want    string `json:"want,omitempty"` // as it was, or should be
		Got     string `json:"got,omitempty"`  // as it is
		Term    int    `json:"term,omitempty"` // of the encryption key in use, when it is about that
		// By is who has shown a secret, nil when the configuration does not know them.
		By *ceremony.Person `json:"by,omitempty"`
		// Of is the ceremony here whose attempt it was.
		Of ceremony.ID `json:"of,omitempty"`
		// Perhaps means that it may have been Vault's own rotation policy.
		Perhaps bool `json:"perhaps,omitempty"`
	}
	// Acknowledged ends an alarm: a person looks after what it is about.
	Acknowledged struct {
		By     ceremony.Person `json:"by"`
		Why    string          `json:"why,omitempty"`
		Signed string          `json:"signed,omitempty"` // their statement, armored, where they have signed it
	}
)

// Same reports whether two findings are the same news.
func (n Noticed) Same(m Noticed) bool {
	if n.Kind.Exposure() || n.Kind == ceremony.ManyProposals {
		// A person who pastes a thousand shares has shown their share once.
		return n.Kind == m.Kind && n.Whose() == m.Whose()
	}
	return n.SameMatter(m) && n.Want == m.Want && n.Got == m.Got
}

// SameMatter reports whether two findings are about the same thing, which may have changed
// between them.
func (n Noticed) SameMatter(m Noticed) bool {
	return n.Kind == m.Kind && n.Operation == m.Operation && n.Subject == m.Subject
}

// Whose returns the account of who has shown a secret, or has opened too many ceremonies. It
// is the zero Account when that is unknown.
func (n Noticed) Whose() ceremony.Account {
	if n.By == nil {
		return ceremony.Account{}
	}
	return n.By.Account
}
