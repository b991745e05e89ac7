package transport

import (
	"log/slog"
	"sync"
	"time"
)

// LateAck is how long an acknowledgement may take before it counts as late.
// Slack gives up after three seconds.
const LateAck = time.Second

// Health holds the signs of how well the connection to Slack works. A bot whose process
// is alive may still hear nothing.
type Health struct {
	Connected    bool
	Connections  int       // that take in what people do; one of them is a reserve
	Foreign      int       // connections of this app that are not ours
	LastHello    time.Time // of the newest connection
	LastEnvelope time.Time // anything that people did
	// When the bot last posted in a channel, and when Slack last sent a message of a
	// channel. Our own posts come back as events, if the app subscribes to those.
	LastChannelPost, LastChannelMessage time.Time
	LastAuthTest                        time.Time // when Slack last accepted the bot token
	Opens                               int       // connections opened since the start
	Failures                            int       // openings in a row that were of no use
	LateAcks                            int       // that took more than a second
	Duplicates                          int       // envelopes delivered again
	TurnedAway                          int       // people who were told that too much is waiting
	Unreadable                          int       // envelopes and frames that could not be decoded
	Unsearched                          int       // texts and files that were not searched for secrets
	Throttled                           int       // answers of Slack that asked to slow down
}

// LogValue returns the health as one group.
func (h Health) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Bool("connected", h.Connected),
		slog.Int("connections", h.Connections),
		slog.Int("foreign", h.Foreign),
		slog.Time("last_hello", h.LastHello),
		slog.Time("last_envelope", h.LastEnvelope),
		slog.Time("last_auth_test", h.LastAuthTest),
		slog.Int("opens", h.Opens),
		slog.Int("failures", h.Failures),
		slog.Int("late_acks", h.LateAcks),
		slog.Int("duplicates", h.Duplicates),
		slog.Int("turned_away", h.TurnedAway),
		slog.Int("unreadable", h.Unreadable),
		slog.Int("unsearched", h.Unsearched),
		slog.Int("throttled", h.Throttled),
	)
}

// echoTime is how long Slack may take to send an event.
const echoTime = time.Minute

// DeafInChannels reports whether Slack does not send what is written in channels. It shows
// by the bot's own posts, which come back as events.
func (h Health) DeafInChannels(now time.Time) bool {
	return !h.LastChannelPost.IsZero() && h.LastChannelMessage.Before(h.LastChannelPost) &&
		now.Sub(h.LastChannelPost) > echoTime
}

// Monitor keeps the health up to date.
type Monitor struct {
	mu  sync.Mutex
	now Health
}

// Snapshot returns the health as it is now.
func (m *Monitor) Snapshot() Health {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// Note changes the health. The function must not call the monitor.
func (m *Monitor) Note(change func(*Health)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(&m.now)
}

func (m *Monitor) throttled() { m.Note(func(n *Health) { n.Throttled++ }) }
