package ledger

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/rules"
	"conclave/ceremony/secret"
)

// keySet is what is known of the shares of one cluster.
type keySet struct {
	current []*provenKey            // those that are not outdated
	of      map[string][]*provenKey // tag → the keys with this share
}

func newKeySet() *keySet { return &keySet{of: map[string][]*provenKey{}} }

// add adds a key.
func (s *keySet) add(k *provenKey) {
	if k.is != outdated {
		s.current = append(s.current, k)
	}
	for tag := range k.shares {
		s.of[tag] = append(s.of[tag], k)
	}
}

// remove removes a key.
func (s *keySet) remove(k *provenKey) {
	same := func(other *provenKey) bool { return other == k }
	s.current = slices.DeleteFunc(s.current, same)
	for tag := range k.shares {
		if s.of[tag] = slices.DeleteFunc(s.of[tag], same); len(s.of[tag]) == 0 {
			delete(s.of, tag)
		}
	}
}

// all returns every key, each once.
func (s *keySet) all() map[*provenKey]bool {
	all := map[*provenKey]bool{}
	for _, keys := range s.of {
		for _, k := range keys {
			all[k] = true
		}
	}
	return all
}

// provenKey is the shares that are known to be of one key: Vault has combined them with each
// other, or each with a third.
type provenKey struct {
	shares map[string]provenShare // tag → share
	of     numbers
	is     keyStatus
	by     ceremony.ID // the ceremony that shows that the key is outdated
}

// numbers are how many shares of a key exist and how many of them Vault asks for, each 0
// where Vault does not tell.
type numbers struct{ shares, threshold int }

// keyStatus is whether a key is in force.
type keyStatus int

const (
	inForce  keyStatus = iota
	doubtful           // it may be in force, or not
	outdated           // another key is in force
)

// provenShare is a share that Vault has used.
type provenShare struct {
	x    int
	by   []ceremony.Person // who has brought it, the last one last
	seen ceremony.ID       // the last ceremony that has proven it
	at   time.Time
}

// other returns who has brought the share last, or nil when the person who brings it now has
// brought it before.
func (s provenShare) other(now ceremony.Account) *ceremony.Person {
	if _, ok := ceremony.Find(s.by, now); ok {
		return nil
	}
	return &s.by[len(s.by)-1]
}

// fits reports whether the key can be the one that a plan is about. Where Vault's numbers
// have changed without a rekey here, the key was changed outside of Conclave.
func (k *provenKey) fits(of numbers) bool {
	same := func(a, b int) bool { return a == b || a == 0 || b == 0 }
	return same(k.of.shares, of.shares) && same(k.of.threshold, of.threshold)
}

// prove learns that Vault has combined these shares to the key in force. A share belongs to
// one key only. So every known key with one of them is this key, and in force, even if it
// was thought outdated: a snapshot may have been restored.
func (s *keySet) prove(held []rules.Held, of numbers, id ceremony.ID, at time.Time) {
	if len(held) == 0 {
		return
	}
	now := &provenKey{shares: map[string]provenShare{}, of: of, is: inForce}
	back := false // a key that had been replaced is in force again
	for _, h := range held {
		for _, k := range slices.Clone(s.of[h.Share.Tag]) {
			back = back || k.is == outdated
			now.of = numbers{cmp.Or(of.shares, k.of.shares), cmp.Or(of.threshold, k.of.threshold)}
			maps.Copy(now.shares, k.shares)
			s.remove(k)
		}
	}
	for _, h := range held {
		known := now.shares[h.Share.Tag]
		same := func(p ceremony.Person) bool { return p.Account == h.By.Account }
		by := slices.DeleteFunc(slices.Clone(known.by), same)
		now.shares[h.Share.Tag] = provenShare{x: h.Share.X, by: append(by, h.By), seen: id, at: at}
	}
	for _, k := range s.current {
		switch {
		case back && k.is == inForce, now.excludes(k):
			k.is, k.by = outdated, id
		case now.meets(k):
			k.is = doubtful
		}
	}
	s.forgetOutdated()
	s.add(now)
}

// forgetOutdated drops what has become outdated from current. It is still known by its shares.
func (s *keySet) forgetOutdated() {
	s.current = slices.DeleteFunc(s.current, func(k *provenKey) bool { return k.is == outdated })
}

// excludes reports whether two sets of shares can't be of one key. There would be more than
// the key has, or its polynomial would have two values at one x.
func (k *provenKey) excludes(other *provenKey) bool {
	if k.of.shares > 0 && len(k.shares)+len(other.shares) > k.of.shares {
		return true
	}
	for _, a := range k.shares {
		for _, b := range other.shares {
			if a.x != 0 && a.x == b.x {
				return true
			}
		}
	}
	return false
}

// meets reports whether one person has brought a share of both. They may hold two of one
// key. More likely the key was changed outside of Conclave in between.
func (k *provenKey) meets(other *provenKey) bool {
	for _, a := range k.shares {
		for _, b := range other.shares {
			if slices.ContainsFunc(a.by, func(p ceremony.Person) bool {
				_, ok := ceremony.Find(b.by, p.Account)
				return ok
			}) {
				return true
			}
		}
	}
	return false
}

// replace learns that a rekey has taken effect.
func (s *keySet) replace(id ceremony.ID) {
	for _, k := range s.current {
		k.is, k.by = outdated, id
	}
	s.forgetOutdated()
}

// doubt learns that nobody can tell whether the key that was in force still is.
func (s *keySet) doubt() {
	for _, k := range s.current {
		if k.is == inForce {
			k.is = doubtful
		}
	}
}

// judgeUnproven judges a share that was never proven, by the shares in force: by its
// holder's, if that is known, and by any with the same x, which must have another y.
func (s *keySet) judgeUnproven(of numbers, by ceremony.Account, share secret.ShareTag) ceremony.Verdict {
	var theirs, beside, like provenShare // the newest: of this holder, with this x, both
	for _, k := range s.current {
		if k.is != inForce || !k.fits(of) {
			continue
		}
		for _, h := range k.shares {
			_, own := ceremony.Find(h.by, by)
			same := share.X != 0 && share.X == h.x
			like, theirs, beside = like.newest(h, own && same), theirs.newest(h, own), beside.newest(h, same)
		}
	}
	switch {
	case like.seen != "":
		return ceremony.Verdict{Reason: ceremony.MistypedShare, See: like.seen}
	case theirs.seen != "" || beside.seen != "":
		return ceremony.Verdict{Reason: ceremony.UnfamiliarShare, See: cmp.Or(theirs.seen, beside.seen)}
	}
	return ceremony.Verdict{}
}

// newest returns the other share when it is meant and was proven later, and s otherwise.
func (s provenShare) newest(other provenShare, meant bool) provenShare {
	if meant && (s.seen == "" || other.at.After(s.at)) {
		return other
	}
	return s
}
