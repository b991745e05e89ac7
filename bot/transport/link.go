package transport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
)

const (
	// readLimit is the largest frame that is read. Slack's are far smaller.
	readLimit = 1 << 20
	// maxAck is the size in bytes from which Slack silently drops what comes back through
	// a socket.
	maxAck = 20 << 10
	// writeBuffer holds a whole acknowledgement. Slack does not put fragmented frames
	// together.
	writeBuffer = 32 << 10
)

// link is one connection of Socket Mode. Its reader is the only goroutine that writes
// messages to it.
type link struct {
	conn  *websocket.Conn // nil until it is open
	since time.Time       // when its opening began
	state linkState
	good  bool // has stood long enough

	warned  bool        // Slack is about to end it
	closing *time.Timer // closes it when Slack does not
}

// linkState is how far a connection is. The supervisor's owner alone changes it.
type linkState int

const (
	opening linkState = iota // no greeting yet
	serving
	leaving // Slack has told it to go, or another one takes its place
)

// news is what has happened to a connection.
type news struct {
	link        *link
	kind        newsKind
	connections int    // with greeted: how many Slack counts, this one among them
	reason      string // with told: Slack's word
	err         error  // with ended
}

type newsKind int

const (
	greeted newsKind = iota
	told             // to leave
	ended
)

// run opens a connection and serves it until it ends. Everything that happens to it is
// sent to the owner, its end last.
func (s *Supervisor) run(ctx context.Context, l *link, tell func(news)) {
	err := s.open(ctx, l)
	if err == nil {
		err = s.serve(ctx, l, tell)
	}
	tell(news{link: l, kind: ended, err: err})
}

// open asks Slack for an address and connects to it. The address works once.
func (s *Supervisor) open(ctx context.Context, l *link) error {
	s.Health.Note(func(h *Health) { h.Opens++ })
	options := []slack.Option{
		slack.OptionAppLevelToken(s.AppToken),
		slack.OptionHTTPClient(s.HTTP),
		slack.OptionLog(log.New(io.Discard, "", 0)),
	}
	if s.APIURL != "" {
		options = append(options, slack.OptionAPIURL(s.APIURL))
	}
	_, address, err := slack.New(s.BotToken, options...).StartSocketModeContext(ctx)
	if err != nil {
		return err
	}
	dialer := websocket.Dialer{
		Proxy: http.ProxyFromEnvironment, HandshakeTimeout: s.HTTP.Timeout, WriteBufferSize: writeBuffer,
	}
	conn, resp, err := dialer.DialContext(ctx, address, http.Header{"Origin": {"https://api.slack.com"}})
	if resp != nil {
		_ = resp.Body.Close()
	}
	switch {
	case errors.Is(err, websocket.ErrBadHandshake) && resp != nil:
		return fmt.Errorf("connect to the socket: HTTP status %s: %w", resp.Status, err)
	case err != nil:
		return fmt.Errorf("connect to the socket: %w", err)
	}
	conn.SetReadLimit(readLimit)
	l.conn = conn
	return nil
}

// serve reads a connection until it ends, and returns why.
//
// A box on the way may swallow pings, Slack's or ours. So either kind keeps the connection
// alive, and so does everything else that comes.
func (s *Supervisor) serve(ctx context.Context, l *link, tell func(news)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer context.AfterFunc(ctx, func() { _ = l.conn.Close() })()
	defer func() { _ = l.conn.Close() }()
	var pinging sync.WaitGroup
	defer func() { cancel(); pinging.Wait() }()
	pinging.Go(func() { s.ping(ctx, l.conn) })

	welcome := false
	listen := func() error {
		patience := s.Rhythm.Hello
		if welcome {
			patience = s.Rhythm.Ping
		}
		return l.conn.SetReadDeadline(time.Now().Add(patience))
	}
	l.conn.SetPongHandler(func(string) error { return listen() })
	l.conn.SetPingHandler(func(data string) error {
		_ = l.conn.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(s.Rhythm.ack)) // as good as lost on the way
		return listen()
	})
	if err := listen(); err != nil {
		return err
	}
	for {
		_, frame, err := l.conn.ReadMessage()
		switch timeout, _ := errors.AsType[net.Error](err); {
		case timeout != nil && timeout.Timeout() && !welcome:
			return ErrNoHello
		case timeout != nil && timeout.Timeout():
			return ErrQuiet
		case err != nil:
			return err
		}
		if welcome {
			if err := listen(); err != nil {
				return err
			}
		}
		head, env := decode(frame)
		switch head.Type {
		case "hello":
			welcome = true
			if err := listen(); err != nil {
				return err
			}
			count, _ := head.NumConnections.(float64) // zero when Slack does not say
			tell(news{link: l, kind: greeted, connections: int(count)})
		case "disconnect":
			tell(news{link: l, kind: told, reason: head.Reason})
		default:
			if err := s.take(l, env); err != nil {
				return err
			}
		}
	}
}

// ping pings a connection until ctx ends. Slack pings too; what comes of either shows that
// the connection lives.
func (s *Supervisor) ping(ctx context.Context, conn *websocket.Conn) {
	for Sleep(ctx, s.Rhythm.Ping/3) == nil {
		_ = conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(s.Rhythm.ack)) // reading notices the end
	}
}

// take has an envelope queued, and acknowledges it at once. What it sets off is done
// elsewhere. An error means that the connection is of no use any more.
func (s *Supervisor) take(l *link, env Envelope) error {
	began := time.Now()
	if env.Trouble != "" {
		s.Health.Note(func(h *Health) { h.Unreadable++ })
		// What stands in it may be anything, and is not logged.
		s.Log.Warn("Slack sent what can't be decoded", "type", env.Kind, "trouble", string(env.Trouble))
	}
	if env.Data != nil {
		s.Health.Note(func(h *Health) { h.LastEnvelope = began })
	}
	var reply any
	ack := true
	if env.Data != nil {
		s.taking.Lock()
		reply, ack = s.Take(env)
		s.taking.Unlock()
	}
	if !ack || env.ID == "" {
		return nil
	}
	body, err := json.Marshal(acknowledgement{env.ID, reply})
	if err != nil || len(body) >= maxAck {
		s.Log.Warn("acknowledgement not written", "envelope", env.ID, "bytes", len(body), "error", err)
		return nil
	}
	if err := l.conn.SetWriteDeadline(time.Now().Add(s.Rhythm.ack)); err != nil {
		return err
	}
	// A connection that was told to go may be closed for writing. What came through it is
	// taken nevertheless; Slack delivers it again, and then it is known.
	err = l.conn.WriteMessage(websocket.TextMessage, body)
	if err != nil && !errors.Is(err, websocket.ErrCloseSent) {
		return fmt.Errorf("acknowledge %s: %w", env.ID, err)
	}
	if time.Since(began) > LateAck {
		s.Health.Note(func(h *Health) { h.LateAcks++ })
	}
	return nil
}

// acknowledgement is what goes back for an envelope.
type acknowledgement struct {
	EnvelopeID string `json:"envelope_id"`
	Payload    any    `json:"payload,omitempty"`
}

// retire closes a connection whose place another one has taken. What is on its way through
// it is still read, for a moment: Slack repeats neither clicks nor commands.
func (s *Supervisor) retire(l *link) {
	bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	_ = l.conn.WriteControl(websocket.CloseMessage, bye, time.Now().Add(s.Rhythm.ack)) // if not, it ends all the same
	time.AfterFunc(s.Rhythm.ack, func() { _ = l.conn.Close() })
}
