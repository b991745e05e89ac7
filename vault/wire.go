package vault

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// wire is the transport below the api clients of one cluster. It uses no proxy, speaks
// HTTP/1.1 only, and follows no redirect.
//
// A read may use a connection again. A write gets a connection of its own, for two
// reasons: net/http repeats a request by itself when a connection that it uses again
// turns out to be closed; and only on a fresh connection is it certain whether any byte
// of the request has left.
type wire struct {
	trust *tls.Config
	reach time.Duration // for connecting and shaking hands
	reads *http.Transport
}

func newWire(trust *tls.Config, timeout time.Duration) *wire {
	w := &wire{trust: trust, reach: timeout / 2}
	w.reads = w.transport(new(line))
	w.reads.IdleConnTimeout = time.Minute
	w.reads.MaxIdleConnsPerHost = 2
	return w
}

func (w *wire) transport(l *line) *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := w.dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &wipingConn{Conn: conn, line: l}, nil
		},
		DialTLSContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := w.dialTLS(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &wipingConn{Conn: conn, line: l}, nil
		},
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// RoundTrip sends one request. The error wraps *unsent if nothing of the request can
// have reached Vault. Once RoundTrip has failed or the response's body is closed, the
// request's body is not read any more and may be overwritten.
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method == http.MethodGet {
		resp, err := w.reads.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		resp.Body = bounded(resp.Body)
		return resp, nil
	}
	l := new(line)
	transport := w.transport(l)
	transport.DisableKeepAlives = true
	transport.WriteBufferSize = maxToken + 4<<10 // headers and a share's body leave in one Write
	var body *awaitedBody
	if req.Body != nil {
		body = &awaitedBody{ReadCloser: req.Body, closed: make(chan struct{})}
		req = req.WithContext(req.Context()) // the caller's request stays as it is
		req.Body = body
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		wrote := l.cut()
		body.wait()
		if !wrote {
			return nil, &unsent{err: err, connected: connected(err)}
		}
		return nil, err
	}
	resp.Body = &lastBody{ReadCloser: bounded(resp.Body), request: body, line: l}
	return resp, nil
}

func (w *wire) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: w.reach}).DialContext(ctx, network, address)
	if err != nil {
		return nil, &unsent{err: err}
	}
	return conn, nil
}

func (w *wire) dialTLS(ctx context.Context, network, address string) (*tls.Conn, error) {
	conn, err := w.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	trust := w.trust.Clone()
	if trust.ServerName == "" {
		if trust.ServerName, _, err = net.SplitHostPort(address); err != nil {
			trust.ServerName = address
		}
	}
	ctx, cancel := context.WithTimeout(ctx, w.reach)
	defer cancel()
	secured := tls.Client(conn, trust)
	if err := secured.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, &unsent{err: untrusted(err, trust.ServerName), connected: true}
	}
	return secured, nil
}

// line knows what was written to the connection of a write.
type line struct {
	mu       sync.Mutex
	wrote    bool
	isCutOff bool
	writing  sync.WaitGroup
}

// begin reports whether writing is still allowed, and remembers that it was. When it
// returns true the caller must call writing.Done.
func (l *line) begin() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.isCutOff {
		return false
	}
	l.wrote = true
	l.writing.Add(1)
	return true
}

// cut forbids writing for good, waits for what is being written, and reports whether
// anything was written. The goroutine of net/http that writes may still be at it when an
// answer has come already, or when its RoundTrip has given up. The connection must be
// closed or closing.
func (l *line) cut() bool {
	l.mu.Lock()
	l.isCutOff = true
	wrote := l.wrote
	l.mu.Unlock()
	l.writing.Wait()
	return wrote
}

// wipingConn overwrites what it was given to write as soon as that is written.
// What it gets is the write buffer of net/http's connection, which would
// otherwise keep a share until its memory is used for something else. This
// bends the contract of io.Writer, and it can, since that buffer has no other
// reader: a body is copied into it through an io.LimitReader in every case.
// Below it, crypto/tls encrypts in place and keeps no plain text.
type wipingConn struct {
	net.Conn
	line *line
}

func (c *wipingConn) Write(p []byte) (int, error) {
	if !c.line.begin() {
		clear(p)
		return 0, net.ErrClosed
	}
	defer c.line.writing.Done()
	defer clear(p)
	return c.Conn.Write(p)
}

// awaitedBody is a request's body that tells when net/http has closed it.
type awaitedBody struct {
	io.ReadCloser
	once   sync.Once
	closed chan struct{}
}

func (b *awaitedBody) Close() error {
	defer b.once.Do(func() { close(b.closed) })
	return b.ReadCloser.Close()
}

// wait returns once net/http has closed the body. It returns at once when b is nil.
func (b *awaitedBody) wait() {
	if b != nil {
		<-b.closed
	}
}

// lastBody is the body of a response after which the connection is closed. Close returns
// when the request's body is not read any more and no copy of it waits to be written.
// That may be later than the answer: a server can refuse before it has read everything.
type lastBody struct {
	io.ReadCloser
	request *awaitedBody
	line    *line
}

func (b *lastBody) Close() error {
	err := b.ReadCloser.Close()
	b.request.wait()
	b.line.cut()
	return err
}
