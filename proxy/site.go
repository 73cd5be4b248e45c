package proxy

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"causeway/stats"
)

// The web server's limits beyond the reference's header and idle times: without
// them a stranger holds a place, and a megabyte, for as long as they like.
const (
	siteIdle    = 2 * time.Minute  // between requests
	siteRequest = time.Minute      // for a whole request
	siteAnswer  = 10 * time.Minute // for a request and its answer
	siteHeader  = 64 << 10         // bytes
)

// site is the web server behind the TLS ports. It owns every connection there
// and gives one up only when its first bytes prove a messenger, so that all
// time-outs and answers are net/http's own.
type site struct {
	server http.Server
	h2     *http2Server
	queue  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// newSite makes the web server. It logs nothing: net/http's messages are about
// what strangers sent.
func newSite(handler http.Handler) *site {
	s := &site{
		server: http.Server{
			Handler:           handler,
			ReadHeaderTimeout: HandshakeTime,
			ReadTimeout:       siteRequest,
			WriteTimeout:      siteAnswer,
			IdleTimeout:       siteIdle,
			MaxHeaderBytes:    siteHeader,
			ErrorLog:          log.New(io.Discard, "", 0),
		},
		queue:  make(chan net.Conn),
		closed: make(chan struct{}),
	}
	s.h2 = newHTTP2(&s.server)
	return s
}

// run serves until close.
func (s *site) run() { s.server.Serve(s) }

func (s *site) close() {
	s.once.Do(func() { close(s.closed) })
	s.server.Close()
	s.h2.base.Close()
}

// endIdle ends connections that wait for another request, when draining, and
// others after theirs, at the latest when ctx ends.
func (s *site) endIdle(ctx context.Context) {
	go s.server.Shutdown(ctx)
	go s.h2.base.Shutdown(ctx)
}

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

// serve gives a stranger's connection to net/http altogether and waits until it
// is over.
func (s *site) serve(session *tls.Conn) stats.Outcome {
	select {
	case s.queue <- session:
	case <-s.closed:
		return stats.Silent
	}
	<-session.NetConn().(*wire).over
	return stats.Site
}

// look gives the connection to the web server and waits until it is proven to
// be a messenger's, or over.
func (s *site) look(session *tls.Conn, port *Port, crashed func()) (proven, stats.Outcome) {
	v := newVisitor(session, port, crashed)
	if session.ConnectionState().NegotiatedProtocol == protocolHTTP2 {
		s.h2.serve(v)
		v.Close()
		return v.judgement()
	}
	select {
	case s.queue <- v:
	case <-s.closed:
		return proven{}, stats.Silent
	}
	select {
	case found := <-v.found:
		return found, ""
	case <-v.over:
		return v.judgement()
	}
}
