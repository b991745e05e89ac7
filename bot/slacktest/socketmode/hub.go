package socketmode

import (
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"conclave/bot/slacktest/record"
)

// maxSockets is how many sockets one app may hold. Source: docs.slack.dev "Using Socket Mode".
const maxSockets = 10

// Host is the workspace around a [Hub]. Its functions are called with Lock held.
type Host struct {
	Lock    sync.Locker
	AppID   string
	Timing  Timing
	Now     func() time.Time
	After   func(time.Duration, func()) *time.Timer // calls a function later, with Lock held, unless closed
	Go      func(func())                            // starts a goroutine that the workspace waits for when it closes
	Changed func()                                  // wakes those who wait for the workspace
	Record  func(way record.Direction, body []byte)
	Violate func(rule record.Rule, format string, args ...any)
	Strike  func(place string) Effect // returns the fault in force for "socket.hello", "socket.send", "socket.ack"
	Pick    func(n int) int           // returns a random number below n
	NewID   func() string             // returns a new envelope id
	EventID func() string             // returns a new event id
	// FreshEnvelopes gives an event a new envelope id each time it is sent again.
	FreshEnvelopes bool
}

// Timing holds the durations of Socket Mode.
type Timing struct {
	Ack, Grace   time.Duration   // how long an acknowledgement may take, and how much longer a test lets it
	Redelivery   []time.Duration // the pauses before an unacknowledged event is sent again
	Ping, Ticket time.Duration   // the pause between pings, and how long a socket's URL can be used
	Linger       time.Duration   // how long a socket that was told to go may stay
}

// Effect is a fault that hits a socket, or an envelope or acknowledgement on it. The zero value is none.
type Effect struct {
	Disconnect string        // the reason of a disconnect message
	DropBefore bool          // cuts the socket, and what was on its way is lost
	DropAfter  bool          // cuts the socket once what was on its way has arrived
	Lose       bool          // loses what was on its way
	Duplicate  bool          // sends an envelope twice
	Again      bool          // sends an event a second time under other ids
	Delay      time.Duration // sends an envelope later
}

// Hub holds the app's sockets and what is on its way through them. Its methods are called with the host's lock held.
type Hub struct {
	host       Host
	sockets    []*socket
	tickets    map[string]time.Time // ticket → when it expires
	deliveries map[string]*Delivery // envelope id → delivery
	stopped    bool
	off        bool // Socket Mode is switched off
	mute       bool // no pings
	pongs      int
}

// New returns a hub without sockets.
func New(host Host) *Hub {
	return &Hub{host: host, tickets: map[string]time.Time{}, deliveries: map[string]*Delivery{}}
}

// Stop ends every socket and every delivery.
func (h *Hub) Stop() {
	h.stopped = true
	for _, s := range h.sockets {
		s.cutLocked()
	}
	for _, d := range h.deliveries {
		d.timer.Stop()
		d.settleLocked("closed")
	}
}

// Admit lets a ticket open one socket while it is valid.
func (h *Hub) Admit(ticket string) { h.tickets[ticket] = h.host.Now().Add(h.host.Timing.Ticket) }

// Serve opens a socket for a ticket, once. It is called without the lock.
// What Slack answers to a used ticket is not documented. Here it is 404.
func (h *Hub) Serve(out http.ResponseWriter, in *http.Request) {
	ticket := in.URL.Query().Get("ticket")
	h.host.Lock.Lock()
	expires, known := h.tickets[ticket]
	delete(h.tickets, ticket)
	valid := known && h.host.Now().Before(expires) && !h.stopped
	h.host.Lock.Unlock()
	if !valid {
		http.NotFound(out, in)
		return
	}
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	conn, err := upgrader.Upgrade(out, in, nil)
	if err != nil {
		return // the upgrader has answered
	}
	s := &socket{h: h, conn: conn, wake: make(chan struct{}, 1)}
	h.host.Lock.Lock()
	defer h.host.Lock.Unlock()
	if h.stopped {
		_ = conn.Close()
		return
	}
	h.sockets = append(h.sockets, s)
	conn.SetPongHandler(func(string) error {
		h.host.Lock.Lock()
		defer h.host.Lock.Unlock()
		h.pongs++
		return nil
	})
	h.host.Go(s.write)
	h.host.Go(s.read)
	s.greetLocked()
	h.host.Changed()
}

// liveLocked returns the sockets that can carry an envelope.
func (h *Hub) liveLocked() []*socket {
	return slices.DeleteFunc(slices.Clone(h.sockets), func(s *socket) bool { return s.leaving || s.gone })
}

// Live returns the number of sockets that are open and were not told to go.
func (h *Hub) Live() int { return len(h.liveLocked()) }

// Cut cuts the TCP connection of every live socket, without a goodbye.
func (h *Hub) Cut() {
	for _, s := range h.liveLocked() {
		s.cutLocked()
	}
	h.host.Changed()
}

// Disconnect sends every live socket a disconnect message.
func (h *Hub) Disconnect(reason string) {
	for _, s := range h.liveLocked() {
		s.disconnectLocked(reason)
	}
	h.host.Changed()
}

// CutOne cuts the TCP connection of the oldest live socket.
func (h *Hub) CutOne() {
	for _, s := range h.liveLocked()[:min(1, h.Live())] {
		s.cutLocked()
	}
	h.host.Changed()
}

// DisconnectOne sends the oldest live socket a disconnect message.
func (h *Hub) DisconnectOne(reason string) {
	for _, s := range h.liveLocked()[:min(1, h.Live())] {
		s.disconnectLocked(reason)
	}
	h.host.Changed()
}

// Switch switches Socket Mode on or off. While it is off, every new socket is told link_disabled.
func (h *Hub) Switch(on bool) { h.off = !on }

// Mute stops the server's pings, or lets them begin again.
func (h *Hub) Mute(mute bool) { h.mute = mute }

// Pongs returns how many pings were answered, over all sockets.
func (h *Hub) Pongs() int { return h.pongs }
