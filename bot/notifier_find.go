package bot

import (
	"cmp"
	"context"
	"strconv"
	"sync"
	"time"

	"conclave/bot/transport"
	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// finder looks for posts of ours whose place the journal does not have. After a start many
// are looked for in the same places, so that each place is read once and not for each of
// them.
type finder struct {
	readings *transport.Memory[map[postKey]string] // place and day → timestamps of what was posted there since

	mu    sync.Mutex
	tried map[postKey]time.Time // when it was posted, or may have been
}

// postKey is what the metadata of a post says.
type postKey struct {
	ceremony ceremony.ID
	key      string
	line     string // hash of the line that it is about, empty in a post of an earlier version
}

const (
	// readingLasts is how long a place is not read again for what this program has not
	// posted since.
	readingLasts = 10 * time.Minute
	// manyTried is the number of posts from which on those are forgotten that every reading
	// shows.
	manyTried = 1024
)

func newFinder() *finder {
	return &finder{readings: transport.NewMemory[map[postKey]string](), tried: map[postKey]time.Time{}}
}

// try notes that a message was posted, or may have been.
func (f *finder) try(k postKey) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if len(f.tried) > manyTried {
		for k, at := range f.tried {
			if now.Sub(at) > readingLasts {
				delete(f.tried, k)
			}
		}
	}
	f.tried[k] = now
}

// staleBefore returns when a place must have been read, at the earliest, to show a post.
func (f *finder) staleBefore(k postKey) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	since := time.Now().Add(-readingLasts)
	if at := f.tried[k]; at.After(since) {
		return at
	}
	return since
}

// find looks for a post of ours about an entry by its metadata.
func (n *notifier) find(
	ctx context.Context, c rules.State, key string, of event.Entry, channel, thread string,
) (ceremony.Ref, error) {
	k := postKey{c.ID(), key, of.Hash}
	oldest := strconv.FormatInt(of.At.UTC().Truncate(24*time.Hour).Add(-clockSkew).Unix(), 10)
	posts, err := n.finder.readings.Get(ctx, channel+"/"+thread+"/"+oldest, n.finder.staleBefore(k),
		func() (map[postKey]string, error) { return n.ours(ctx, channel, thread, oldest) })
	if err != nil {
		return ceremony.Ref{}, err
	}
	ts := cmp.Or(posts[k], posts[postKey{c.ID(), key, ""}])
	if ts == "" {
		return ceremony.Ref{}, nil
	}
	return ceremony.Ref{Channel: channel, TS: ts}, nil
}

// ours returns the timestamps of the bot's own posts in a place.
func (n *notifier) ours(ctx context.Context, channel, thread, oldest string) (map[postKey]string, error) {
	self, err := n.me(ctx)
	if err != nil {
		return nil, err
	}
	posts, cursor := map[postKey]string{}, ""
	for {
		messages, next, err := n.page(ctx, channel, thread, oldest, cursor)
		if err != nil {
			return nil, err
		}
		for _, m := range messages {
			id, _ := m.Metadata.EventPayload[metadataCeremony].(string)
			key, _ := m.Metadata.EventPayload[metadataKey].(string)
			line, _ := m.Metadata.EventPayload[metadataLine].(string)
			if k := (postKey{ceremony.ID(id), key, line}); m.BotID == self.bot && m.Metadata.EventType == metadataType && posts[k] == "" {
				posts[k] = m.Timestamp
			}
		}
		if next == "" {
			return posts, nil
		}
		cursor = next
	}
}
