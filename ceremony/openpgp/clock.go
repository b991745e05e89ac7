package openpgp

import (
	"fmt"
	"time"

	"conclave/plural"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	pgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// skew is the largest difference between the clocks of a holder and of the bot.
const skew = 5 * time.Minute

// dated returns the date of what the identity makes and signs for people now. It is earlier by
// skew: programs refuse a key, or a signature, that a computer whose clock is behind takes to
// be from the future. It is not earlier than the identity's own signatures, without which the
// identity can't sign.
func (i *Identity) dated(now time.Time) time.Time {
	date := maxTime(now.Add(-skew), newestDate(i.entity))
	if date.After(now) {
		return now
	}
	return date
}

// newestDate returns the latest date in a key: of its parts, and of the signatures of its owner.
func newestDate(entity *pgp.Entity) time.Time {
	newest := entity.PrimaryKey.CreationTime
	take := func(signatures []*packet.VerifiableSignature) {
		for _, s := range signatures {
			newest = maxTime(newest, s.Packet.CreationTime)
		}
	}
	take(entity.DirectSignatures)
	take(entity.Revocations)
	for _, id := range entity.Identities {
		take(id.SelfCertifications)
	}
	for _, s := range entity.Subkeys {
		newest = maxTime(newest, s.PublicKey.CreationTime)
		take(s.Bindings)
		take(s.Revocations)
	}
	return newest
}

// judgedAt returns the time at which a key is judged: now, or its newest date when that is
// later by no more than skew.
func judgedAt(entity *pgp.Entity, now time.Time) time.Time {
	if newest := newestDate(entity); newest.After(now) && !newest.After(now.Add(skew)) {
		return newest
	}
	return now
}

// madeAhead returns err, or [ErrKeyAhead] in its place when a date in the key is still to come:
// go-crypto calls such a key expired, or finds no signature on it.
func madeAhead(entity *pgp.Entity, now time.Time, err error) error {
	newest := newestDate(entity)
	if err == nil || err == ErrKeyRevoked || !newest.After(now) {
		return err
	}
	return fmt.Errorf("%w: that clock is %s ahead of this one's; the key can be used from %s on, and at once if it is made anew",
		ErrKeyAhead, plural.Time(newest.Sub(now)), newest.UTC().Format("2006-01-02 15:04:05 UTC"))
}

func maxTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
