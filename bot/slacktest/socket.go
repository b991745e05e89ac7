package slacktest

import (
	"net/http"
	"time"

	"conclave/bot/slacktest/record"
	"conclave/bot/slacktest/socketmode"
)

// newHub returns the hub of the app's sockets, which shares the workspace's mutex.
func (w *Workspace) newHub() *socketmode.Hub {
	t := w.cfg.Timing
	return socketmode.New(socketmode.Host{
		Lock:  &w.mu,
		AppID: w.AppID(),
		Timing: socketmode.Timing{
			Ack: t.Ack, Grace: t.Grace, Redelivery: t.Redelivery, Ping: t.Ping, Ticket: t.Ticket, Linger: t.Linger,
		},
		Now:     w.cfg.Now,
		After:   func(d time.Duration, what func()) *time.Timer { return w.after(d, what) },
		Go:      w.running.Go,
		Changed: w.changeLocked,
		Record:  func(way record.Direction, body []byte) { w.recordLocked(way, "socket", body) },
		Violate: func(rule record.Rule, format string, args ...any) { w.violateLocked(rule, "socket", format, args...) },
		Strike:  func(place string) socketmode.Effect { return w.strikeLocked(place).onSocket() },
		Pick:    w.random.IntN,
		NewID:   w.uuidLocked,
		EventID: func() string { return w.idLocked("Ev") },

		FreshEnvelopes: w.cfg.FreshEnvelopes,
	})
}

// onSocket returns what an effect does to a socket.
func (e Effect) onSocket() socketmode.Effect {
	return socketmode.Effect{
		Disconnect: e.disconnect, DropBefore: e.dropBefore, DropAfter: e.dropAfter, Lose: e.lose,
		Duplicate: e.duplicate, Again: e.again, Delay: e.delay,
	}
}

func appsConnectionsOpen(c *call) (object, error) {
	ticket := c.idLocked("ticket")
	c.hub.Admit(ticket)
	return object{"url": "ws://" + c.listener.Addr().String() + "/link/?ticket=" + ticket + "&app_id=" + c.AppID()}, nil
}

func (w *Workspace) serveSocket(out http.ResponseWriter, in *http.Request) {
	const what = "socket.open"
	effect := w.strike(what)
	effect.wait(in.Context())
	if effect.instead(w, out, what) {
		return
	}
	w.hub.Serve(out, in)
}

// Sockets returns the number of sockets that the app has open and that were not told to go.
func (w *Workspace) Sockets() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.hub.Live()
}

// Unacknowledged returns the number of events that the app has not acknowledged and Slack has not given up.
func (w *Workspace) Unacknowledged() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.hub.Unacknowledged()
}

// CutSockets cuts the TCP connection of every socket, without a goodbye: the client sees close code 1006.
func (w *Workspace) CutSockets() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hub.Cut()
}

// CutOne cuts the TCP connection of one socket.
func (w *Workspace) CutOne() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hub.CutOne()
}

// DisconnectOne sends the oldest socket a disconnect message.
func (w *Workspace) DisconnectOne(reason string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hub.DisconnectOne(reason)
}

// Disconnect sends every socket a disconnect message: "warning", "refresh_requested", "too_many_websockets".
// After any but the warning, the socket carries nothing more and is closed after [Timing.Linger].
func (w *Workspace) Disconnect(reason string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hub.Disconnect(reason)
}

// SwitchSocketMode switches the app's Socket Mode off or on again. When it is off, open sockets and every new one are
// told link_disabled.
func (w *Workspace) SwitchSocketMode(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hub.Switch(on)
	if !on {
		w.hub.Disconnect("link_disabled")
	}
}

// Pongs returns how many of the server's pings were answered, over all sockets.
func (w *Workspace) Pongs() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.hub.Pongs()
}

// Mute stops the server's pings, or lets them begin again.
func (w *Workspace) Mute(mute bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hub.Mute(mute)
}
