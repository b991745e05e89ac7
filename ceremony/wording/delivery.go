package wording

import (
	"errors"
	"fmt"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// errNoParcel means that a delivery has nothing in it for its receiver.
var errNoParcel = errors.New("the event has nothing for this person")

// ParcelOf returns the ciphertext that a message brings.
func ParcelOf(c rules.State, m rules.Message) (ceremony.Parcel, error) {
	if m.To == nil {
		return ceremony.Parcel{}, errNoParcel
	}
	if m.Kind == rules.TokenMessage {
		parcel := ceremony.Parcel{Ceremony: c.ID(), Kind: "token", Index: 1, Total: 1, Recipient: m.To.Key}
		switch ev := m.Entry.Event.(type) {
		case event.TokenIssued:
			parcel.Ciphertext = ev.Ciphertext
		case event.Initialized:
			parcel.Ciphertext = ev.Token
		default:
			return ceremony.Parcel{}, errNoParcel
		}
		return parcel, nil
	}
	shares := sharesIn(m.Entry.Event)
	if m.Share < 0 || m.Share >= len(shares) || shares[m.Share].For.Account != m.To.Account {
		return ceremony.Parcel{}, errNoParcel
	}
	return ceremony.Parcel{
		Ceremony: c.ID(), Kind: "share", Index: m.Share + 1, Total: len(shares),
		Recipient: shares[m.Share].For.Key, Ciphertext: shares[m.Share].Ciphertext,
	}, nil
}

// sharesIn returns the encrypted shares that an event brings.
func sharesIn(ev event.Event) []event.NewShare {
	switch ev := ev.(type) {
	case event.Rekeyed:
		return ev.Shares
	case event.Initialized:
		return ev.Shares
	case event.BackupRead:
		return ev.Shares
	}
	return nil
}

// ShareFile returns the file name of the new share of entry seq, or of the newest one
// before it. Shares of an attempt that was lost may have come into force, so those of the
// next attempt have another name.
func ShareFile(c rules.State, seq int) string {
	made := 0
	for _, e := range c.History[:seq] {
		if _, ok := e.Event.(event.Rekeyed); ok {
			made++
		}
	}
	return NewShareFile(c.ID(), max(made, 1))
}

// NewShareFile returns the name of the file in which the share of an attempt of a ceremony is
// kept: by the gpg command, by conclave open, and by the command that asks for it next.
func NewShareFile(id ceremony.ID, attempt int) string {
	if attempt > 1 {
		return fmt.Sprintf("%s-attempt-%d-share.asc", id, attempt)
	}
	return string(id) + "-share.asc"
}

// BackupShareFile returns the name of the file for one share of several from a backup.
func BackupShareFile(id ceremony.ID, index int) string {
	return fmt.Sprintf("%s-share-%d.asc", id, index)
}

// DeliveredFile returns the file name of the share that a message brings. A backup may
// have several for one person, which have different names.
func DeliveredFile(c rules.State, m rules.Message) string {
	for i, s := range sharesIn(m.Entry.Event) {
		if i != m.Share && s.For.Account == m.To.Account {
			return BackupShareFile(c.ID(), m.Share+1)
		}
	}
	return ShareFile(c, m.Entry.Seq)
}

// DeliveryTitle returns the title of a message that brings a share.
func DeliveryTitle(p ceremony.Plan) string {
	switch p.Operation {
	case ceremony.Init:
		return "Your " + shareName(p) + " for " + p.Cluster
	case ceremony.ReadBackup:
		return "Your " + shareName(p) + " for " + p.Cluster + ", from Vault's backup"
	}
	return "Your new " + shareName(p) + " for " + p.Cluster
}

// DeliveryNews says what the receiver has to know before anything else.
func DeliveryNews(c rules.State, e event.Entry) string {
	if read, ok := e.Event.(event.BackupRead); ok {
		return OriginWords(read)
	}
	if elsewhere(e) {
		return fmt.Sprintf(":rotating_light: *WITHOUT VERIFICATION: others have carried this rekey through past Conclave*, and this share was read from Vault's backup. Nobody will ask you to prove it. Make sure now that you can open it, and tell %s at once if you can't.", Initiator(c.Plan))
	}
	if c.Plan.Verification {
		return ""
	}
	text := fmt.Sprintf(":rotating_light: *This share is in force now, and nobody will ask you to prove it.* Make sure now that you can open it, and tell %s at once if you can't.", Initiator(c.Plan))
	if c.Plan.Operation.Rekeys() {
		text = fmt.Sprintf(":rotating_light: *WITHOUT VERIFICATION: this share is in force now, and nobody will ask you to prove it.* Make sure now that you can open it, and tell %s at once if you can't.", Initiator(c.Plan))
	}
	return text
}

// elsewhere reports whether an event brings new shares that were made past Conclave.
func elsewhere(e event.Entry) bool {
	made, ok := e.Event.(event.Rekeyed)
	return ok && rules.Elsewhere(made)
}

// Keep says what to do with the new share, and with the one that its receiver has had
// until now.
func Keep(p ceremony.Plan, e event.Entry) string {
	switch read, ok := e.Event.(event.BackupRead); {
	case ok:
		return keepWords(read)
	case elsewhere(e):
		return "*Keep it, and keep the share that you have*, until a ceremony has shown which of them is in force."
	case p.Operation == ceremony.Init:
		return fmt.Sprintf("There are %d of them, %s %s.", len(p.Receivers), quorum(p.NewThreshold, len(p.Receivers)), useOfShares(p))
	case p.Verification:
		return "*Keep your old share* until I tell you that the ceremony is completed: it stays in force until then."
	}
	return "The new shares are in force now. Keep your old share until the ceremony is completed."
}
