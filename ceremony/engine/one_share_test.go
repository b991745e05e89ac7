package engine_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/secret"
)

// shareCount counts the plain shares of each ceremony, from the decryption of each until it
// is overwritten.
type shareCount struct {
	mu      sync.Mutex
	open    map[ceremony.ID][]*secret.Secret // opened and, as far as is known, not overwritten yet
	used    map[*secret.Secret]bool          // on its way to Vault right now
	most    int                              // the most of one ceremony that were in memory together
	total   int
	forgot  int // times that garbage was collected
	unswept int // secrets opened since then
	litter  int // secrets that were in the clear when garbage was collected
}

func newShareCount() *shareCount {
	return &shareCount{open: map[ceremony.ID][]*secret.Secret{}, used: map[*secret.Secret]bool{}}
}

// add counts the one that was just opened together with all others of the ceremony
// that are still in the clear.
func (n *shareCount) add(id ceremony.ID, s *secret.Secret) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.open[id] = append(n.open[id], s)
	n.total++
	n.unswept++
	n.most = max(n.most, len(n.plain(id)))
}

// plain returns the shares of a ceremony that can still be read. Len of one that is on its
// way would wait for Vault's answer.
func (n *shareCount) plain(id ceremony.ID) []*secret.Secret {
	var all []*secret.Secret
	for _, s := range n.open[id] {
		if n.used[s] || s.Len() > 0 {
			all = append(all, s)
		}
	}
	n.open[id] = all
	return all
}

// sending marks a share as on its way while Vault takes its time.
func (n *shareCount) sending(s *secret.Secret, send func()) {
	n.mu.Lock()
	n.used[s] = true
	n.mu.Unlock()
	time.Sleep(time.Second)
	send()
	n.mu.Lock()
	delete(n.used, s)
	n.mu.Unlock()
	time.Sleep(time.Second)
}

func (n *shareCount) forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.forgot++
	n.unswept = 0
	for id := range n.open {
		n.litter += len(n.plain(id))
	}
}

// countedOpenPGP makes keys whose shares are counted.
type countedOpenPGP struct {
	ceremony.OpenPGP
	count *shareCount
}

func (o countedOpenPGP) NewKey(n ceremony.Notice) (ceremony.Key, error) {
	key, err := o.OpenPGP.NewKey(n)
	return countedKey{key, o.count}, err
}

type countedKey struct {
	ceremony.Key
	count *shareCount
}

func (k countedKey) Open(envelope []byte, want ceremony.Expected) (*secret.Secret, ceremony.Evidence, error) {
	s, evidence, err := k.Key.Open(envelope, want)
	if s != nil {
		k.count.add(want.Ceremony, s)
	}
	return s, evidence, err
}

// slowVault lets time pass before and after a share reaches it.
type slowVault struct {
	*ceremonytest.FakeVault
	count *shareCount
}

func (v slowVault) Submit(ctx context.Context, s ceremony.Submission) (a ceremony.Answer, err error) {
	v.count.sending(s.Share, func() { a, err = v.FakeVault.Submit(ctx, s) })
	return a, err
}

func (v slowVault) Unseal(ctx context.Context, addresses []string, share *secret.Secret) (states map[string]error) {
	v.count.sending(share, func() { states = v.FakeVault.Unseal(ctx, addresses, share) })
	return states
}

// P1: no two plain shares of one ceremony are ever in memory together, however many
// holders send theirs at once, whatever becomes of each, and garbage is collected
// after every one, when it is overwritten.
func TestP1NoTwoPlainSharesOfACeremonyAreInMemoryTogether(t *testing.T) {
	for _, op := range []ceremony.Operation{
		ceremony.Rekey, ceremony.RekeyRecovery, ceremony.GenerateRoot, ceremony.Unseal, ceremony.Drill,
	} {
		t.Run(string(op), func(t *testing.T) {
			playFor(t, op, func(t *testing.T, s *stage) {
				count := newShareCount()
				s.keys = func(o ceremony.OpenPGP) ceremony.OpenPGP { return countedOpenPGP{o, count} }
				s.configure = func(c *ceremony.Cluster) { c.Vault = slowVault{s.vault, count} }
				s.forget = count.forget
				s.restart()
				id := s.begin(op)
				for range 3 {
					if c := s.now(id); c.Ended() || c.Key == nil {
						break
					}
					s.everybodyAtOnce(id)
					s.settle(time.Minute)
				}
				if count.total < 3 {
					t.Fatalf("%d shares were opened: %s", count.total, s.now(id).Phase)
				}
				if count.most != 1 {
					t.Errorf("%d plain shares were in memory together", count.most)
				}
				if count.unswept != 0 || count.forgot < count.total || count.litter != 0 {
					t.Errorf("garbage was collected %d times for %d shares; %d have come since, and %d were in the clear",
						count.forgot, count.total, count.unswept, count.litter)
				}
			})
		})
	}
}

// everybodyAtOnce makes all holders send at the same moment: their share, the same share once
// more, and one that belongs to another step.
func (s *stage) everybodyAtOnce(id ceremony.ID) {
	s.t.Helper()
	step := s.now(id).Key.Step
	var envelopes [][]byte
	var from []string
	for _, name := range ceremonytest.Holders {
		right := s.envelope(id, name, own(step, name))
		wrong := bytes.Replace(right, []byte("|"+string(step)+"|"), []byte("|elsewhere|"), 1)
		envelopes, from = append(envelopes, right, right, wrong), append(from, name, name, name)
	}
	var all sync.WaitGroup
	for i, envelope := range envelopes {
		s.serial++
		message := ceremony.Ref{Channel: "D" + from[i], TS: "at once " + string(rune('a'+s.serial))}
		all.Go(func() {
			_, err := s.engine.Share(context.Background(), ceremony.Envelope{
				By: ceremonytest.Person(from[i]).Account, Message: message, Envelope: envelope,
			})
			if _, refused := ceremony.RefusalOf(err); err != nil && !refused {
				s.t.Errorf("%s's envelope: %v", from[i], err)
			}
		})
	}
	all.Wait()
}

// The count itself notices a share that was not overwritten, one that waits for
// Vault, and none that is gone.
func TestSharesThatAreInMemoryTogetherAreCounted(t *testing.T) {
	count := newShareCount()
	plain := func() *secret.Secret { return secret.NewSecret([]byte("old-1")) }
	first, waiting := plain(), plain()
	count.add("prod-rekey-aaaa", first)
	first.Wipe()
	count.add("prod-rekey-aaaa", waiting)
	if count.most != 1 {
		t.Errorf("%d, where the first was overwritten", count.most)
	}
	count.add("prod-rekey-bbbb", plain())
	if count.most != 1 {
		t.Errorf("%d, where the other is another ceremony's", count.most)
	}
	count.used[waiting] = true
	err := waiting.Use(func([]byte) error {
		count.add("prod-rekey-aaaa", plain())
		return nil
	})
	if err != nil && !errors.Is(err, secret.ErrSecretSpent) || count.most != 2 {
		t.Errorf("%d, %v, where one is on its way", count.most, err)
	}
	count.forget()
	if count.litter == 0 {
		t.Error("a share in the clear is not noticed when garbage is collected")
	}
}
