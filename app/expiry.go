package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"
	"conclave/config"
	"conclave/host"
	"conclave/host/durable"
)

const (
	// KeyNotice is how long before a key expires its owner and the operator hear of it.
	KeyNotice = 4 * 7 * 24 * time.Hour
	// expiryPace is how often keys are looked at.
	expiryPace = 6 * time.Hour
	// expiryRest is after how many posts' time the next person is told, and the first one after
	// a start. What ceremonies have to say comes first.
	expiryRest = 10
	// expiryAgain is the pause after a message that could not be posted.
	expiryAgain = 15 * time.Minute

	toldName = ".told" // in the journal's folder: who was told of which key
)

// Expiring is a key that can't be used for long any more.
type Expiring struct {
	Person string
	Key    ceremony.Fingerprint
	Until  time.Time // the last second in which it can be used; zero when that is over
}

// ExpiringKeys returns the keys that have expired, or expire within [KeyNotice], by the names
// of their owners.
func ExpiringKeys(keys Keyring, now time.Time) []Expiring {
	var all []Expiring
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		key := keys[name]
		switch err := key.CheckUntil(now, now.Add(KeyNotice)); {
		case errors.Is(err, openpgp.ErrKeyExpired):
			all = append(all, Expiring{Person: name, Key: key.Fingerprint()})
		case errors.Is(err, openpgp.ErrKeyExpires):
			seconds := sort.Search(int(KeyNotice/time.Second), func(n int) bool {
				return key.CheckUntil(now, now.Add(time.Duration(n)*time.Second)) != nil
			})
			until := now.Add(time.Duration(seconds-1) * time.Second).UTC().Truncate(time.Second)
			all = append(all, Expiring{Person: name, Key: key.Fingerprint(), Until: until})
		}
	}
	return all
}

// name names what its owner is told of, so that they are told once: of this day, and not of
// this second, since the last one is found only roughly.
func (x Expiring) name() string {
	if x.Until.IsZero() {
		return string(x.Key) + " expired"
	}
	return string(x.Key) + " " + x.Until.Format(time.DateOnly)
}

// tellExpiring tells the owners of keys that expire, each of them once, until ctx ends.
func (c *Conclave) tellExpiring(ctx context.Context) error {
	pause := restOf(c.config)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		c.mu.Lock()
		keys, conf := c.keys, c.config
		c.mu.Unlock()
		pause = c.tellOwners(ctx, keys, conf)
	}
}

// tellOwners tells those who were not told before. It returns after which time to look again.
func (c *Conclave) tellOwners(ctx context.Context, keys Keyring, conf *config.Config) time.Duration {
	told := readTold(conf.Journal.Directory)
	for _, x := range ExpiringKeys(keys, time.Now()) {
		if _, done := told[x.name()]; done {
			continue
		}
		err := c.bot.TellExpiry(ctx, conf.People[x.Person].Slack, x.Key, x.Until)
		switch {
		case errors.Is(err, ceremony.ErrUndeliverable):
			c.log.Warn("the owner of a key that expires can't be told", "person", x.Person, "key", string(x.Key), "error", err)
		case err != nil:
			c.log.Warn("the owner of a key that expires is told later", "person", x.Person, "error", err)
			return expiryAgain
		default:
			c.log.Info("the owner of a key that expires was told", "person", x.Person, "key", string(x.Key))
		}
		told[x.name()] = time.Now().UTC()
		if err := writeTold(conf.Journal.Directory, told); err != nil {
			c.log.Error("who was told of a key that expires can't be kept: they may be told again", "error", err)
			return expiryPace
		}
		select {
		case <-ctx.Done():
			return 0
		case <-time.After(restOf(conf)):
		}
	}
	return expiryPace
}

// restOf returns how long nobody is told of a key after somebody was.
func restOf(conf *config.Config) time.Duration {
	return expiryRest * cmp.Or(conf.Slack.Pace, time.Second)
}

// readTold returns who was told of what, and when. A file that can't be read is as good as
// none: people are told once more.
func readTold(journal host.Path) map[string]time.Time {
	told := map[string]time.Time{}
	if data, err := os.ReadFile(filepath.Join(string(journal), toldName)); err == nil {
		_ = json.Unmarshal(data, &told)
	}
	if told == nil {
		told = map[string]time.Time{}
	}
	return told
}

// writeTold keeps who was told of what in the last year.
func writeTold(journal host.Path, told map[string]time.Time) error {
	maps.DeleteFunc(told, func(_ string, at time.Time) bool { return time.Since(at) > 365*24*time.Hour })
	data, err := json.MarshalIndent(told, "", "  ")
	if err != nil {
		return err
	}
	return durable.Replace(filepath.Join(string(journal), toldName), append(data, '\n'))
}
