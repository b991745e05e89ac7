package bot

import (
	"errors"
	"fmt"

	"github.com/slack-go/slack"

	"conclave/ceremony"
)

// errNoParcel means that a delivery has nothing in it for its receiver.
var errNoParcel = errors.New("the event has nothing for this person")

// parcelOf is the ciphertext that a message brings.
func parcelOf(c ceremony.Ceremony, m ceremony.Message) (ceremony.Parcel, error) {
	if m.To == nil {
		return ceremony.Parcel{}, errNoParcel
	}
	if m.Kind == ceremony.TokenMessage {
		parcel := ceremony.Parcel{Ceremony: c.ID(), Kind: "token", Index: 1, Total: 1, Recipient: m.To.Key}
		switch ev := m.Entry.Event.(type) {
		case ceremony.TokenIssued:
			parcel.Ciphertext = ev.Ciphertext
		case ceremony.Initialized:
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

// sharesIn are the encrypted shares that an event brings.
func sharesIn(ev ceremony.Event) []ceremony.NewShare {
	switch ev := ev.(type) {
	case ceremony.Rekeyed:
		return ev.Shares
	case ceremony.Initialized:
		return ev.Shares
	case ceremony.BackupRead:
		return ev.Shares
	}
	return nil
}

// shareFile is what a holder is told to call the new share of entry seq, or the newest
// one before it. Shares of an attempt that was lost may have come into force: those of
// the next one don't take their place.
func shareFile(c ceremony.Ceremony, seq int) string {
	made := 0
	for _, e := range c.History[:seq] {
		if _, ok := e.Event.(ceremony.Rekeyed); ok {
			made++
		}
	}
	if made > 1 {
		return fmt.Sprintf("%s-attempt-%d-share.asc", c.ID(), made)
	}
	return string(c.ID()) + "-share.asc"
}

// deliveredFile is the same for one of several that a backup may have for one
// person.
func deliveredFile(c ceremony.Ceremony, m ceremony.Message) string {
	for i, s := range sharesIn(m.Entry.Event) {
		if i != m.Share && s.For.Account == m.To.Account {
			return fmt.Sprintf("%s-share-%d.asc", c.ID(), m.Share+1)
		}
	}
	return shareFile(c, m.Entry.Seq)
}

// renderDelivery hands a share, encrypted, to its holder.
func renderDelivery(c ceremony.Ceremony, m ceremony.Message, p ceremony.Parcel, s ceremony.SignedParcel) message {
	name, what := deliveredFile(c, m), deliveryTitle(c.Plan)
	blocks := []slack.Block{title(what)}
	if news := deliveryNews(c, m.Entry); news != "" {
		blocks = append(blocks, section("%s", news))
	}
	blocks = append(blocks,
		section("Share %d of %d, encrypted by Vault to your key. Only you can open it:", p.Index, p.Total),
		listing(grouped(p.Recipient)),
		section("*1.* Save it. A file that is there is not replaced: then you have saved it before."),
		copied(saveCommand(name, s.Armor)),
		section("*2.* Check that it is yours and that you can open it. The first command shows Conclave's signed line, which ends with the number that the second prints:"),
		copied(ReadCommand(s.Line)),
		copied(paste("gpg --dearmor < %s | sha256sum", file(name))),
		copied(paste("gpg -qd %s > /dev/null && echo 'it opens'", file(name))),
		section("*3.* Keep the file safe, off this computer if you can. Don't decrypt it to disk. %s", keep(c.Plan, m.Entry)),
		footnote("Or with the program `conclave`: paste this whole message into `conclave open`. It checks all of this for you, keeps the share, and tries that it opens."),
		footnote("`%s` · signed by %s", c.ID(), c.Plan.Identity),
	)
	return message{line: escape(what), blocks: blocks}
}

func deliveryTitle(p ceremony.Plan) string {
	switch p.Operation {
	case ceremony.Init:
		return "Your " + shareName(p) + " for " + p.Cluster
	case ceremony.ReadBackup:
		return "Your " + shareName(p) + " for " + p.Cluster + ", from Vault's backup"
	}
	return "Your new " + shareName(p) + " for " + p.Cluster
}

// deliveryNews is what the receiver has to know before anything else.
func deliveryNews(c ceremony.Ceremony, e ceremony.Entry) string {
	if read, ok := e.Event.(ceremony.BackupRead); ok {
		return originWords(read)
	}
	if elsewhere(e) {
		return fmt.Sprintf(":rotating_light: *WITHOUT VERIFICATION: others have carried this rekey through past Conclave*, and this share was read from Vault's backup. Nobody will ask you to prove it. Make sure now that you can open it, and tell %s at once if you can't.", initiator(c.Plan))
	}
	if c.Plan.Verification {
		return ""
	}
	text := fmt.Sprintf(":rotating_light: *This share is in force now, and nobody will ask you to prove it.* Make sure now that you can open it, and tell %s at once if you can't.", initiator(c.Plan))
	if c.Plan.Operation.Rekeys() {
		text = fmt.Sprintf(":rotating_light: *WITHOUT VERIFICATION: this share is in force now, and nobody will ask you to prove it.* Make sure now that you can open it, and tell %s at once if you can't.", initiator(c.Plan))
	}
	return text
}

// elsewhere says whether an event brings new shares that were made past Conclave.
func elsewhere(e ceremony.Entry) bool {
	made, ok := e.Event.(ceremony.Rekeyed)
	return ok && made.Elsewhere()
}

// keep says what to do with the share that somebody has had until now.
func keep(p ceremony.Plan, e ceremony.Entry) string {
	switch read, ok := e.Event.(ceremony.BackupRead); {
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
