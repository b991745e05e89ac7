package event

import "conclave/ceremony"

type (
	// Noticed says what an alarm is about. It can't hold the secret that was exposed:
	// only whose it was, as far as that is known.
	Noticed struct {
		Kind ceremony.Finding `json:"kind"`
		// Operation is the one whose attempt it is about; of a share that was exposed,
		// the one that replaces it.
		Operation ceremony.Operation `json:"operation,omitempty"`
		// Subject is an attempt's nonce or a node's address.
		Subject string `json:"subject,omitempty"`
		Want    string `json:"want,omitempty"` // as it was, or should be
		Got     string `json:"got,omitempty"`  // as it is
		Term    int    `json:"term,omitempty"` // of the encryption key in use, when it is about that
		// By is who has shown a secret; nil when the configuration does not know them.
		By *ceremony.Person `json:"by,omitempty"`
		// Of is the ceremony here whose attempt it was.
		Of ceremony.ID `json:"of,omitempty"`
		// Perhaps: it may have been Vault's own rotation policy.
		Perhaps bool `json:"perhaps,omitempty"`
	}
	// Acknowledged says that somebody looks after what an alarm is about. It ends it.
	Acknowledged struct {
		By     ceremony.Person `json:"by"`
		Why    string          `json:"why,omitempty"`
		Signed string          `json:"signed,omitempty"` // their armored word, where they have signed it
	}
)

// Same reports whether two findings are the same news.
func (n Noticed) Same(m Noticed) bool {
	if n.Kind.Exposure() {
		// Whoever pastes a thousand shares has shown their share once.
		return n.Kind == m.Kind && n.Whose() == m.Whose()
	}
	return n.Kind == m.Kind && n.Operation == m.Operation && n.Subject == m.Subject && n.Want == m.Want && n.Got == m.Got
}

// SameMatter reports whether two findings are about the same thing, which may have moved
// on from one to the other.
func (n Noticed) SameMatter(m Noticed) bool {
	return n.Kind == m.Kind && n.Operation == m.Operation && n.Subject == m.Subject
}

func (n Noticed) Whose() ceremony.Account {
	if n.By == nil {
		return ceremony.Account{}
	}
	return n.By.Account
}
