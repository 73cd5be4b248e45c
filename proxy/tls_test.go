package proxy_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"causeway/proxy"
	"causeway/sniff/snifftest"
)

// hello13 is a ClientHello that a TLS 1.3 server can answer, with further
// extensions.
func hello13(extensions ...[]byte) []byte {
	share := append([]byte{0, 36, 0, 0x1d, 0, 32, 9}, make([]byte, 31)...) // X25519
	return snifftest.Message(append([][]byte{
		snifftest.Extension(43, []byte{2, 3, 4}),          // TLS 1.3
		snifftest.Extension(10, []byte{0, 2, 0, 0x1d}),    // X25519
		snifftest.Extension(13, []byte{0, 4, 4, 3, 8, 4}), // ECDSA P-256, RSA-PSS
		snifftest.Extension(51, share),
	}, extensions...)...)
}

func TestTheAppPortAnswersOddClientHellos(t *testing.T) {
	sni := func(name string) []byte { return snifftest.ServerName(name) }
	cases := []struct {
		name    string
		hello   []byte // a message, in records of size
		size    int
		answers bool // with a ServerHello; else with an alert, or nothing
	}{
		{"no SNI", hello13(), 16384, true},
		{"an ordinary SNI", hello13(sni("proxy.example")), 16384, true},
		{"records of 1 byte", hello13(sni("proxy.example")), 1, true},
		{"records of 16 bytes", hello13(sni("proxy.example")), 16, true},
		{"upper case", hello13(sni("PROXY.EXAMPLE")), 16384, true},
		{"an IP address", hello13(sni("203.0.113.9")), 16384, true},
		{"255 characters", hello13(sni(strings.Repeat("a", 255))), 16384, true},
		{"raw UTF-8", hello13(sni("прокси.example")), 16384, true},
		{"GREASE and ECH", hello13(snifftest.Extension(0x0a0a, nil), snifftest.Extension(0xfe0d, make([]byte, 200))), 16384, true},
		{"15 KiB", hello13(snifftest.Extension(21, make([]byte, 15<<10))), 16384, true},
		// crypto/tls keeps to RFC 6066, section 3, and to RFC 8446, section 4.2.
		{"a trailing dot", hello13(sni("proxy.example.")), 16384, false},
		{"two SNI extensions", hello13(sni("a.example"), sni("b.example")), 16384, false},
		{"an empty SNI", hello13(sni("")), 16384, false},
		{"a lying SNI length", hello13(snifftest.Extension(0, []byte{0, 99, 0, 0, 4, 'a'})), 16384, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, nil, func(t *testing.T, w *world) {
				before := w.upstreamDials()
				conn := w.connect(phone, 443)
				conn.Write(snifftest.Records(c.size, c.hello))
				first := make([]byte, 6)
				_, err := io.ReadFull(conn, first)
				answered := err == nil && first[0] == 22 && first[5] == 2
				if answered != c.answers {
					t.Errorf("answered is %v (%x, %v), want %v", answered, first, err, c.answers)
				}
				conn.Close()
				if dials := w.upstreamDials() - before; dials != 0 {
					t.Errorf("%d dials", dials)
				}
			})
		})
	}
}

func TestFloodsOfRecordsAreBounded(t *testing.T) {
	floods := map[string][]byte{
		"empty records":        bytes.Repeat([]byte{22, 3, 1, 0, 0}, 400),
		"a 60 KiB hello":       snifftest.Records(16384, hello13(snifftest.Extension(21, make([]byte, 60<<10)))),
		"an endless handshake": append([]byte{22, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff}, make([]byte, 1<<20)...),
		"SSLv2":                {0x80, 0x2e, 1, 0, 2, 0, 0x15, 0, 0, 0, 0x10},
		"change cipher first":  {20, 3, 3, 0, 1, 1},
		"a heartbeat":          {24, 3, 2, 0, 3, 1, 0x40, 0},
	}
	for name, sent := range floods {
		t.Run(name, func(t *testing.T) {
			inWorld(t, nil, func(t *testing.T, w *world) {
				w.serveAll()
				time.Sleep(10 * time.Second)
				before := w.upstreamDials()
				conn := w.connect(phone, 443)
				done := make(chan struct{})
				go func() {
					conn.Write(sent)
					close(done)
				}()
				got, after, _ := end(conn)
				conn.Close()
				<-done
				if after > proxy.HandshakeTime || len(got) > 4096 {
					t.Errorf("%d bytes back after %v", len(got), after)
				}
				if dials := w.upstreamDials() - before; dials != 0 {
					t.Errorf("%d dials", dials)
				}
			})
		})
	}
}

func TestPrefixesOfAGreetingNeverDial(t *testing.T) {
	inner := snifftest.Hello("chat.signal.org")
	for _, n := range []int{1, 5, 40, len(inner) - 1} {
		t.Run(fmt.Sprintf("%d bytes of Signal's", n), func(t *testing.T) {
			inWorld(t, nil, func(t *testing.T, w *world) {
				before := w.upstreamDials()
				conn, err := w.open(phone, 443, nil, nil)
				if err != nil {
					t.Fatal(err)
				}
				conn.Write(inner[:n])
				conn.CloseWrite()
				io.ReadAll(conn)
				conn.Close()
				if dials := w.upstreamDials() - before; dials != 0 {
					t.Errorf("%d dials", dials)
				}
			})
		})
	}
}

func TestAnAuthorityThatChecksTheNameIsAnswered(t *testing.T) {
	const acme = "acme-tls/1" // RFC 8737
	for _, admitted := range []bool{true, false} {
		t.Run(fmt.Sprintf("admitted %v", admitted), func(t *testing.T) {
			inWorld(t, func(w *world) {
				answer := &tls.Config{GetCertificate: w.server.Certificate, NextProtos: []string{acme}}
				w.server.Admitted = func(netip.Addr) bool { return admitted }
				w.server.Challenge = func(hello *tls.ClientHelloInfo) *tls.Config {
					if hello.ServerName == "proxy.example" && slices.Contains(hello.SupportedProtos, acme) {
						return answer
					}
					return nil
				}
			}, func(t *testing.T, w *world) {
				conn, err := w.open(phone, 443, nil, &tls.Config{ServerName: "proxy.example", NextProtos: []string{acme}})
				if err != nil {
					t.Fatal(err)
				}
				if got := conn.(*tls.Conn).ConnectionState().NegotiatedProtocol; got != acme {
					t.Errorf("got %q, want %q", got, acme)
				}
				conn.Close()
				if _, err := w.open(phone, 443, nil, &tls.Config{ServerName: "other.example", NextProtos: []string{acme}}); (err == nil) != admitted {
					t.Errorf("another name: got %v", err)
				}
			})
		})
	}
}

func TestSessionsAreResumedWhoeverWasAdmittedInBetween(t *testing.T) {
	var admitted atomic.Bool
	inWorld(t, func(w *world) {
		w.server.Admitted = func(netip.Addr) bool { return admitted.Load() }
	}, func(t *testing.T, w *world) {
		config := &tls.Config{ServerName: "proxy.example", ClientSessionCache: tls.NewLRUClientSessionCache(4)}
		for visit := range 4 {
			admitted.Store(visit%2 == 1)
			conn, err := w.open(phone, 443, nil, config)
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
			io.ReadAll(conn) // the ticket comes with the answer
			if resumed := conn.(*tls.Conn).ConnectionState().DidResume; resumed != (visit > 0) {
				t.Errorf("visit %d: resumed is %v", visit, resumed)
			}
			conn.Close()
		}
	})
}
