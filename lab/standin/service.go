// Package standin is a stand-in for the messaging service: it speaks enough of
// WhatsApp's chat and media protocols for two unmodified client libraries to
// talk through it, and keeps every byte that it sees.
package standin

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"causeway/lab/record"
)

// maxSeen bounds the list of connections that Conns returns.
const maxSeen = 4096

// Service is the whole messaging service. New makes it; Chat and Media give it
// listeners; Close ends it.
type Service struct {
	// Tape holds what the service saw: the bytes of each connection as they
	// came and went, and what was left of them after the service's own
	// decryption (chat stanzas, HTTP requests and answers).
	Tape *record.Tape

	noise noiseIdentity
	web   webIdentity

	mu        sync.Mutex
	closed    bool
	listeners []net.Listener
	conns     map[net.Conn]bool
	devices   map[string]*device
	blobs     map[string][]byte
	seen      []Seen

	media    *http.Server
	handlers sync.RWMutex // read-held by each running media handler
	wg       sync.WaitGroup
}

// Seen is one connection as the service saw it arrive.
type Seen struct {
	Route   string `json:"route"`             // "chat" or "media"
	Header  int    `json:"header"`            // version of the PROXY header that came first, 0 if none
	Source  string `json:"source,omitempty"`  // the client's address according to the header
	Routed  bool   `json:"routed,omitempty"`  // an ED 00 01 prefix came first
	User    string `json:"user,omitempty"`    // who logged in, on chat
	SNI     string `json:"sni,omitempty"`     // the name asked for, on media
	Silent  bool   `json:"silent,omitempty"`  // it ended without a byte, as checks of health do
	Problem string `json:"problem,omitempty"` // why it ended before it was of use
}

// New makes a service with fresh keys and an empty tape.
func New() (*Service, error) {
	noise, err := newNoiseIdentity()
	if err != nil {
		return nil, fmt.Errorf("making the chat identity: %w", err)
	}
	web, err := newWebIdentity()
	if err != nil {
		return nil, fmt.Errorf("making the media identity: %w", err)
	}
	s := &Service{
		Tape:    &record.Tape{},
		noise:   noise,
		web:     web,
		conns:   make(map[net.Conn]bool),
		devices: make(map[string]*device),
		blobs:   make(map[string][]byte),
	}
	s.media = s.newMediaServer()
	return s, nil
}

// Root returns the public key that signs the chat certificates: what clients
// have to pin in place of WhatsApp's.
func (s *Service) Root() [32]byte { return s.noise.root }

// CAPEM returns the authority behind the media certificate, in PEM.
func (s *Service) CAPEM() []byte { return s.web.caPEM }

// CA returns the authority behind the media certificate.
func (s *Service) CA() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.web.caPEM)
	return pool
}

// Chat accepts chat connections on l until Close.
func (s *Service) Chat(l net.Listener) {
	s.own(l)
	s.wg.Go(func() {
		for number := 1; ; number++ {
			conn, err := accept(l)
			if err != nil {
				return
			}
			if !s.hold(conn) {
				return
			}
			s.wg.Go(func() {
				defer s.release(conn)
				s.serveChat(conn, fmt.Sprintf("chat %s #%d", l.Addr(), number))
			})
		}
	})
}

// Media accepts media connections (HTTPS) on l until Close.
func (s *Service) Media(l net.Listener) {
	s.own(l)
	s.wg.Go(func() {
		inner := tls.NewListener(&mediaListener{Listener: l, service: s}, s.web.config(s))
		// Serve always returns an error; Close is the only reason there is.
		_ = s.media.Serve(inner)
	})
}

// Close closes the listeners and the connections, and waits until nothing of
// the service runs any more.
func (s *Service) Close() error {
	s.mu.Lock()
	s.closed = true
	var errs []error
	for _, l := range s.listeners {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	for conn := range s.conns {
		conn.Close()
	}
	s.mu.Unlock()
	if err := s.media.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		errs = append(errs, err)
	}
	s.wg.Wait()
	s.handlers.Lock() // the server closes connections but does not wait for handlers
	defer s.handlers.Unlock()
	return errors.Join(errs...)
}

// Seen returns the connections so far, in the order in which they came to an
// identity (login or TLS name) or ended without one.
func (s *Service) Seen() []Seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Seen(nil), s.seen...)
}

func (s *Service) saw(one Seen) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.seen) < maxSeen {
		s.seen = append(s.seen, one)
	}
}

func (s *Service) own(l net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners = append(s.listeners, l)
	if s.closed {
		l.Close()
	}
}

// hold remembers conn so that Close can end it; false means it is closed
// already.
func (s *Service) hold(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		conn.Close()
		return false
	}
	s.conns[conn] = true
	return true
}

func (s *Service) release(conn net.Conn) {
	s.mu.Lock()
	delete(s.conns, conn)
	s.mu.Unlock()
	conn.Close()
}

// accept is Accept that waits out a passing shortage of descriptors.
func accept(l net.Listener) (net.Conn, error) {
	for {
		conn, err := l.Accept()
		if err == nil || errors.Is(err, net.ErrClosed) {
			return conn, err
		}
		var passing net.Error
		if !errors.As(err, &passing) || !passing.Timeout() {
			return nil, err
		}
		time.Sleep(10 * time.Millisecond)
	}
}
