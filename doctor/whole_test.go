package doctor

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"

	"causeway/proxy"
	"causeway/proxyproto"
	"causeway/stats"
	"causeway/upstream"
)

// TestRemoteThroughTheProxy holds the checks against the real proxy, and the
// proxy against them: all is well only if each does its part.
func TestRemoteThroughTheProxy(t *testing.T) {
	for _, c := range []struct {
		name string
		down string // an upstream that is swallowed, "" for none
		want expect
	}{
		{"all fine", "", nil},
		{"media down", "whatsapp.net:443", expect{mediaProof: {Broken, ""}}},
		{"chat down", "g.whatsapp.net:5222", expect{chatProof: {Broken, ""}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStand(t)
				servers := map[string]netip.Addr{
					"g.whatsapp.net": netip.MustParseAddr("9.9.9.1"), "whatsapp.net": netip.MustParseAddr("9.9.9.2"),
					"chat.signal.org": netip.MustParseAddr("9.9.9.3"),
				}
				if host, port, err := net.SplitHostPort(c.down); err == nil {
					s.network.BlackHole(netip.MustParseAddrPort(servers[host].String()+":"+port), true)
				}
				s.listen(t, "9.9.9.1:5222", func(conn net.Conn) {
					if _, err := proxyproto.Read(conn); err == nil {
						s.answerNoise(conn)
					}
				})
				s.listen(t, "9.9.9.2:443", s.answerMedia)
				s.listen(t, "9.9.9.3:443", overTLS(s.media, hang))
				s.runProxy(t, servers)
				found := map[string]Check{}
				Remote{World: s.world(), Target: target(), Dial: s.dial}.Run(t.Context(), func(c Check) { found[c.Name] = c })
				c.want.compare(t, found)
			})
		})
	}
}

// runProxy runs a proxy on the default ports until the test ends.
func (s *stand) runProxy(t *testing.T, servers map[string]netip.Addr) {
	t.Helper()
	certificate := s.ca.sign(t, leaf(host), newKey(t))
	dialer := &upstream.Dialer{
		Lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
			if addr, ok := servers[host]; ok {
				return []netip.Addr{addr}, nil
			}
			return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
		},
		DialAddr: func(ctx context.Context, to netip.AddrPort) (net.Conn, error) { return s.dial(ctx, "tcp", to.String()) },
		Own:      func() []netip.Addr { return nil },
	}
	server := &proxy.Server{
		Certificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return certificate, nil },
		Upstream:    dialer,
		Site:        http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("a site")) }),
		Stats:       stats.New("test"),
		SendHeader:  proxyproto.V1,
	}
	ports := plan(t, "app")
	var listeners []proxy.Listener
	for i := range ports {
		l, err := s.network.Listen(net.JoinHostPort(host, number(ports[i].Listen)))
		if err != nil {
			t.Fatal(err)
		}
		listeners = append(listeners, proxy.Listener{Listener: l, Port: &ports[i]})
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var wg sync.WaitGroup
	wg.Go(func() { server.Run(ctx, ctx, listeners) })
	t.Cleanup(func() {
		stop()
		wg.Wait()
		dialer.Close()
	})
}
