package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

const testName = "proxy.causeway.test"

// usual are the lifetimes of Let's Encrypt.
var usual = map[string]time.Duration{"classic": 90 * day, shortLived: 160 * time.Hour}

// dueAlways are so short that every look renews them.
var dueAlways = map[string]time.Duration{shortLived: 4 * time.Hour}

func newSource(t *testing.T, c *testCA, name string, j *journal) *Source {
	t.Helper()
	s := &Source{Dir: t.TempDir(), Hosts: []string{name}, ACME: &ACME{
		Name: name, CA: c.url, Roots: c.roots, Log: j.logger(), look: often, retry: often,
	}}
	return s
}

func mustReload(t *testing.T, s *Source) {
	t.Helper()
	if warning, err := s.Reload(); warning != nil || err != nil {
		t.Fatalf("got warning %v, error %v", warning, err)
	}
}

func isOrdinary(s *Source) func() bool { return func() bool { return s.Kind() == Ordinary } }

func TestOrdinaryCertificate(t *testing.T) {
	for _, c := range []struct {
		name, host string
		validity   map[string]time.Duration
		port80     bool // instead of tls-alpn-01
		keyType    KeyType
		days       int
		algorithm  x509.PublicKeyAlgorithm
	}{
		{"name by tls-alpn-01", testName, map[string]time.Duration{"classic": 90 * day}, false, "", 89, x509.ECDSA},
		{"name by http-01", testName, map[string]time.Duration{"classic": 90 * day}, true, P256, 89, x509.ECDSA},
		{"name with an RSA key", testName, map[string]time.Duration{"classic": 90 * day}, false, RSA2048, 89, x509.RSA},
		{"address by tls-alpn-01", "127.0.0.1", usual, false, "", 6, x509.ECDSA},
		{"address by http-01", "127.0.0.1", usual, true, "", 6, x509.ECDSA},
		{"address where there are no profiles", "127.0.0.1", map[string]time.Duration{"classic": 90 * day}, false, "", 89, x509.ECDSA},
	} {
		t.Run(c.name, func(t *testing.T) {
			var j journal
			ports := newSite(t)
			ca := newCA(t, ports, c.validity)
			s := newSource(t, ca, c.host, &j)
			s.ACME.KeyType, s.ACME.Port80, s.ACME.Email = c.keyType, c.port80, "volunteer@causeway.test"
			s.ACME.look = 0
			mustReload(t, s)
			ports.serve(t, s, !c.port80)
			if first := ports.shown(t, c.host); s.Kind() != SelfSigned || first.VerifyHostname(c.host) != nil {
				t.Errorf("at first: got %q, want a self-signed certificate for the host", s.Kind())
			}
			stop := keep(t, s)
			eventually(t, "ordinary", isOrdinary(s))
			stop()
			for _, sni := range []string{"", c.host, "g.whatsapp.net"} {
				leaf := ports.shown(t, sni)
				if leaf.PublicKeyAlgorithm != c.algorithm {
					t.Errorf("key: got %v, want %v", leaf.PublicKeyAlgorithm, c.algorithm)
				}
				if err := leaf.VerifyHostname(c.host); err != nil {
					t.Errorf("SNI %q: %v", sni, err)
				}
			}
			checkChain(t, s, ca)
			if s.DaysLeft() != c.days {
				t.Errorf("got %d days left, want %d", s.DaysLeft(), c.days)
			}
			checkModes(t, filepath.Join(s.Dir, acmeDir))
			if got := j.count("\n"); got != 1 || !strings.Contains(j.String(), "a new ordinary certificate is in use") {
				t.Errorf("log: got %q, want one line", j.String())
			}
			ca.does.Store(down)
			again := &Source{Dir: s.Dir, Hosts: s.Hosts, ACME: &ACME{Name: c.host, CA: ca.url}}
			mustReload(t, again)
			if again.Kind() != Ordinary || !again.NotAfter().Equal(s.NotAfter()) {
				t.Errorf("after a restart: got %q, want the same ordinary one", again.Kind())
			}
		})
	}
}

// checkChain verifies what is served as a browser does.
func checkChain(t *testing.T, s *Source, c *testCA) {
	t.Helper()
	cert, err := s.GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	between := x509.NewCertPool()
	for _, der := range cert.Certificate[1:] {
		issuer, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		between.AddCert(issuer)
	}
	if _, err := cert.Leaf.Verify(x509.VerifyOptions{Roots: c.trust, Intermediates: between, DNSName: s.ACME.Name}); err != nil {
		t.Error(err)
	}
}

func checkModes(t *testing.T, dir string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		return
	}
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if entry.IsDir() {
			want = 0o700
		}
		if info, err := entry.Info(); err != nil || info.Mode().Perm() != want {
			t.Errorf("mode of %s: got %v, %v, want %v", entry.Name(), info.Mode().Perm(), err, want)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestRenewalUnderOpenConnections(t *testing.T) {
	var j journal
	ports := newSite(t)
	ca := newCA(t, ports, dueAlways)
	s := newSource(t, ca, "127.0.0.1", &j)
	mustReload(t, s)
	ports.serve(t, s, true)
	var open []*tls.Conn
	join := func() *x509.Certificate {
		conn, err := ports.dial(t, &tls.Config{})
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, conn)
		return conn.ConnectionState().PeerCertificates[0]
	}
	for range 4 {
		join()
	}
	keep(t, s)
	eventually(t, "ordinary", isOrdinary(s))
	first := join()
	eventually(t, "renewed", func() bool { return !ports.shown(t, "").Equal(first) })
	second := join()
	eventually(t, "renewed again", func() bool { return !ports.shown(t, "").Equal(second) })
	for i, conn := range open {
		echoed := make([]byte, 5)
		if _, err := conn.Write([]byte("still")); err != nil {
			t.Errorf("connection %d was dropped: %v", i, err)
			continue
		}
		if _, err := io.ReadFull(conn, echoed); err != nil || string(echoed) != "still" {
			t.Errorf("connection %d was dropped: got %q, %v", i, echoed, err)
		}
	}
	if j.count("level=INFO") != j.count("\n") {
		t.Errorf("log: got %q, want nothing but new certificates", j.String())
	}
}

func TestRenewalRefused(t *testing.T) {
	var j journal
	ports := newSite(t)
	ca := newCA(t, ports, dueAlways)
	s := newSource(t, ca, "127.0.0.1", &j)
	mustReload(t, s)
	ports.serve(t, s, true)
	stop := keep(t, s)
	eventually(t, "ordinary", isOrdinary(s))
	ca.does.Store(refuses)
	eventually(t, "refused", func() bool { return ca.refused.Load() > 0 })
	old := ports.shown(t, "")
	eventually(t, "refused four times", func() bool { return ca.refused.Load() >= 4 })
	stop()
	const failed = "the certificate was not renewed; the old one stays in use"
	if got, most := j.count(failed), int(ca.refused.Load()); got != most && got != most-1 { // the last may have been stopped
		t.Errorf("got %d lines of %d refusals, want one each", got, most)
	}
	if j.count("will not do") == 0 || j.count(planted) != 0 || j.count("127.0.0.1") != 0 {
		t.Errorf("log: got %q, want the CA's reason without addresses", j.String())
	}
	if !ports.shown(t, "").Equal(old) {
		t.Error("the old certificate is not in use any more")
	}
	s.Now = func() time.Time { return time.Now().Add(100 * day) }
	mustReload(t, s)
	if s.DaysLeft() != -100 || s.Kind() != Ordinary || !ports.shown(t, "").Equal(old) {
		t.Errorf("expired: got %d days left, %q, want -100 and the old one in use", s.DaysLeft(), s.Kind())
	}
}

func TestCADownAtStart(t *testing.T) {
	var j journal
	ports := newSite(t)
	ca := newCA(t, ports, usual)
	ca.does.Store(down)
	s := newSource(t, ca, testName, &j)
	mustReload(t, s)
	ports.serve(t, s, true)
	keep(t, s)
	eventually(t, "tried twice", func() bool { return j.count("no ordinary certificate yet") >= 2 })
	if got := ports.shown(t, testName).Issuer.CommonName; got != testName || s.Kind() != SelfSigned {
		t.Errorf("got %q of %q, want a self-signed certificate", s.Kind(), got)
	}
	ca.does.Store(answers)
	eventually(t, "ordinary", isOrdinary(s))
	if err := ports.shown(t, testName).CheckSignatureFrom(ports.shown(t, testName)); err == nil {
		t.Error("still self-signed")
	}
}

func TestWaitAfter(t *testing.T) {
	failure := errors.New("no")
	for _, c := range []struct {
		failures int
		err      error
		want     time.Duration
	}{
		{0, nil, time.Hour},
		{5, nil, time.Hour},
		{0, failure, time.Minute},
		{1, failure, 3 * time.Minute},
		{4, failure, 81 * time.Minute},
		{5, failure, 3 * time.Hour},
		{100, failure, 3 * time.Hour},
	} {
		if got := new(ACME).waitAfter(c.failures, c.err); got != c.want {
			t.Errorf("%d failures, then %v: got %v, want %v", c.failures, c.err, got, c.want)
		}
	}
}

func TestReloadRefuses(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		name   string
		source *Source
	}{
		{"no name", &Source{Dir: dir, ACME: &ACME{}}},
		{"name with a slash", &Source{Dir: dir, ACME: &ACME{Name: "a/b"}}},
		{"plain HTTP", &Source{Dir: dir, ACME: &ACME{Name: testName, CA: "http://ca.test/dir"}}},
		{"CA without a host", &Source{Dir: dir, ACME: &ACME{Name: testName, CA: "https:///dir"}}},
		{"unknown key type", &Source{Dir: dir, ACME: &ACME{Name: testName, KeyType: "rsa4096"}}},
		{"no folder", &Source{ACME: &ACME{Name: testName}}},
		{"files as well", &Source{Dir: dir, CertFile: "cert.pem", KeyFile: "key.pem", ACME: &ACME{Name: testName}}},
	} {
		if _, err := c.source.Reload(); err == nil {
			t.Errorf("%s: got no error", c.name)
		}
	}
}
