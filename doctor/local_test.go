package doctor

import (
	"context"
	"encoding/pem"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"causeway/messenger"
	"causeway/messenger/messengers"
	"causeway/noise"
	"causeway/proxy"
	"causeway/system"
	"causeway/upstream"
)

// The messengers' servers, one address for all names: ports tell them apart.
const (
	whatsappServer = "198.51.100.1"
	mediaServer    = "198.51.100.2"
	signalServer   = "198.51.100.3"
)

// whole is a machine where all is well; the cases spoil it.
type whole struct {
	*stand
	Local
	servers map[string]handler // by address
	lookup  map[string]string  // by host; "" fails; a host that is not here is public
}

func newWhole(t *testing.T) *whole {
	t.Helper()
	s := newStand(t)
	open, err := proxy.PlanPorts(messengers.All, "app", 0)
	if err != nil {
		t.Fatal(err)
	}
	w := &whole{stand: s, lookup: map[string]string{}}
	w.Local = Local{
		World: s.world(), Messengers: messengers.All, Ports: open, Admin: "127.0.0.1:8199",
		Dial: w.dialServers, Lookup: w.find,
		Listen:      func(_, address string) (net.Listener, error) { return s.network.Listen("203.0.113.9" + address) },
		Holder:      func(uint16) (string, int, bool) { return "", 0, false },
		Descriptors: func() (uint64, error) { return 131072, nil },
	}
	w.servers = map[string]handler{
		whatsappServer + ":5222": s.answerNoise, whatsappServer + ":443": s.answerNoise, whatsappServer + ":80": s.answerNoise,
		mediaServer + ":443":  s.answerMedia,
		signalServer + ":443": overTLS(s.media, hang), // any certificate: Signal's authority is not known here
	}
	return w
}

func (w *whole) find(_ context.Context, host string) ([]netip.Addr, error) {
	answer, spoiled := w.lookup[host]
	switch {
	case !spoiled:
		return []netip.Addr{netip.MustParseAddr("9.9.9.9")}, nil
	case answer == "":
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return []netip.Addr{netip.MustParseAddr("9.9.9.9"), netip.MustParseAddr(answer)}, nil
}

// dialServers dials the first endpoint that answers, as upstream.Dialer would.
func (w *whole) dialServers(ctx context.Context, to []upstream.Endpoint) (net.Conn, error) {
	places := map[string]string{
		"g.whatsapp.net": whatsappServer, "g-fallback.whatsapp.net": whatsappServer,
		"whatsapp.net": mediaServer, "chat.signal.org": signalServer,
	}
	var all []error
	for _, e := range to {
		conn, err := w.dial(ctx, "tcp", net.JoinHostPort(places[e.Host], number(e.Port)))
		if err == nil {
			return conn, nil
		}
		all = append(all, err)
	}
	return nil, errors.Join(all...)
}

func TestLocal(t *testing.T) {
	const chat = "WhatsApp chat, port "
	for _, c := range []struct {
		name  string
		spoil func(*testing.T, *whole)
		want  expect
	}{
		{"all fine", func(*testing.T, *whole) {}, expect{
			"port 443": {OK, "free"}, "port 587": {OK, "free"}, "open files": {OK, "65536 connections"}, "certificate": {OK, "none yet"},
			"what is exposed": {OK, "443 (WhatsApp chat, Signal tls, web site), 587 (WhatsApp media)"},
			"WhatsApp names":  {OK, "3 of 3"}, "Signal names": {OK, "13 of 13"},
			chat + "5222": {OK, "pinned key"}, chat + "443": {OK, "pinned key"}, chat + "80": {OK, "pinned key"},
			"WhatsApp media": {OK, "verifies"}, "Signal": {OK, "Signal's own CA"}, "clock": {OK, "fits"}}},
		{"a web server holds 443", func(t *testing.T, w *whole) {
			w.listen(t, "203.0.113.9:443", hang)
			w.Holder = func(uint16) (string, int, bool) { return "nginx", 812, true }
		}, expect{"port 443": {Broken, "nginx (process 812)"}}},
		{"nobody knows who holds 443", func(t *testing.T, w *whole) { w.listen(t, "203.0.113.9:443", hang) },
			expect{"port 443": {Broken, "another program"}}},
		{"causeway runs already", func(t *testing.T, w *whole) {
			w.listen(t, "203.0.113.9:443", hang)
			w.Holder = func(uint16) (string, int, bool) { return "causeway", 4711, true }
		}, expect{"port 443": {OK, "causeway itself (process 4711)"}}},
		{"low ports are not allowed", func(_ *testing.T, w *whole) { w.Listen = noListening(system.ErrForbidden) },
			expect{"port 443": {Warning, "may not open"}, "port 587": {Warning, "--port-offset 8000: the link will carry port 8587"}}},
		{"an address of another machine", func(_ *testing.T, w *whole) { w.Listen = noListening(syscall.EADDRNOTAVAIL) },
			expect{"port 443": {Broken, "--listen"}, "port 587": {Broken, "--listen"}}},
		{"few descriptors", func(_ *testing.T, w *whole) { w.Descriptors = func() (uint64, error) { return 256, nil } },
			expect{"open files": {Warning, "128 connections"}}},
		{"descriptors not known", func(_ *testing.T, w *whole) {
			w.Descriptors = func() (uint64, error) { return 0, syscall.ENOSYS }
		}, expect{"open files": {Skipped, ""}}},
		{"forged names", func(_ *testing.T, w *whole) { w.lookup["g.whatsapp.net"] = "10.10.34.35" },
			expect{"WhatsApp names": {Broken, "g.whatsapp.net leads to 10.10.34.35"}}},
		{"forged names in IPv6 clothes", func(_ *testing.T, w *whole) { w.lookup["g.whatsapp.net"] = "::ffff:127.0.0.1" },
			expect{"WhatsApp names": {Broken, "leads to 127.0.0.1"}}},
		{"private names where they are allowed", func(_ *testing.T, w *whole) {
			w.lookup["g.whatsapp.net"] = "10.10.34.35"
			w.Allow = func(netip.Addr) error { return nil }
		}, nil},
		{"no names at all", func(_ *testing.T, w *whole) {
			for _, m := range messengers.All {
				for _, host := range hosts(m) {
					w.lookup[host] = ""
				}
			}
		}, expect{"WhatsApp names": {Broken, "none of the 3"}, "Signal names": {Broken, "none of the 13"}}},
		{"one name missing", func(_ *testing.T, w *whole) { w.lookup["svrb.signal.org"] = "" },
			expect{"Signal names": {Warning, "svrb.signal.org"}}},
		{"5222 refused on the way out", func(_ *testing.T, w *whole) { delete(w.servers, whatsappServer+":5222") },
			expect{chat + "5222": {Warning, "refused; another port works"}}},
		{"5222 swallowed on the way out", func(_ *testing.T, w *whole) {
			w.network.BlackHole(netip.MustParseAddrPort(whatsappServer+":5222"), true)
		}, expect{chat + "5222": {Warning, "no answer in time; another port works"}}},
		{"chat unreachable, media fine", func(_ *testing.T, w *whole) {
			for _, port := range []string{":5222", ":443", ":80"} {
				w.network.BlackHole(netip.MustParseAddrPort(whatsappServer+port), true)
			}
		}, expect{chat + "5222": {Broken, "no answer"}, chat + "443": {Broken, "no answer"}, chat + "80": {Broken, "no answer"}}},
		{"chat connects and hangs", func(_ *testing.T, w *whole) {
			for _, port := range []string{":5222", ":443", ":80"} {
				w.servers[whatsappServer+port] = hang
			}
		}, expect{chat + "5222": {Broken, "something answers"}, chat + "443": {Broken, "no answer"}, chat + "80": {Broken, "no answer"}}},
		{"media unreachable, chat fine", func(_ *testing.T, w *whole) { delete(w.servers, mediaServer+":443") },
			expect{"WhatsApp media": {Broken, "refused"}}},
		{"an error of another kind", func(_ *testing.T, w *whole) {
			w.Dial = func(context.Context, []upstream.Endpoint) (net.Conn, error) {
				return nil, errors.New("odd 198.51.100.7")
			}
		}, expect{
			chat + "5222": {Broken, "cannot be reached: odd [address]"}, chat + "443": {Broken, "odd"}, chat + "80": {Broken, "odd"},
			"WhatsApp media": {Broken, "odd"}, "Signal": {Broken, "odd"}, "clock": {OK, "no server"}}},
		{"foreign root", func(_ *testing.T, w *whole) { w.Root = new(noise.Root()) }, expect{
			chat + "5222": {Broken, "between here"}, chat + "443": {Broken, "between here"}, chat + "80": {Broken, "between here"}}},
		{"a filter on one port", func(_ *testing.T, w *whole) {
			w.servers[whatsappServer+":80"] = says("HTTP/1.1 403 Forbidden\r\n\r\n")
		}, expect{chat + "80": {Warning, "not WhatsApp's protocol"}}},
		{"a filter opens TLS", func(t *testing.T, w *whole) {
			cert := newAuthority(t, "company").sign(t, leaf("*.whatsapp.net"), newKey(t))
			w.servers[mediaServer+":443"] = overTLS(cert, hang)
		}, expect{"WhatsApp media": {Broken, "between here"}}},
		{"no Signal", func(_ *testing.T, w *whole) { delete(w.servers, signalServer+":443") },
			expect{"Signal": {Broken, "refused"}}},
		{"WhatsApp only", func(_ *testing.T, w *whole) {
			w.Messengers = []*messenger.Messenger{messengers.All[0]}
			delete(w.servers, signalServer+":443")
		}, nil},
		{"the clock is a year ahead", func(_ *testing.T, w *whole) {
			w.Now = func() time.Time { return time.Now().AddDate(1, 0, 1) }
		}, expect{"WhatsApp media": {Broken, "2001-01-02"}, "clock": {Broken, "2001-01-02"}}},
		{"the clock is older than this program", func(_ *testing.T, w *whole) { w.Built = time.Now().Add(time.Hour) },
			expect{"clock": {Broken, "before this program was built"}}},
		{"everything official", func(t *testing.T, w *whole) {
			w.Ports = plan(t, "official")
		}, expect{"what is exposed": {Warning, "80, 5222, 7777, 8080, 8222, 8443"}}},
		{"loopback only", func(_ *testing.T, w *whole) {
			w.Address = "127.0.0.1"
			w.Listen = func(_, address string) (net.Listener, error) { return w.network.Listen(address) }
		}, expect{"what is exposed": {Warning, "only this machine itself"}}},
		{"metrics open to all", func(_ *testing.T, w *whole) { w.Admin = ":8199" },
			expect{"metrics": {Warning, "open to the network"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWhole(t)
				c.spoil(t, w)
				for address, handle := range w.servers {
					w.listen(t, address, handle)
				}
				start := time.Now()
				found := map[string]Check{}
				w.Run(t.Context(), func(c Check) { found[c.Name] = c })
				if took := time.Since(start); took > stepTime {
					t.Errorf("took %v, want at most %v", took, stepTime)
				}
				c.want.compare(t, found)
			})
		})
	}
}

func plan(t *testing.T, spec string) []proxy.Port {
	t.Helper()
	ports, err := proxy.PlanPorts(messengers.All, spec, 0)
	if err != nil {
		t.Fatal(err)
	}
	return ports
}

func noListening(err error) func(string, string) (net.Listener, error) {
	return func(string, string) (net.Listener, error) {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Err: err}
	}
}

func TestLocalCertificate(t *testing.T) {
	ca := newAuthority(t, "test authority")
	write := func(content []byte) string {
		file := filepath.Join(t.TempDir(), "cert.pem")
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	signed := func(a *authority, days int) []byte {
		template := leaf("proxy.example")
		template.NotBefore, template.NotAfter = time.Now().AddDate(0, 0, -90), time.Now().AddDate(0, 0, days).Add(time.Hour)
		cert := a.sign(t, template, newKey(t))
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]})
	}
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("not looked at")})

	for _, c := range []struct {
		name, file string
		state      State
		part       string
	}{
		{"none configured", "", OK, "none yet"},
		{"none made yet", filepath.Join(t.TempDir(), "cert.pem"), OK, "none yet"},
		{"a folder", t.TempDir(), Broken, "usual size"},
		{"not PEM", write([]byte("hello")), Broken, "no certificate"},
		{"a key only", write(key), Broken, "no certificate"},
		{"PEM of rubbish", write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})), Broken, "cannot be used"},
		{"signed, behind its key", write(append(key, signed(ca, 60)...)), OK, "60 days left; signed by an authority"},
		{"self-signed", write(signed(nil, 60)), OK, "60 days left; self-signed"},
		{"not renewed", write(signed(ca, 3)), Warning, "3 days left"},
		{"out of date", write(signed(ca, -3)), Broken, "out of date since"},
	} {
		t.Run(c.name, func(t *testing.T) {
			expect{"certificate": {c.state, c.part}}.compare(t, map[string]Check{
				"certificate": Local{CertFile: c.file}.certificate(t.Context())[0],
			})
		})
	}
}

func TestPortTakenForReal(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := netip.MustParseAddrPort(taken.Addr().String()).Port()
	local := Local{Address: "127.0.0.1"}
	if got := local.port(port); got.State != Broken || !strings.HasPrefix(got.What, "held by ") {
		t.Errorf("taken: got %+v, want it broken, with its holder", got)
	}
	taken.Close()
	if got := local.port(port); got.State != OK {
		t.Errorf("free: got %+v, want it ok", got)
	}
}
