package certificate

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	pebbleca "github.com/letsencrypt/pebble/v2/ca"
	pebbledb "github.com/letsencrypt/pebble/v2/db"
	pebbleva "github.com/letsencrypt/pebble/v2/va"
	pebblewfe "github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"

	"causeway/scrub"
)

const (
	patience = 30 * time.Second      // for what has to happen
	often    = 20 * time.Millisecond // how often that is looked at

	planted = "203.0.113.45" // in what the CA says
)

// What a testCA does with requests.
const (
	answers int32 = iota
	down          // every connection breaks
	refuses       // every order, with an address in the reason
)

// testCA is Let's Encrypt's own test server, on loopback. It finds every name
// there.
type testCA struct {
	url     string
	roots   *x509.CertPool // of its own certificate
	trust   *x509.CertPool // of those that it gives
	does    atomic.Int32
	refused atomic.Int32 // orders
}

func newCA(t *testing.T, p *site, validity map[string]time.Duration) *testCA {
	t.Helper()
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	t.Setenv("PEBBLE_AUTHZREUSE", "0")
	profiles := map[string]pebbleca.Profile{}
	for name, d := range validity {
		profiles[name] = pebbleca.Profile{Description: name, ValidityPeriod: uint64(d / time.Second)}
	}
	quiet := log.New(io.Discard, "", 0)
	db := pebbledb.NewMemoryStore()
	authority := pebbleca.New(quiet, db, "", "ecdsa", 0, 1, profiles)
	validator := pebbleva.New(quiet, port(p.plain), port(p.secure), true, newDNS(t), db)
	front := pebblewfe.New(quiet, db, validator, authority, []string{"ca.test"}, true, false, 0, 0)
	handler := front.Handler()

	c := &testCA{roots: x509.NewCertPool(), trust: x509.NewCertPool()}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch does := c.does.Load(); {
		case does == down:
			panic(http.ErrAbortHandler)
		case does == refuses && r.URL.Path == "/order-plz":
			c.refused.Add(1)
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, `{"type":"urn:ietf:params:acme:error:rejectedIdentifier","detail":"`+planted+` will not do","status":403}`)
		default:
			handler.ServeHTTP(w, r)
		}
	}))
	server.Config.ErrorLog = quiet
	server.StartTLS()
	t.Cleanup(server.Close)
	c.url = server.URL + "/dir"
	c.roots.AddCert(server.Certificate())
	c.trust.AddCert(authority.GetRootCert(0).Cert)
	return c
}

// newDNS starts a name server for which every name is 127.0.0.1.
func newDNS(t *testing.T) (addr string) {
	listener := listen(t)
	server := &dns.Server{Listener: listener, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, question *dns.Msg) {
		answer := new(dns.Msg).SetReply(question)
		if q := question.Question[0]; q.Qtype == dns.TypeA {
			header := dns.RR_Header{Name: q.Name, Rrtype: dns.TypeA, Class: dns.ClassINET}
			answer.Answer = append(answer.Answer, &dns.A{Hdr: header, A: net.IPv4(127, 0, 0, 1)})
		}
		w.WriteMsg(answer)
	})}
	var serving sync.WaitGroup
	serving.Go(func() { server.ActivateAndServe() })
	t.Cleanup(func() { listener.Close(); serving.Wait() })
	return listener.Addr().String()
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener
}

func port(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

// site is a server's two ports: 443 echoes, 80 is a web site.
type site struct{ plain, secure net.Listener }

func newSite(t *testing.T) *site { return &site{plain: listen(t), secure: listen(t)} }

// serve answers on both ports until the test ends.
func (p *site) serve(t *testing.T, s *Source, alpn bool) {
	config := &tls.Config{GetCertificate: s.GetCertificate, NextProtos: []string{"http/1.1"}}
	if alpn {
		config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			return s.ChallengeConfig(hello), nil
		}
	}
	next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Error(w, "the site", http.StatusTeapot) })
	web := &http.Server{Handler: s.HTTPChallenge(next)}
	var serving sync.WaitGroup
	serving.Go(func() { web.Serve(p.plain) })
	serving.Go(func() {
		for {
			conn, err := p.secure.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				session := tls.Server(conn, config)
				io.Copy(session, session)
			})
		}
	})
	t.Cleanup(func() { web.Close(); p.secure.Close(); serving.Wait() })
}

func (p *site) dial(t *testing.T, config *tls.Config) (*tls.Conn, error) {
	t.Helper()
	config.InsecureSkipVerify = true
	conn, err := tls.Dial("tcp", p.secure.Addr().String(), config)
	if err == nil {
		t.Cleanup(func() { conn.Close() })
		conn.SetDeadline(time.Now().Add(patience))
	}
	return conn, err
}

// shown is the certificate that a client meets.
func (p *site) shown(t *testing.T, sni string) *x509.Certificate {
	t.Helper()
	conn, err := p.dial(t, &tls.Config{ServerName: sni})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0]
}

// keep runs Keep until stop, or the test's end.
func keep(t *testing.T, s *Source) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var keeping sync.WaitGroup
	keeping.Go(func() { s.Keep(ctx) })
	stop = func() { cancel(); keeping.Wait() }
	t.Cleanup(stop)
	return stop
}

func eventually(t *testing.T, what string, true func() bool) {
	t.Helper()
	ticker := time.NewTicker(often)
	defer ticker.Stop()
	for deadline := time.Now().Add(patience); !true(); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatalf("after %v: not %s", patience, what)
		}
	}
}

// journal is a log as the proxy keeps one: without addresses.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) logger() *slog.Logger {
	return slog.New(scrub.Handler(slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug})))
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func (j *journal) count(text string) int { return strings.Count(j.String(), text) }
