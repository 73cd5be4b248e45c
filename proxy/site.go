package proxy

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"causeway/relay"
	"causeway/scrub"
	"causeway/sniff"
	"causeway/stats"
)

// site is the web server behind the TLS ports. It owns every connection there
// and gives one up only when its first bytes prove a messenger, so that all
// time-outs and answers are net/http's own.
type site struct {
	server http.Server
	queue  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newSite(handler http.Handler, log *slog.Logger) *site {
	return &site{
		server: http.Server{
			Handler:           handler,
			ReadHeaderTimeout: HandshakeTime,
			IdleTimeout:       2 * time.Minute,
			ErrorLog:          slog.NewLogLogger(scrub.Handler(log.Handler()), slog.LevelDebug),
		},
		queue:  make(chan net.Conn),
		closed: make(chan struct{}),
	}
}

// run serves until close.
func (s *site) run() { s.server.Serve(s) }

func (s *site) close() {
	s.once.Do(func() { close(s.closed) })
	s.server.Close()
}

// closeIdle ends connections that wait for another request, when draining.
func (s *site) closeIdle() { s.server.SetKeepAlivesEnabled(false) }

// Accept hands net/http the next connection; with Close and Addr, a site is
// the net.Listener that its own server serves.
func (s *site) Accept() (net.Conn, error) {
	select {
	case c := <-s.queue:
		return c, nil
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept.
func (s *site) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

// Addr is of no use to anybody: the real listeners are elsewhere.
func (s *site) Addr() net.Addr { return &net.TCPAddr{} }

// look gives the connection to the web server and waits until it is proven to
// be a messenger's, or over.
func (s *site) look(client relay.Conn, port *Port) (proven, stats.Outcome) {
	c := &visitor{Conn: client, port: port, found: make(chan proven, 1), over: make(chan struct{})}
	select {
	case s.queue <- c:
	case <-s.closed:
		return proven{}, stats.Silent
	}
	select {
	case found := <-c.found:
		return found, ""
	case <-c.over:
	}
	// A messenger may have been proven in the moment that net/http let go.
	select {
	case found := <-c.found:
		return found, ""
	default:
	}
	if c.silent.Load() {
		return proven{}, stats.Silent
	}
	return proven{}, stats.Site
}

// visitor is a connection that net/http serves as long as nothing is proven.
// net/http reads from one goroutine at a time.
type visitor struct {
	relay.Conn
	port  *Port
	found chan proven   // gets at most one
	over  chan struct{} // closed when net/http closes a visitor
	once  sync.Once

	silent  atomic.Bool // the visitor left before it was judged
	defect  atomic.Bool // a messenger's: net/http's calls do nothing any more
	judged  bool        // a stranger's: what net/http reads is what comes
	first   []byte      // bytes that net/http has not been given
	failure error       // what ended the reading of first
}

// Read gives net/http what a stranger sends. While the bytes may still become
// a greeting it waits for more, under the deadline that net/http has set.
func (v *visitor) Read(p []byte) (int, error) {
	if v.defect.Load() {
		return 0, io.EOF
	}
	for !v.judged {
		v.judge()
	}
	if v.defect.Load() {
		return 0, io.EOF
	}
	if len(v.first) > 0 {
		n := copy(p, v.first)
		v.first = v.first[n:]
		return n, nil
	}
	v.first = nil
	if v.failure != nil {
		err := v.failure
		v.failure = nil
		return 0, err
	}
	return v.Conn.Read(p)
}

// judge reads once more and judges all that came.
func (v *visitor) judge() {
	buffer := make([]byte, firstBuffer)
	n, err := v.Conn.Read(buffer)
	v.first = append(v.first, buffer[:n]...)
	if n > 0 {
		verdict, route, name := v.port.judge(v.first)
		switch verdict {
		case sniff.Yes:
			v.judged = true
			v.defect.Store(true)
			v.Conn.SetDeadline(time.Time{})
			v.found <- proven{route: route, name: name, first: v.first}
			v.first = nil
			return
		case sniff.No:
			v.judged = true
			v.failure = err
			return
		}
	}
	if err != nil {
		v.judged = true
		v.failure = err
		v.silent.Store(len(v.first) == 0)
	}
}

// Write is net/http's answer to a stranger.
func (v *visitor) Write(p []byte) (int, error) {
	if v.defect.Load() {
		return 0, net.ErrClosed
	}
	return v.Conn.Write(p)
}

// Close is net/http's; a messenger's connection lives on.
func (v *visitor) Close() error {
	if v.defect.Load() {
		return nil
	}
	v.once.Do(func() { close(v.over) })
	return v.Conn.Close()
}

// CloseWrite is how net/http ends an answer before it closes.
func (v *visitor) CloseWrite() error {
	if v.defect.Load() {
		return nil
	}
	return v.Conn.CloseWrite()
}

// SetDeadline is net/http's clock for strangers.
func (v *visitor) SetDeadline(t time.Time) error {
	if v.defect.Load() {
		return nil
	}
	return v.Conn.SetDeadline(t)
}

// SetReadDeadline is net/http's clock for strangers.
func (v *visitor) SetReadDeadline(t time.Time) error {
	if v.defect.Load() {
		return nil
	}
	return v.Conn.SetReadDeadline(t)
}

// SetWriteDeadline is net/http's clock for strangers.
func (v *visitor) SetWriteDeadline(t time.Time) error {
	if v.defect.Load() {
		return nil
	}
	return v.Conn.SetWriteDeadline(t)
}
