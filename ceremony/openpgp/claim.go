package openpgp

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/paste"
)

// Kind is the kind of a message from the bot.
type Kind string

// The kinds.
const (
	Asks     Kind = "asks"     // for a share or a one-time password: see [CheckAnnouncement]
	Calls    Kind = "calls"    // the roll: see [CheckRollCall]
	Delivers Kind = "delivers" // a share or a token: see [CheckDeliveries]
	Words    Kind = "words"    // to be signed by the person: see [CheckWordRequest]
	Tells    Kind = "tells"    // what to run, and is read by people alone
)

// Claim is what a message says of itself, signed by a key that came with it. That proves
// only that its writer has said so. The pin tells who the writer is.
type Claim struct {
	Kind     Kind
	Identity ceremony.Fingerprint
	Ceremony ceremony.ID
	Cluster  string // empty for a delivery, which does not name it
	// ClusterID is Vault's own id of the cluster. It is empty when the plan is not in
	// the message.
	ClusterID string
	At        time.Time // when it says that it was made; zero for a delivery
}

// Claims returns the claims in a pasted text that are signed by a key which is in it too, in
// the order of the text. It is for a person who has pinned nobody yet, and for comparing the
// signers with the pinned identities. The Check functions then judge the content.
func Claims(text []byte, now time.Time) ([]Claim, error) {
	claims, err := claimsIn(text, now)
	if err != nil {
		return nil, fmt.Errorf("read message: %w", err)
	}
	return claims, nil
}

func claimsIn(text []byte, now time.Time) ([]Claim, error) {
	blocks, _ := unarmor(paste.Text(text))
	signed, err := signedAmong(blocks, "conclave-", ErrNothingOfOurs)
	if err != nil {
		return nil, err
	}
	identities := identitiesAmong(blocks)
	if len(identities) == 0 {
		return nil, ErrNoCertificate
	}
	var claims []Claim
	last := ErrNothingOfOurs
	for _, m := range signed {
		for _, f := range identities {
			identity, err := pinnedEntity(blocks, f)
			if err != nil {
				return nil, err
			}
			said, err := readSigned(m, identity, now)
			if err != nil {
				last = err
				continue
			}
			if c, ok := claimOf(said); ok {
				c.Identity = f
				claims = append(claims, c)
			}
		}
	}
	if len(claims) == 0 {
		return nil, last
	}
	return claims, nil
}

// identitiesAmong returns the fingerprints of the certificates, each once.
func identitiesAmong(blocks []block) []ceremony.Fingerprint {
	var found []ceremony.Fingerprint
	for _, b := range blocks {
		if b.kind != certificateBlock || b.err != nil {
			continue
		}
		entity, err := parseEntity(b.data)
		if err != nil {
			continue
		}
		if f := fingerprintOf(entity.PrimaryKey); !slices.Contains(found, f) {
			found = append(found, f)
		}
	}
	return found
}

// claimOf returns the claim of a signed text, and whether it is one of the bot's messages.
func claimOf(said string) (Claim, bool) {
	switch {
	case strings.HasPrefix(said, announcementTag+"\n"):
		if inv, err := parseAnnouncement(said); err == nil {
			return Claim{
				Kind: Asks, Ceremony: inv.id, Cluster: inv.cluster, ClusterID: clusterID(inv.plan), At: inv.announced,
			}, true
		}
	case strings.HasPrefix(said, rollCallTag+"\n"):
		if r, err := parseRollCall(said); err == nil {
			return Claim{Kind: Calls, Ceremony: r.id, Cluster: r.cluster, ClusterID: clusterID(r.plan), At: r.called}, true
		}
	case strings.HasPrefix(said, instructionTag+"\n"):
		if w, err := parseInstruction(said); err == nil {
			kind := Tells
			if w.says != "" {
				kind = Words
			}
			return Claim{Kind: kind, Ceremony: w.id, Cluster: w.cluster, ClusterID: clusterID(w.plan), At: w.signed}, true
		}
	case strings.HasPrefix(said, deliveryTag+" "):
		if p, _, err := parseDelivery(said); err == nil {
			return Claim{Kind: Delivers, Ceremony: p.Ceremony}, true
		}
	}
	return Claim{}, false
}

// clusterID returns Vault's id of the cluster in a plan's text, or "".
func clusterID(plan string) string {
	for line := range strings.Lines(plan) {
		if id, ok := strings.CutPrefix(line, "cluster id: "); ok && ceremony.IsNonce(strings.TrimSpace(id)) {
			return strings.TrimSpace(id)
		}
	}
	return ""
}
