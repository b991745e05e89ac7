package middlebox

import (
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// passage is one socket that goes through a box.
type passage struct {
	box          *Box
	outer, inner *websocket.Conn // to the client, to the workspace
	stalled      chan struct{}
	once         sync.Once
}

// open connects a client's socket with one to the workspace.
func (b *Box) open(out http.ResponseWriter, in *http.Request) {
	inner, resp, err := websocket.DefaultDialer.DialContext(in.Context(), "ws://"+b.inside.Host+in.URL.RequestURI(), nil)
	if err != nil {
		status := http.StatusBadGateway
		if resp != nil {
			status = resp.StatusCode
		}
		out.WriteHeader(status)
		return
	}
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	outer, err := upgrader.Upgrade(out, in, nil)
	if err != nil {
		_ = inner.Close()
		return
	}
	p := &passage{box: b, outer: outer, inner: inner, stalled: make(chan struct{})}
	b.mu.Lock()
	b.sockets[p] = true
	b.served++
	if b.endAfter > 0 {
		time.AfterFunc(b.endAfter, p.end)
	}
	b.mu.Unlock()
	b.relaying.Go(func() { p.relay(outer, inner) })
	b.relaying.Go(func() { p.relay(inner, outer) })
}

// relay passes on what comes from one side, until either side ends.
func (p *passage) relay(from, to *websocket.Conn) {
	control := func(kind int) func(string) error {
		return func(data string) error {
			if !p.swallows() {
				_ = to.WriteControl(kind, []byte(data), time.Now().Add(time.Second))
			}
			return nil
		}
	}
	from.SetPingHandler(control(websocket.PingMessage))
	from.SetPongHandler(control(websocket.PongMessage))
	from.SetCloseHandler(func(code int, text string) error {
		if !p.isStalled() {
			_ = to.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, text), time.Now().Add(time.Second))
		}
		return nil
	})
	for {
		kind, frame, err := from.ReadMessage()
		switch {
		case p.isStalled():
			if err != nil {
				return // the other side stays open
			}
		case err != nil:
			if _, closed := err.(*websocket.CloseError); closed { //nolint:errorlint // gorilla returns it bare
				time.AfterFunc(time.Second, p.end) // the other side answers first
				return
			}
			p.end()
			return
		case to.WriteMessage(kind, frame) != nil:
			p.end()
			return
		}
	}
}

func (p *passage) swallows() bool {
	p.box.mu.Lock()
	defer p.box.mu.Unlock()
	return p.box.swallow || p.isStalled()
}

func (p *passage) isStalled() bool {
	select {
	case <-p.stalled:
		return true
	default:
		return false
	}
}

func (p *passage) stall() { p.once.Do(func() { close(p.stalled) }) }

// end cuts both sides.
func (p *passage) end() {
	_ = p.outer.NetConn().Close()
	_ = p.inner.NetConn().Close()
	p.box.mu.Lock()
	defer p.box.mu.Unlock()
	delete(p.box.sockets, p)
}
