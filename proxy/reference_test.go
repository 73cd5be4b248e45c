package proxy_test

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"causeway/memnet"
)

// The reference is the server that a stranger should take ours for: Go's own
// net/http with one certificate. docs/CAMOUFLAGE.md describes it.
func reference(certificate *tls.Certificate) *http.Server {
	return &http.Server{
		Handler:           testSite(),
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{*certificate}},
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		WriteTimeout:      10 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
}

// seen is all that a prober learns.
type seen struct {
	Got     string // bytes, as far as they are not random
	Records int    // TLS records, with those of the handshake
	End     string // how the connection ended
	After   time.Duration
	First   time.Duration // until the first byte of Got
}

// watched is how long a prober waits for an end.
const watched = 5 * time.Minute

// probe is one connection of a prober. In bytes to send, "FIN" ends the
// sending, "wait" lets a second pass and "tick" a millisecond.
type probe struct {
	name string
	tls  *tls.Config // nil: the bytes are sent without a handshake
	send []string
}

func (p probe) run(c *memnet.Conn) seen {
	began := time.Now()
	counted := &recordCounter{Conn: c}
	var conn halfCloser = counted
	if p.tls != nil {
		config := p.tls.Clone()
		config.InsecureSkipVerify = true
		session := tls.Client(counted, config)
		if err := session.Handshake(); err != nil {
			return seen{End: "handshake: " + err.Error(), After: time.Since(began)}
		}
		conn = session
	}
	go func() {
		for _, bytes := range p.send {
			switch bytes {
			case "FIN":
				conn.CloseWrite()
			case "wait":
				time.Sleep(time.Second)
			case "tick":
				time.Sleep(time.Millisecond)
			default:
				io.WriteString(conn, bytes)
			}
		}
	}()
	var s seen
	c.SetReadDeadline(began.Add(watched))
	got, buffer := []byte(nil), make([]byte, 4096)
	for {
		n, err := conn.Read(buffer)
		if n > 0 && len(got) == 0 {
			s.First = time.Since(began)
		}
		got = append(got, buffer[:n]...)
		if err != nil {
			s.End, s.After = kindOfEnd(err), time.Since(began)
			break
		}
	}
	s.Got = string(got)
	if p.tls == nil {
		s.Got = withoutRandom(got)
	}
	if !strings.HasPrefix(p.name, "h2: ") { // whose frames share records as it happens
		s.Records = counted.records
	}
	c.Close()
	return s
}

func kindOfEnd(err error) string {
	switch {
	case errors.Is(err, io.EOF):
		return "close_notify or FIN"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "FIN"
	case errors.Is(err, syscall.ECONNRESET):
		return "RST"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "open"
	}
	return err.Error()
}

// withoutRandom shows TLS records by type and length, since a ServerHello is
// random; an alert is shown whole.
func withoutRandom(b []byte) string {
	var shown strings.Builder
	for len(b) >= 5 && b[0] >= 20 && b[0] <= 24 && b[1] == 3 {
		n := min(int(binary.BigEndian.Uint16(b[3:])), len(b)-5)
		switch {
		case b[0] == 21:
			fmt.Fprintf(&shown, "[alert %x]", b[5:5+n])
		case b[0] == 23 && n >= 88 && n <= 98: // 70 to 72 bytes in a CertificateVerify
			fmt.Fprintf(&shown, "[an ECDSA signature]")
		default:
			fmt.Fprintf(&shown, "[%d, %d bytes]", b[0], n)
		}
		b = b[5+n:]
	}
	return shown.String() + string(b)
}

// recordCounter counts the TLS records that come from a server.
type recordCounter struct {
	*memnet.Conn
	records int
	skip    int
	header  []byte
}

func (c *recordCounter) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	for _, b := range p[:n] {
		if c.skip > 0 {
			c.skip--
			continue
		}
		if c.header = append(c.header, b); len(c.header) == 5 {
			c.records++
			c.skip = int(binary.BigEndian.Uint16(c.header[3:]))
			c.header = nil
		}
	}
	return n, err
}

// emptyPools drops what HTTP/2 keeps for its next request, channels among it:
// they belong to the synctest bubble of the last one.
func emptyPools() {
	runtime.GC()
	runtime.GC() // the first only sets them aside
}

// atReference runs a probe against the reference, in a world of its own.
func atReference(t *testing.T, certificate *tls.Certificate, p probe) (s seen) {
	emptyPools()
	synctest.Test(t, func(t *testing.T) {
		var network memnet.Network
		l, err := network.Listen("203.0.113.9:443")
		if err != nil {
			t.Fatal(err)
		}
		server := reference(certificate)
		server.ErrorLog = nothing
		go server.ServeTLS(l, "", "")
		synctest.Wait()
		s = p.at(t, &network)
		server.Close()
		time.Sleep(time.Second)
	})
	return s
}

func (p probe) at(t *testing.T, network *memnet.Network) seen {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	c, err := network.Dial(ctx, phone, netip.MustParseAddrPort("203.0.113.9:443"))
	if err != nil {
		t.Fatal(err)
	}
	return p.run(c)
}

// atOurs runs a probe against the proxy, which admits nobody or everybody.
func atOurs(t *testing.T, p probe, admitted bool) (s seen) {
	emptyPools()
	inWorld(t, func(w *world) {
		w.server.Admitted = func(netip.Addr) bool { return admitted }
	}, func(t *testing.T, w *world) {
		s = p.at(t, &w.net)
	})
	return s
}

func TestAStrangerMeetsTheReference(t *testing.T) {
	certificate := selfSigned(t)
	for _, p := range probes(t) {
		t.Run(p.name, func(t *testing.T) {
			want := atReference(t, certificate, p)
			if got := atOurs(t, p, false); got != want {
				t.Errorf("not admitted:\n got %+v\nwant %+v", got, want)
			}
			if why, known := tellsOpen[strings.TrimPrefix(strings.TrimPrefix(p.name, "TLS, http/1.1: "), "TLS: ")]; known {
				t.Logf("everybody admitted: not compared, %s", why)
				return
			}
			got := atOurs(t, p, true)
			if strings.HasPrefix(p.name, "h2: ") {
				got.First = want.First // as "h2: silence": nothing is said before the prober has spoken
			}
			if got != want {
				t.Errorf("everybody admitted:\n got %+v\nwant %+v", got, want)
			}
		})
	}
}

var _ net.Conn = (*recordCounter)(nil)
