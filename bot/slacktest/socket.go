package slacktest

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/gorilla/websocket"

	"conclave/bot/slacktest/blockkit"
	"conclave/bot/slacktest/record"
)

// maxSockets is how many sockets one app may hold. Source: docs.slack.dev "Using Socket Mode".
const maxSockets = 10

// maxAck is the size from which Slack drops what comes back through a socket without a word.
const maxAck = 20480

// hub holds the app's sockets and what is on its way through them. Everything in it is guarded by the workspace's mutex.
type hub struct {
	sockets []*socket
	tickets map[string]time.Time // ticket → when it expires
	flights map[string]*flight   // envelope id → delivery
	mute    bool                 // no pings
	pongs   int
}

func newHub() hub {
	return hub{tickets: map[string]time.Time{}, flights: map[string]*flight{}}
}

func (h *hub) stopLocked() {
	for _, s := range h.sockets {
		s.cutLocked()
	}
	for _, f := range h.flights {
		f.timer.Stop()
		f.settleLocked(outcome{err: "closed"})
	}
}

// socket is one connection of the app. One goroutine writes to it and one reads from it.
type socket struct {
	w    *Workspace
	conn *websocket.Conn

	// Guarded by the workspace's mutex.
	queue   []outgoing
	wake    chan struct{} // one slot
	leaving bool          // was told to disconnect, gets no envelopes any more
	gone    bool
}

// outgoing is a frame to write, or with no frame the end of the socket.
type outgoing struct {
	frame []byte
	ping  bool
	cut   bool // cut the TCP connection
	close int  // close with this code
}

func appsConnectionsOpen(c *call) (object, error) {
	ticket := c.idLocked("ticket")
	c.hub.tickets[ticket] = c.cfg.Now().Add(c.cfg.Timing.Ticket)
	return object{"url": "ws://" + c.listener.Addr().String() + "/link/?ticket=" + ticket + "&app_id=" + c.AppID()}, nil
}

// serveSocket opens a socket for a ticket, once. What Slack answers to a used ticket is not documented; here it is 404.
func (w *Workspace) serveSocket(out http.ResponseWriter, in *http.Request) {
	const what = "socket.open"
	effect := w.strike(what)
	effect.wait(in.Context())
	if effect.instead(w, out, what) {
		return
	}
	ticket := in.URL.Query().Get("ticket")
	w.mu.Lock()
	expires, known := w.hub.tickets[ticket]
	delete(w.hub.tickets, ticket)
	valid := known && w.cfg.Now().Before(expires) && !w.closed
	w.mu.Unlock()
	if !valid {
		http.NotFound(out, in)
		return
	}
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	conn, err := upgrader.Upgrade(out, in, nil)
	if err != nil {
		return // the upgrader has answered
	}
	s := &socket{w: w, conn: conn, wake: make(chan struct{}, 1)}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		_ = conn.Close()
		return
	}
	w.hub.sockets = append(w.hub.sockets, s)
	conn.SetPongHandler(func(string) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.hub.pongs++
		return nil
	})
	w.running.Go(s.write)
	w.running.Go(s.read)
	s.greetLocked()
	w.changeLocked()
}

func (s *socket) greetLocked() {
	w := s.w
	host := object{"host": "applink-conclave", "build_number": 10, "approximate_connection_time": 18060}
	switch {
	case !w.socketed:
		s.disconnectLocked("link_disabled")
		return
	case len(w.hub.sockets) > maxSockets:
		w.violateLocked(record.RuleSockets, "socket", "%d sockets", len(w.hub.sockets))
		s.disconnectLocked("too_many_websockets")
		return
	}
	s.sendLocked(object{
		"type": "hello", "num_connections": len(w.hub.sockets), "debug_info": host, "connection_info": object{"app_id": w.AppID()},
	})
	s.sufferLocked(w.strikeLocked("socket.hello"))
}

// sufferLocked does to the socket what an effect says.
func (s *socket) sufferLocked(e Effect) {
	switch {
	case e.disconnect != "":
		s.disconnectLocked(e.disconnect)
	case e.dropBefore, e.dropAfter:
		s.enqueueLocked(outgoing{cut: true})
	}
}

func (s *socket) sendLocked(frame object) {
	body := blockkit.Encode(frame)
	s.w.recordLocked(record.ToClient, "socket", body)
	s.enqueueLocked(outgoing{frame: body})
}

func (s *socket) enqueueLocked(o outgoing) {
	s.queue = append(s.queue, o)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// disconnectLocked tells the client to go. After "warning" it still has a while; after the others it gets nothing more.
func (s *socket) disconnectLocked(reason string) {
	s.sendLocked(object{"type": "disconnect", "reason": reason, "debug_info": object{"host": "wss-conclave"}})
	if reason == "warning" {
		return
	}
	s.leaving = true
	s.w.after(s.w.cfg.Timing.Linger, func() { s.enqueueLocked(outgoing{close: websocket.CloseNormalClosure}) })
}

func (s *socket) cutLocked() {
	s.gone = true
	_ = s.conn.NetConn().Close()
	s.enqueueLocked(outgoing{cut: true})
}

// write sends what is queued and pings in between, until the socket ends.
func (s *socket) write() {
	defer func() { _ = s.conn.Close() }()
	pings := time.NewTicker(s.w.cfg.Timing.Ping)
	defer pings.Stop()
	for {
		for _, o := range s.take() {
			switch {
			case o.cut:
				return
			case o.close != 0:
				_ = s.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(o.close, ""), time.Now().Add(time.Second))
				return
			case o.ping:
				_ = s.conn.WriteControl(websocket.PingMessage, []byte("ping"), time.Now().Add(time.Second))
			default:
				_ = s.conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
				if s.conn.WriteMessage(websocket.TextMessage, o.frame) != nil {
					return
				}
			}
		}
		select {
		case <-s.wake:
		case <-pings.C:
			s.w.mu.Lock()
			if !s.w.hub.mute {
				s.enqueueLocked(outgoing{ping: true})
			}
			s.w.mu.Unlock()
		}
	}
}

func (s *socket) take() []outgoing {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	all := s.queue
	s.queue = nil
	return all
}

// read takes acknowledgements until the socket ends.
func (s *socket) read() {
	for {
		_, frame, err := s.conn.ReadMessage()
		s.w.mu.Lock()
		if err != nil {
			s.gone = true
			s.w.hub.sockets = slices.DeleteFunc(s.w.hub.sockets, func(o *socket) bool { return o == s })
			s.enqueueLocked(outgoing{cut: true})
			s.w.changeLocked()
			s.w.mu.Unlock()
			return
		}
		s.w.recordLocked(record.FromClient, "socket", frame)
		effect := s.w.strikeLocked("socket.ack")
		if effect.lose || effect.dropBefore {
			s.w.loseAckLocked(frame)
		} else {
			s.w.acknowledgeLocked(frame)
		}
		s.sufferLocked(effect)
		s.w.changeLocked()
		s.w.mu.Unlock()
	}
}

// liveLocked are the sockets that can carry an envelope.
func (w *Workspace) liveLocked() []*socket {
	return slices.DeleteFunc(slices.Clone(w.hub.sockets), func(s *socket) bool { return s.leaving || s.gone })
}

// acknowledgeLocked takes what the client sent for an acknowledgement. It counts from any socket of the app: whether Slack wants the
// same socket is not documented.
func (w *Workspace) acknowledgeLocked(frame []byte) {
	if len(frame) >= maxAck {
		w.violateLocked(record.RuleAckSize, "socket", "%d bytes", len(frame))
		return
	}
	var ack struct {
		EnvelopeID string          `json:"envelope_id"`
		Payload    json.RawMessage `json:"payload"`
	}
	if json.Unmarshal(frame, &ack) != nil || ack.EnvelopeID == "" {
		w.violateLocked(record.RuleFrame, "socket", "not an acknowledgement: %d bytes", len(frame))
		return
	}
	f := w.hub.flights[ack.EnvelopeID]
	if f == nil {
		w.violateLocked(record.RuleAckUnknown, "socket", "envelope %s", ack.EnvelopeID)
		return
	}
	f.acks++
	switch took := w.cfg.Now().Sub(f.sentAt); {
	case f.acks > f.deliveries:
		w.violateLocked(record.RuleAckTwice, "socket", "envelope %s (%s)", ack.EnvelopeID, f.kind)
		return
	case took > w.cfg.Timing.Ack+w.cfg.Timing.Grace:
		w.violateLocked(record.RuleAckLate, "socket", "envelope %s (%s) after %v", ack.EnvelopeID, f.kind, took.Round(time.Millisecond))
	}
	if len(ack.Payload) > 0 && !slices.Contains([]string{"null", "{}", `""`}, string(ack.Payload)) && !f.accepts {
		w.violateLocked(record.RuleAckPayload, "socket", "envelope %s (%s) takes no payload", ack.EnvelopeID, f.kind)
		ack.Payload = nil
	}
	f.arriveLocked(ack.Payload)
}

// loseAckLocked notes that an acknowledgement is lost.
func (w *Workspace) loseAckLocked(frame []byte) {
	var ack struct {
		EnvelopeID string `json:"envelope_id"`
	}
	_ = json.Unmarshal(frame, &ack) // what is no acknowledgement names no envelope
	if f := w.hub.flights[ack.EnvelopeID]; f != nil {
		f.lost = true
	}
}

// Sockets is the number of sockets that the app has open and that were not told to go.
func (w *Workspace) Sockets() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.liveLocked())
}

// CutSockets cuts the TCP connection of every socket, without a goodbye: the client sees close code 1006.
func (w *Workspace) CutSockets() {
	w.eachSocket(func(s *socket) { s.cutLocked() })
}

// Disconnect sends every socket a disconnect message: "warning", "refresh_requested", "too_many_websockets".
// After any but the warning, the socket carries nothing more and is closed after [Timing.Linger].
func (w *Workspace) Disconnect(reason string) {
	w.eachSocket(func(s *socket) { s.disconnectLocked(reason) })
}

// SwitchSocketMode switches the app's Socket Mode off or on again. When off, open sockets and every new one are told link_disabled.
func (w *Workspace) SwitchSocketMode(on bool) {
	w.mu.Lock()
	w.socketed = on
	w.mu.Unlock()
	if !on {
		w.Disconnect("link_disabled")
	}
}

// Pongs is how many of the server's pings were answered, over all sockets.
func (w *Workspace) Pongs() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.hub.pongs
}

// Mute stops the server's pings, or lets them begin again.
func (w *Workspace) Mute(mute bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hub.mute = mute
}

func (w *Workspace) eachSocket(do func(*socket)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.liveLocked() {
		do(s)
	}
	w.changeLocked()
}
