package socketmode

import (
	"slices"
	"time"

	"github.com/gorilla/websocket"

	"conclave/bot/slacktest/blockkit"
	"conclave/bot/slacktest/record"
)

// socket is one connection of the app. One goroutine writes to it and one reads from it.
type socket struct {
	h    *Hub
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

func (s *socket) greetLocked() {
	h := s.h
	host := blockkit.Object{"host": "applink-conclave", "build_number": 10, "approximate_connection_time": 18060}
	switch {
	case h.off:
		s.disconnectLocked("link_disabled")
		return
	case len(h.sockets) > maxSockets:
		h.host.Violate(record.RuleSockets, "%d sockets", len(h.sockets))
		s.disconnectLocked("too_many_websockets")
		return
	}
	s.sendLocked(blockkit.Object{
		"type": "hello", "num_connections": len(h.sockets), "debug_info": host,
		"connection_info": blockkit.Object{"app_id": h.host.AppID},
	})
	s.sufferLocked(h.host.Strike("socket.hello"))
}

// sufferLocked lets the socket suffer an effect.
func (s *socket) sufferLocked(e Effect) {
	switch {
	case e.Disconnect != "":
		s.disconnectLocked(e.Disconnect)
	case e.DropBefore, e.DropAfter:
		s.enqueueLocked(outgoing{cut: true})
	}
}

func (s *socket) sendLocked(frame blockkit.Object) {
	body := blockkit.Encode(frame)
	s.h.host.Record(record.ToClient, body)
	s.enqueueLocked(outgoing{frame: body})
}

func (s *socket) enqueueLocked(o outgoing) {
	s.queue = append(s.queue, o)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// disconnectLocked tells the client to go. After "warning" the socket goes on. After the other reasons it gets nothing
// more.
func (s *socket) disconnectLocked(reason string) {
	s.sendLocked(blockkit.Object{"type": "disconnect", "reason": reason,
		"debug_info": blockkit.Object{"host": "wss-conclave"}})
	if reason == "warning" {
		return
	}
	s.leaving = true
	s.h.host.After(s.h.host.Timing.Linger, func() { s.enqueueLocked(outgoing{close: websocket.CloseNormalClosure}) })
}

func (s *socket) cutLocked() {
	s.gone = true
	_ = s.conn.NetConn().Close()
	s.enqueueLocked(outgoing{cut: true})
}

// write sends what is queued and pings in between, until the socket ends.
func (s *socket) write() {
	defer func() { _ = s.conn.Close() }()
	pings := time.NewTicker(s.h.host.Timing.Ping)
	defer pings.Stop()
	for {
		for _, o := range s.take() {
			switch {
			case o.cut:
				return
			case o.close != 0:
				_ = s.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(o.close, ""),
					time.Now().Add(time.Second))
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
			s.h.host.Lock.Lock()
			if !s.h.mute {
				s.enqueueLocked(outgoing{ping: true})
			}
			s.h.host.Lock.Unlock()
		}
	}
}

func (s *socket) take() []outgoing {
	s.h.host.Lock.Lock()
	defer s.h.host.Lock.Unlock()
	all := s.queue
	s.queue = nil
	return all
}

// read takes acknowledgements until the socket ends.
func (s *socket) read() {
	for {
		_, frame, err := s.conn.ReadMessage()
		s.h.host.Lock.Lock()
		if err != nil {
			s.gone = true
			s.h.sockets = slices.DeleteFunc(s.h.sockets, func(o *socket) bool { return o == s })
			s.enqueueLocked(outgoing{cut: true})
			s.h.host.Changed()
			s.h.host.Lock.Unlock()
			return
		}
		s.h.host.Record(record.FromClient, frame)
		effect := s.h.host.Strike("socket.ack")
		if effect.Lose || effect.DropBefore {
			s.h.loseAckLocked(frame)
		} else {
			s.h.acknowledgeLocked(frame)
		}
		s.sufferLocked(effect)
		s.h.host.Changed()
		s.h.host.Lock.Unlock()
	}
}
