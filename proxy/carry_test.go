package proxy_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"causeway/memnet"
	"causeway/proxyproto"
	"causeway/sniff/snifftest"
)

func at(addr netip.Addr, port uint16) netip.AddrPort { return netip.AddrPortFrom(addr, port) }

// tlsHello is how media begins: the phone's own TLS, meant for the CDN.
func tlsHello() []byte { return snifftest.Hello("mmg.whatsapp.net") }

const realPhone = "192.0.2.77"

// fromBalancer is what a load balancer says of a phone.
func fromBalancer(v proxyproto.Version) []byte {
	return proxyproto.AppendHeader(nil, v, netip.MustParseAddrPort(realPhone+":40000"), netip.MustParseAddrPort("203.0.113.9:443"))
}

func TestEveryOfficialPortCarriesToItsServers(t *testing.T) {
	cases := []struct {
		port    uint16
		from    netip.Addr
		header  []byte
		media   bool
		address string // that WhatsApp is told
	}{
		{port: 443, from: phone, address: phone.String()},
		{port: 80, from: phone, address: phone.String()},
		{port: 5222, from: phone, address: phone.String()},
		{port: 8080, from: balancer, header: fromBalancer(proxyproto.V1), address: realPhone},
		{port: 8222, from: balancer, header: fromBalancer(proxyproto.V2), address: realPhone},
		{port: 8443, from: balancer, header: fromBalancer(proxyproto.V1), address: realPhone},
		{port: 587, from: phone, media: true},
		{port: 7777, from: phone, media: true},
	}
	for _, c := range cases {
		t.Run(fmt.Sprint(c.port), func(t *testing.T) {
			inWorld(t, nil, func(t *testing.T, w *world) {
				first, server := string(whatsAppHello), at(chatAddr, 5222)
				if c.media {
					first, server = string(tlsHello()), at(mediaAddr, 443)
				}
				got := w.record(server)
				conn, err := w.open(c.from, c.port, c.header, nil)
				if err != nil {
					t.Fatal(err)
				}
				io.WriteString(conn, first)
				io.WriteString(conn, "and more")
				conn.CloseWrite()
				answer, err := io.ReadAll(conn)
				if err != nil || string(answer) != "answer" {
					t.Errorf("the phone got %q, %v", answer, err)
				}
				conn.Close()
				arrived := <-got
				header, payload, _ := strings.Cut(arrived, "\r\n")
				if c.media {
					header, payload = "", arrived
				}
				if payload != first+"and more" {
					t.Errorf("the server got %q, want %q", payload, first+"and more")
				}
				if want := "PROXY TCP4 " + c.address + " 203.0.113.9 "; !c.media && !strings.HasPrefix(header, want) {
					t.Errorf("the server got the header %q, want %q...", header, want)
				}
			})
		})
	}
}

func TestTheHeaderForChatServersCanBeChosen(t *testing.T) {
	cases := []struct {
		version proxyproto.Version
		public  string
		want    string
	}{
		{proxyproto.V1, "", "PROXY TCP4 198.51.100.7 203.0.113.9 "},
		{proxyproto.V1, "192.0.2.200", "PROXY TCP4 198.51.100.7 192.0.2.200 "},
		{proxyproto.V1, "2001:db8::1", "PROXY TCP4 198.51.100.7 203.0.113.9 "},
		{proxyproto.V2, "", "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc6\x33\x64\x07\xcb\x00\x71\x09"},
		{proxyproto.Off, "", "WA\x06\x03"},
	}
	for _, c := range cases {
		t.Run(c.version.String()+" "+c.public, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.server.SendHeader = c.version
				if c.public != "" {
					w.server.Public = netip.MustParseAddr(c.public)
				}
			}, func(t *testing.T, w *world) {
				got := w.record(at(chatAddr, 5222))
				conn := w.connect(phone, 5222)
				conn.Write(whatsAppHello)
				conn.CloseWrite()
				io.ReadAll(conn)
				conn.Close()
				if arrived := <-got; !strings.HasPrefix(arrived, c.want) || !strings.HasSuffix(arrived, string(whatsAppHello)) {
					t.Errorf("got %q, want %q first and the phone's bytes last", arrived, c.want)
				}
			})
		})
	}
}

func TestTheAppGetsInWhateverItsTLSLooksLike(t *testing.T) {
	cases := map[string]*tls.Config{
		"no SNI and no ALPN":     {},
		"TLS 1.2":                {MaxVersion: tls.VersionTLS12},
		"SNI of the proxy":       {ServerName: "proxy.example"},
		"SNI of WhatsApp":        {ServerName: "g.whatsapp.net"},
		"ALPN http/1.1":          {NextProtos: []string{"http/1.1"}},
		"ALPN h2":                {NextProtos: []string{"h2"}},
		"ALPN h2 and http/1.1":   {NextProtos: []string{"h2", "http/1.1"}},
		"ALPN that nobody knows": {NextProtos: []string{"wa-chat"}},
	}
	for name, config := range cases {
		t.Run(name, func(t *testing.T) {
			inWorld(t, nil, func(t *testing.T, w *world) {
				got := w.record(at(chatAddr, 5222))
				conn, err := w.open(phone, 443, nil, config)
				if err != nil {
					t.Fatal(err)
				}
				for i := range whatsAppHello { // one TLS record each
					conn.Write(whatsAppHello[i : i+1])
				}
				conn.CloseWrite()
				if answer, err := io.ReadAll(conn); err != nil || string(answer) != "answer" {
					t.Errorf("the phone got %q, %v", answer, err)
				}
				conn.Close()
				if arrived := <-got; !strings.HasSuffix(arrived, string(whatsAppHello)) {
					t.Errorf("the server got %q", arrived)
				}
			})
		})
	}
}

func TestSignalIsCarriedByTheInnerServerName(t *testing.T) {
	for _, name := range []string{"chat.signal.org", "CHAT.Signal.org", "chat.signal.org."} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, nil, func(t *testing.T, w *world) {
				got := w.record(at(signalAddr, 443))
				conn, err := w.open(phone, 443, nil, nil)
				if err != nil {
					t.Fatal(err)
				}
				hello := snifftest.Hello(name)
				conn.Write(hello[:len(hello)/2])
				conn.Write(hello[len(hello)/2:])
				conn.CloseWrite()
				io.ReadAll(conn)
				conn.Close()
				if arrived := <-got; arrived != string(hello) {
					t.Errorf("the server got %q, want the inner hello and no header", arrived)
				}
			})
		})
	}
}

func TestResetsPassThroughTLSBothWays(t *testing.T) {
	t.Run("from the phone", func(t *testing.T) {
		inWorld(t, nil, func(t *testing.T, w *world) {
			failed := make(chan error, 1)
			w.serve(at(chatAddr, 5222), func(c *memnet.Conn, _ []byte) {
				_, err := io.Copy(io.Discard, c)
				failed <- err
			})
			raw := w.connect(phone, 443)
			conn := tls.Client(raw, &tls.Config{InsecureSkipVerify: true})
			conn.Write(whatsAppHello)
			time.Sleep(time.Second)
			raw.SetLinger(0)
			raw.Close()
			if err := <-failed; !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the server got %v, want a reset", err)
			}
		})
	})
	t.Run("from the server", func(t *testing.T) {
		inWorld(t, nil, func(t *testing.T, w *world) {
			w.serve(at(chatAddr, 5222), func(c *memnet.Conn, _ []byte) {
				c.SetLinger(0)
				c.Close()
			})
			conn, err := w.open(phone, 443, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			conn.Write(whatsAppHello)
			if _, err := io.ReadAll(conn); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the phone got %v, want a reset", err)
			}
			conn.Close()
		})
	})
}

func TestAnAnswerLongAfterThePhonesEOFArrives(t *testing.T) {
	for _, port := range []uint16{443, 5222} {
		t.Run(fmt.Sprint(port), func(t *testing.T) {
			inWorld(t, nil, func(t *testing.T, w *world) {
				w.serve(at(chatAddr, 5222), func(c *memnet.Conn, _ []byte) {
					io.Copy(io.Discard, c)
					time.Sleep(30 * time.Second)
					io.WriteString(c, "late answer")
				})
				conn, err := w.open(phone, port, nil, nil)
				if err != nil {
					t.Fatal(err)
				}
				conn.Write(whatsAppHello)
				conn.CloseWrite()
				if got, err := io.ReadAll(conn); err != nil || string(got) != "late answer" {
					t.Errorf("the phone got %q, %v", got, err)
				}
				conn.Close()
			})
		})
	}
}
