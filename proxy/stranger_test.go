package proxy_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"causeway/proxy"
	"causeway/proxyproto"
	"causeway/sniff/snifftest"
	"causeway/stats"
)

// end reads a connection to its end and says what came, how it ended and when.
func end(c io.Reader) (got string, after time.Duration, err error) {
	began := time.Now()
	b, err := io.ReadAll(c)
	return string(b), time.Since(began), err
}

func TestBytesOfNoMessengerEndPlainPortsWithoutAWord(t *testing.T) {
	strangers := map[string]string{
		"SMTP":              "EHLO mail.example\r\n",
		"HTTP":              "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"CONNECT":           "CONNECT 127.0.0.1:22 HTTP/1.1\r\n\r\n",
		"SOCKS5":            "\x05\x01\x00",
		"XMPP":              "<?xml version='1.0'?><stream:stream>",
		"PROXY v1":          "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nWA\x06\x03",
		"nearly WhatsApp":   "WB\x06\x03",
		"another version":   "WA\x09\x03",
		"nearly routing":    "ED\x00\x02",
		"a kilobyte of AAA": strings.Repeat("A", 1024),
	}
	for name, sent := range strangers {
		for _, port := range []uint16{80, 5222, 587, 7777} {
			t.Run(fmt.Sprintf("%s on %d", name, port), func(t *testing.T) {
				inWorld(t, nil, func(t *testing.T, w *world) {
					before := w.upstreamDials()
					conn := w.connect(phone, port)
					io.WriteString(conn, sent)
					got, after, _ := end(conn)
					if got != "" || after > 0 {
						t.Errorf("got %q after %v, want nothing at once", got, after)
					}
					conn.Close()
					if dials := w.upstreamDials() - before; dials != 0 {
						t.Errorf("%d dials for a stranger", dials)
					}
					if n := w.server.Stats.Nobody.Count(stats.Stranger); n != 1 {
						t.Errorf("counted %d strangers, want 1", n)
					}
				})
			})
		}
	}
}

func TestSilenceEndsAtTheDeadlineOnEveryPort(t *testing.T) {
	cases := []struct {
		name string
		port uint16
		sent []byte
		want time.Duration
	}{
		{"plain chat", 5222, nil, proxy.HandshakeTime},
		{"half a greeting", 5222, []byte("W"), proxy.HandshakeTime},
		{"media", 587, nil, proxy.HandshakeTime},
		{"before TLS", 443, nil, proxy.HandshakeTime},
		{"half a ClientHello", 443, snifftest.Hello("x.example")[:40], proxy.HandshakeTime},
		{"before a PROXY header", 8222, nil, proxy.HeaderTime},
		{"half a PROXY header", 8222, []byte("PROXY TCP4 "), proxy.HeaderTime},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, nil, func(t *testing.T, w *world) {
				w.serveAll()
				time.Sleep(10 * time.Second)
				before := w.upstreamDials()
				conn := w.connect(balancer, c.port)
				conn.Write(c.sent)
				got, after, _ := end(conn)
				if got != "" || after != c.want {
					t.Errorf("got %q after %v, want nothing after %v", got, after, c.want)
				}
				conn.Close()
				if dials := w.upstreamDials() - before; dials != 0 {
					t.Errorf("%d dials", dials)
				}
			})
		})
	}
}

func TestSilenceAfterTLSEndsAtTheDeadline(t *testing.T) {
	inner := snifftest.Hello("chat.signal.org")
	for name, sent := range map[string]string{"nothing": "", "W": "W", "WA": "WA", "half of Signal's hello": string(inner[:len(inner)/2]), "half a request": "GET / HT"} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, nil, func(t *testing.T, w *world) {
				w.serveAll()
				time.Sleep(10 * time.Second)
				before := w.upstreamDials()
				conn, err := w.open(phone, 443, nil, nil)
				if err != nil {
					t.Fatal(err)
				}
				io.WriteString(conn, sent)
				want := ""
				if sent != "" { // net/http's answer to a request that did not end in time
					want = "HTTP/1.1 400 Bad Request\r\n"
				}
				if got, after, _ := end(conn); !strings.HasPrefix(got, want) || want == "" && got != "" || after != proxy.HandshakeTime {
					t.Errorf("got %q after %v, want %q after %v", got, after, want, proxy.HandshakeTime)
				}
				conn.Close()
				if dials := w.upstreamDials() - before; dials != 0 {
					t.Errorf("%d dials", dials)
				}
			})
		})
	}
}

func TestATrickleDoesNotStretchTheDeadline(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		conn := w.connect(phone, 443)
		var phone sync.WaitGroup
		defer phone.Wait()
		phone.Go(func() {
			for _, b := range snifftest.Hello("x.example") {
				if _, err := conn.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		})
		if _, after, _ := end(conn); after != proxy.HandshakeTime {
			t.Errorf("held %v, want %v", after, proxy.HandshakeTime)
		}
		conn.Close()
	})
}

func TestStrangersOn443MeetAWebServer(t *testing.T) {
	cases := []struct {
		name, sent string
		status     int
	}{
		{"a browser", "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 200},
		{"a browser that asks for more", "GET /more HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404},
		{"a proxy client", "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\nConnection: close\r\n\r\n", 200},
		{"a W that is no WhatsApp", "WATCH / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 200},
		{"noise", "\x00\x01\x02\x03\r\n\r\n", 400},
		{"SMTP", "EHLO mail.example\r\n\r\n", 400},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, nil, func(t *testing.T, w *world) {
				before := w.upstreamDials()
				conn, err := w.open(phone, 443, nil, nil)
				if err != nil {
					t.Fatal(err)
				}
				io.WriteString(conn, c.sent)
				response, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil {
					t.Fatal(err)
				}
				if response.StatusCode != c.status {
					t.Errorf("got %d, want %d", response.StatusCode, c.status)
				}
				conn.Close()
				if dials := w.upstreamDials() - before; dials != 0 {
					t.Errorf("%d dials for a stranger", dials)
				}
			})
		})
	}
}

func TestPlainHTTPOnTheTLSPortGetsNetHTTPsAnswer(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		conn := w.connect(phone, 443)
		io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		got, _, _ := end(conn)
		conn.Close()
		if !strings.HasPrefix(got, "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request") {
			t.Errorf("got %q", got)
		}
	})
}

func TestForeignInnerServerNamesAreNeverDialed(t *testing.T) {
	names := []string{
		"telegram.org", "g.whatsapp.net", "whatsapp.net", "signal.org", "www.signal.org", "xchat.signal.org",
		"chat.signal.org.evil.example", "evil.example", "127.0.0.1", "169.254.169.254", "localhost",
		"chat.signal.org..", ".chat.signal.org", "chat.signal.org:443", "chat.signal.org/", "chat.signal.org ",
		"chat.signal.org\x00.evil.example", "\x00chat.signal.org", "*.signal.org", "chat%2esignal.org", "chat_signal.org",
		"[::1]", "::1", "0", "2130706433", "0x7f.1", strings.Repeat("a", 64) + ".signal.org", strings.Repeat("a.", 126) + "org",
		"chat.signal.org,evil.example", "chat\u3002signal\u3002org", "ch\u0430t.signal.org", "", ".", "..", "chat.signal.org@evil.example", "CHAT.SIGNAL.ORG.EVIL.EXAMPLE",
	}
	for _, name := range names {
		t.Run(fmt.Sprintf("%q", name), func(t *testing.T) {
			inWorld(t, nil, func(t *testing.T, w *world) {
				before := w.net.AllDials()
				conn, err := w.open(phone, 443, nil, nil)
				if err != nil {
					t.Fatal(err)
				}
				conn.Write(snifftest.Hello(name))
				conn.CloseWrite()
				io.ReadAll(conn)
				conn.Close()
				if dials := w.net.AllDials() - before; dials != 1 { // the phone's own
					t.Errorf("%d dials, want none", dials-1)
				}
			})
		})
	}
}

func TestPROXYHeadersAreTakenFromTrustedSendersOnly(t *testing.T) {
	good := fromBalancer(proxyproto.V1)
	cases := []struct {
		name    string
		trusted bool
		sent    []byte
		carried bool
	}{
		{"a good header", true, good, true},
		{"a good header from anybody", false, good, false},
		{"UNKNOWN", true, []byte("PROXY UNKNOWN\r\n"), true},
		{"UNKNOWN with text", true, []byte("PROXY UNKNOWN whatever it says\r\n"), true},
		{"no header", true, nil, false},
		{"LF only", true, []byte("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n"), false},
		{"port 70000", true, []byte("PROXY TCP4 1.2.3.4 5.6.7.8 70000 2\r\n"), false},
		{"an octal address", true, []byte("PROXY TCP4 0177.1 5.6.7.8 1 2\r\n"), false},
		{"lower case", true, []byte("proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n"), false},
		{"a second header", true, append(bytes.Clone(good), good...), false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, nil, func(t *testing.T, w *world) {
				got := w.record(at(chatAddr, 5222))
				before := w.upstreamDials()
				from := phone
				if c.trusted {
					from = balancer
				}
				conn := w.connect(from, 8222)
				for _, b := range c.sent { // in the smallest segments
					conn.Write([]byte{b})
				}
				conn.Write(whatsAppHello)
				conn.CloseWrite()
				answer, _, err := end(conn)
				conn.Close()
				if c.carried {
					<-got
				}
				if carried := answer == "answer"; carried != c.carried {
					t.Errorf("carried is %v, want %v", carried, c.carried)
				}
				if c.carried {
					return
				}
				if c.name != "a second header" && !errors.Is(err, syscall.ECONNRESET) {
					t.Errorf("ended by %v, want a reset", err)
				}
				if dials := w.upstreamDials() - before; dials != 0 {
					t.Errorf("%d dials", dials)
				}
			})
		})
	}
}

func TestTLSThatFailsIsNotDialedFor(t *testing.T) {
	cases := map[string][]byte{
		"garbage":               bytes.Repeat([]byte{0xfe}, 600),
		"a record too long":     {0x16, 3, 1, 0xff, 0xff, 1},
		"an alert first":        {0x15, 3, 1, 0, 2, 1, 0},
		"application data":      {0x17, 3, 3, 0, 1, 0},
		"a lying hello length":  {0x16, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff},
		"WhatsApp without TLS":  whatsAppHello,
		"a hello, then garbage": append(snifftest.Hello("x.example"), bytes.Repeat([]byte{0xfe}, 600)...),
	}
	for name, sent := range cases {
		t.Run(name, func(t *testing.T) {
			inWorld(t, nil, func(t *testing.T, w *world) {
				before := w.upstreamDials()
				conn := w.connect(phone, 443)
				conn.Write(sent)
				conn.CloseWrite()
				_, after, _ := end(conn)
				conn.Close()
				if dials := w.upstreamDials() - before; dials != 0 || after > proxy.HandshakeTime {
					t.Errorf("%d dials, held %v", dials, after)
				}
			})
		})
	}
}

func TestAnUnknownTLSClientIsNotToldAProtocol(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		for offered, want := range map[string]string{"http/1.1": "http/1.1", "wa-chat": ""} {
			conn, err := w.open(phone, 443, nil, &tls.Config{NextProtos: []string{offered}})
			if err != nil {
				t.Fatal(err)
			}
			if got := conn.(*tls.Conn).ConnectionState().NegotiatedProtocol; got != want {
				t.Errorf("offered %q: got %q, want %q", offered, got, want)
			}
			conn.Close()
		}
	})
}
