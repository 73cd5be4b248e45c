package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"causeway/invite"
	"causeway/noise"
)

// The proxy under test, on its default ports.
const host = "203.0.113.9"

func target() Target {
	return Target{Link: invite.Link{Host: host, ChatPort: 443, MediaPort: 587, ChatTLS: true}}
}

// proxied is what stands at the address; the cases spoil it.
type proxied struct {
	*stand
	target             Target
	certificate        *tls.Certificate
	chat, inner, site  handler // behind the TLS of the chat port
	chatPort, mediaAll handler // whole ports; nil refuses
	stats              handler
	world              World
}

func newProxied(t *testing.T) *proxied {
	s := newStand(t)
	p := &proxied{stand: s, target: target(), world: s.world()}
	p.certificate = s.ca.sign(t, leaf(host), newKey(t))
	p.chat, p.inner = s.answerNoise, overTLS(s.media, hang)
	p.site = says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
	p.chatPort = func(conn net.Conn) { overTLS(p.certificate, sorted(p.chat, p.inner, p.site))(conn) }
	p.mediaAll = s.answerMedia
	return p
}

func (p *proxied) check(t *testing.T) map[string]Check {
	t.Helper()
	for port, handle := range map[string]handler{"443": p.chatPort, "587": p.mediaAll, "8199": p.stats} {
		if handle != nil {
			p.listen(t, net.JoinHostPort(host, port), handle)
		}
	}
	start := time.Now()
	found := map[string]Check{}
	remote := Remote{World: p.world, Target: p.target, Dial: p.dial}
	remote.Run(t.Context(), func(c Check) { found[c.Name] = c })
	if took := time.Since(start); took > stepTime {
		t.Errorf("took %v, want at most %v", took, stepTime)
	}
	return found
}

// expect is a state and a part of what is found or to be tried, by name of the
// check. Where a case names none, the check has to be ok.
type expect map[string]struct {
	state State
	part  string
}

func (e expect) compare(t *testing.T, found map[string]Check) {
	t.Helper()
	for name := range e {
		if _, ok := found[name]; !ok {
			t.Errorf("no line about %q", name)
		}
	}
	for name, c := range found {
		want, ok := e[name]
		if !ok {
			want.state = OK
		}
		if c.State != want.state || !strings.Contains(c.What+" / "+c.Try, want.part) {
			t.Errorf("%s: got %s, %q, try %q; want %s with %q", name, c.State, c.What, c.Try, want.state, want.part)
		}
		if (c.State == Warning || c.State == Broken) && c.Try == "" {
			t.Errorf("%s: %s without anything to try", name, c.State)
		}
	}
}

func TestRemote(t *testing.T) {
	noChat := func(why string) expect {
		return expect{chatPort: {Broken, why}, chatCertificate: {Skipped, ""}, chatProof: {Skipped, ""},
			"Signal": {Skipped, "needs"}, siteName: {Skipped, "needs"}}
	}
	for _, c := range []struct {
		name  string
		spoil func(*testing.T, *proxied)
		want  expect
	}{
		{"all fine", func(*testing.T, *proxied) {}, nil},
		{"self-signed", func(t *testing.T, p *proxied) {
			p.certificate = (*authority)(nil).sign(t, leaf(host), newKey(t))
		}, expect{chatCertificate: {OK, "self-signed"}, "Signal": {Skipped, "refuses the proxy's certificate"}}},
		{"official image's certificate", func(t *testing.T, p *proxied) {
			p.certificate = officialCertificate(t)
		}, expect{chatCertificate: {Warning, "official image"}, "Signal": {Skipped, ""}}},
		{"certificate out of date", func(t *testing.T, p *proxied) {
			template := leaf(host)
			template.NotAfter = time.Now().Add(-time.Minute)
			p.certificate = p.ca.sign(t, template, newKey(t))
		}, expect{chatCertificate: {Warning, "dates"}, "Signal": {Skipped, ""}}},
		{"nobody listens for media", func(_ *testing.T, p *proxied) { p.mediaAll = nil },
			expect{mediaPort: {Broken, "refused"}, mediaProof: {Skipped, ""}}},
		{"media swallowed", func(_ *testing.T, p *proxied) {
			p.network.BlackHole(netip.MustParseAddrPort(host+":587"), true)
		}, expect{mediaPort: {Broken, "no answer in time"}, mediaProof: {Skipped, ""}}},
		{"media cut when its name shows", func(_ *testing.T, p *proxied) {
			p.mediaAll = func(conn net.Conn) {
				conn.Read(make([]byte, 4096))
				conn.(interface{ SetLinger(int) error }).SetLinger(0)
			}
		}, expect{mediaProof: {Broken, "reset"}}},
		{"media ends at the proxy's own TLS", func(_ *testing.T, p *proxied) { p.mediaAll = overTLS(p.certificate, hang) },
			expect{mediaProof: {Broken, "somebody else"}}},
		{"foreign root", func(_ *testing.T, p *proxied) { p.world.Root = new(noise.Root()) },
			expect{chatProof: {Broken, "somebody else"}}},
		{"chat swallowed", func(_ *testing.T, p *proxied) {
			p.network.BlackHole(netip.MustParseAddrPort(host+":443"), true)
		}, noChat("no answer in time")},
		{"nobody listens for chat", func(_ *testing.T, p *proxied) { p.chatPort = nil }, noChat("refused")},
		{"no TLS on the chat port", func(_ *testing.T, p *proxied) { p.chatPort = says("220 hello\r\n") },
			expect{chatCertificate: {Broken, "not TLS"}, chatProof: {Skipped, ""}, "Signal": {Skipped, ""}, siteName: {Warning, "not TLS"}}},
		{"the handshake hangs", func(_ *testing.T, p *proxied) { p.chatPort = hang },
			expect{chatCertificate: {Broken, "no answer in time"}, chatProof: {Skipped, ""}, "Signal": {Skipped, ""}, siteName: {Warning, "no answer"}}},
		{"the greeting meets silence", func(_ *testing.T, p *proxied) { p.chat = hang },
			expect{chatProof: {Broken, "no answer in time"}}},
		{"the greeting is hung up on", func(_ *testing.T, p *proxied) { p.chat = says("") },
			expect{chatProof: {Broken, "closed without an answer"}}},
		{"the reply is cut off", func(_ *testing.T, p *proxied) { p.chat = says("\x00\x01\x00\x1a") },
			expect{chatProof: {Broken, "cut off"}}},
		{"a web server answers the greeting", func(_ *testing.T, p *proxied) { p.chat = says("HTTP/1.1 400 Bad Request\r\n\r\n") },
			expect{chatProof: {Broken, "not WhatsApp's protocol"}}},
		{"a browser meets silence", func(_ *testing.T, p *proxied) { p.site = hang },
			expect{siteName: {Warning, "no answer in time"}}},
		{"a browser meets an error page", func(_ *testing.T, p *proxied) { p.site = says("HTTP/1.1 404 Not Found\r\n\r\n") },
			expect{siteName: {Warning, "404"}}},
		{"no Signal", func(_ *testing.T, p *proxied) { p.inner = p.site }, expect{"Signal": {Skipped, "not carried"}}},
		{"statistics open", func(_ *testing.T, p *proxied) { p.stats = p.site }, expect{statsName: {Warning, "anyone can read"}}},
		{"statistics behind a password", func(_ *testing.T, p *proxied) { p.stats = says("HTTP/1.1 401 Unauthorized\r\n\r\n") },
			expect{statsName: {OK, "shows strangers nothing"}}},
		{"chat without TLS", func(_ *testing.T, p *proxied) { p.target.ChatTLS, p.chatPort = false, p.chat },
			expect{chatCertificate: {Skipped, "without TLS"}, "Signal": {Skipped, ""}, siteName: {Warning, "first bytes"}}},
		{"this clock is wrong", func(_ *testing.T, p *proxied) {
			p.world.Now = func() time.Time { return time.Now().AddDate(1, 0, 0) }
		}, expect{chatCertificate: {Warning, "dates"}, mediaProof: {Warning, "2001-01-01"}, "Signal": {Skipped, ""}}},
		{"the name does not exist", func(_ *testing.T, p *proxied) { p.target.Host = "no-such.example" },
			expect{chatPort: {Broken, "does not exist"}, chatCertificate: {Skipped, ""}, chatProof: {Skipped, ""},
				mediaPort: {Broken, "spelling"}, mediaProof: {Skipped, ""}, "Signal": {Skipped, ""}, siteName: {Skipped, ""}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProxied(t)
				c.spoil(t, p)
				c.want.compare(t, p.check(t))
			})
		})
	}
}

func TestRemoteStopsWhenAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProxied(t)
		p.chat, p.site = hang, hang
		p.listen(t, host+":443", p.chatPort)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		Remote{World: p.world, Target: p.target, Dial: p.dial}.Run(ctx, nil)
		if took := time.Since(start); took != time.Second {
			t.Errorf("took %v, want 1s", took)
		}
	})
}

// officialCertificate is one as generate-certs.sh of the official image makes it.
func officialCertificate(t *testing.T) *tls.Certificate {
	t.Helper()
	ca := newAuthority(t, "q8ZkT2mVb4XwLc")
	return ca.sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "Zb7Qk2LxV9mTpR.net"}, SerialNumber: big.NewInt(3),
		NotBefore: time.Now(), NotAfter: time.Now().AddDate(10, 0, 0),
	}, newKey(t))
}

func TestKindOf(t *testing.T) {
	s := newStand(t)
	named := func(c *x509.Certificate, change func(*x509.Certificate)) *x509.Certificate {
		change(c)
		return c
	}
	unknown := newAuthority(t, "nobody knows it")
	for _, c := range []struct {
		name string
		cert *tls.Certificate
		want kind
	}{
		{"verifies", s.ca.sign(t, leaf("proxy.example"), newKey(t)), verifies},
		{"self-signed", (*authority)(nil).sign(t, leaf("proxy.example"), newKey(t)), selfSigned},
		{"official", officialCertificate(t), official},
		{"out of date", s.ca.sign(t, named(leaf("proxy.example"), func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = time.Now().AddDate(-1, 0, 0), time.Now().AddDate(0, -1, 0)
		}), newKey(t)), outdated},
		{"another name", s.ca.sign(t, leaf("other.example"), newKey(t)), otherName},
		{"unknown authority", unknown.sign(t, leaf("proxy.example"), newKey(t)), unknownCA},
		{"an ordinary .net of an unknown authority", unknown.sign(t, leaf("proxy.net"), newKey(t)), unknownCA},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := kindOf([]*x509.Certificate{c.cert.Leaf}, "proxy.example", s.world()); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}
