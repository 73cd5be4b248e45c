// Package proxy carries connections of a messenger's app to that messenger's
// own servers, and is an ordinary web site to everyone else.
package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"causeway/limit"
	"causeway/proxyproto"
	"causeway/stats"
	"causeway/upstream"
)

const (
	// HandshakeTime is how long a TLS handshake may take, and then the first
	// bytes: the header time-out of the web server that strangers see.
	HandshakeTime = 10 * time.Second

	// HeaderTime is how long a PROXY protocol header may take.
	HeaderTime = 3 * time.Second

	// DefaultDrain is a Drain that lets most messages and pictures finish.
	DefaultDrain = 30 * time.Second
)

// Server is one volunteer's proxy. Certificate, Upstream, Site and Stats must
// be set before Run, and nothing changed after.
type Server struct {
	Certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	Challenge   func(*tls.ClientHelloInfo) *tls.Config // answers a CA that checks the name; nil: none
	Upstream    *upstream.Dialer
	Site        http.Handler
	Stats       *stats.Stats
	Log         *slog.Logger // nil discards

	SendHeader  proxyproto.Version // to upstreams that accept one
	TrustHeader []netip.Prefix     // who may send PROXY headers
	Public      netip.Addr         // given as the address connected to in PROXY headers; zero: the socket's own

	// Admitted says whose networks may use the app ports; nil is everybody's.
	// Whatever others send, they meet a web site, or a port that resets. Proven,
	// if not nil, is told of an admitted one whose first bytes are an app's.
	Admitted func(netip.Addr) bool
	Proven   func(netip.Addr)

	Limits limit.Limiter
	Idle   time.Duration // 0: relay.DefaultIdle
	Drain  time.Duration // how long open connections may go on after the stop

	ctx   context.Context // ends when connections must
	conns sync.WaitGroup
	site  *site
	tls   *tls.Config

	acceptLogged atomic.Int64 // when an accept error was last logged, Unix nanoseconds
}

// Listener is an open port.
type Listener struct {
	net.Listener
	Port *Port
}

// Listen binds the ports on an address: "" is every address of this machine.
// It binds all or none; the error names the port, and errors.Is finds
// syscall.EACCES or EADDRINUSE in it.
func Listen(ctx context.Context, address string, ports []Port) ([]Listener, error) {
	config := net.ListenConfig{KeepAlive: -1} // carry sets it
	var open []Listener
	for i := range ports {
		l, err := config.Listen(ctx, "tcp", net.JoinHostPort(address, fmt.Sprint(ports[i].Listen)))
		if err != nil {
			for _, l := range open {
				l.Close()
			}
			return nil, &BindError{Port: ports[i].Listen, Err: err}
		}
		open = append(open, Listener{Listener: l, Port: &ports[i]})
	}
	return open, nil
}

// BindError says which port could not be opened.
type BindError struct {
	Port uint16
	Err  error
}

func (e *BindError) Error() string { return fmt.Sprintf("opening port %d: %v", e.Port, e.Err) }

// Unwrap returns the system's error.
func (e *BindError) Unwrap() error { return e.Err }

// Run serves until stop ends, then lets open connections go on for the drain
// time or until kill ends. It returns when every connection is closed.
func (s *Server) Run(stop, kill context.Context, listeners []Listener) {
	ctx, end := context.WithCancel(context.WithoutCancel(stop))
	defer end()
	s.ctx = ctx
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	s.tls = newTLSConfig(s.Certificate, s.Challenge)
	s.Stats.Open(s.Limits.Open)
	routes := s.routes(listeners)
	s.site = newSite(s.logged(s.Site))

	var running, accepting sync.WaitGroup
	running.Go(s.site.run)
	for _, route := range routes {
		running.Go(func() { s.watch(ctx, route) })
	}
	for _, l := range listeners {
		accepting.Go(func() { s.accept(l) })
	}
	<-stop.Done()
	for _, l := range listeners {
		l.Close()
	}
	accepting.Wait()
	s.drain(kill)
	end()
	s.site.close()
	s.conns.Wait()
	running.Wait()
}

// drain waits until no connection is open, the drain time is over, or kill ends.
func (s *Server) drain(kill context.Context) {
	if open := s.Limits.Open(); open > 0 {
		s.Log.Info("no new connections; open ones may finish", "open", open)
	}
	s.site.endIdle(s.ctx)
	empty := make(chan struct{})
	go func() {
		s.conns.Wait()
		close(empty)
	}()
	select {
	case <-empty:
	case <-time.After(s.Drain):
	case <-kill.Done():
	}
}

// routes lists each route of the listeners once and makes its counters.
func (s *Server) routes(listeners []Listener) []Route {
	var routes []Route
	seen := map[any]bool{}
	for _, l := range listeners {
		for _, r := range l.Port.Routes {
			if seen[r.Route] {
				continue
			}
			seen[r.Route] = true
			s.Stats.Route(r.Messenger.Name, r.Name)
			routes = append(routes, r)
		}
	}
	return routes
}

// logAccept says once a minute, for all ports, that no connections can be taken.
func (s *Server) logAccept(err error) {
	last, now := s.acceptLogged.Load(), time.Now()
	if now.Sub(time.Unix(0, last)) > acceptLogInterval && s.acceptLogged.CompareAndSwap(last, now.UnixNano()) {
		s.Log.Warn("cannot take new connections for the moment", "err", err)
	}
}

const (
	acceptBackoffMin  = 5 * time.Millisecond
	acceptBackoffMax  = 50 * time.Millisecond
	acceptLogInterval = time.Minute
)

// accept takes connections until the listener is closed. No other error ends
// it: out of descriptors or memory, it waits a moment and goes on.
func (s *Server) accept(l Listener) {
	backoff := acceptBackoffMin
	for {
		raw, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			s.logAccept(err)
			time.Sleep(backoff)
			backoff = min(2*backoff, acceptBackoffMax)
			continue
		}
		backoff = acceptBackoffMin
		if !s.Limits.Enter() {
			s.Stats.Nobody.Ended(stats.Full)
			raw.Close()
			continue
		}
		s.conns.Go(func() {
			defer s.Limits.Leave()
			s.serve(raw, l.Port)
		})
	}
}
