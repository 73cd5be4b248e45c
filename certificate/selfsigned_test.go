package certificate

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

var start = time.Date(2026, 11, 23, 3, 30, 0, 0, time.UTC)

// makeFor makes a certificate for one host, or for none if it is "".
func makeFor(dir, host string, now time.Time) (cert *tls.Certificate, warning, err error) {
	k := keeper{dir: dir, now: now}
	if host != "" {
		k.hosts = []string{host}
	}
	return k.get(nil)
}

func mustSelfSigned(t *testing.T, dir, host string, now time.Time) *tls.Certificate {
	t.Helper()
	cert, warning, err := makeFor(dir, host, now)
	if err != nil || warning != nil {
		t.Fatalf("warning %v, error %v", warning, err)
	}
	return cert
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func TestSelfSignedLooksOrdinary(t *testing.T) {
	long := strings.Repeat("a", 63) + ".example.org"
	for _, c := range []struct{ host, commonName, verify string }{
		{"", "localhost", "localhost"},
		{"proxy.example.org", "proxy.example.org", "proxy.example.org"},
		{"Proxy.Example.ORG.", "proxy.example.org", "proxy.example.org"},
		{"203.0.113.45", "203.0.113.45", "203.0.113.45"},
		{"2001:db8::1", "2001:db8::1", "[2001:db8::1]"},
		{"::ffff:203.0.113.45", "203.0.113.45", "203.0.113.45"},
		{long, "", long},
	} {
		leaf := mustSelfSigned(t, "", c.host, start).Leaf
		if leaf.Subject.CommonName != c.commonName {
			t.Errorf("%q: common name: got %q, want %q", c.host, leaf.Subject.CommonName, c.commonName)
		}
		if err := leaf.VerifyHostname(c.verify); err != nil {
			t.Errorf("%q: %v", c.host, err)
		}
		if n := len(leaf.DNSNames) + len(leaf.IPAddresses); n != 1 {
			t.Errorf("%q: got %d alternative names, want 1", c.host, n)
		}
		key, ok := leaf.PublicKey.(*ecdsa.PublicKey)
		if !ok || key.Curve != elliptic.P256() {
			t.Errorf("%q: key: got %T, want P-256", c.host, leaf.PublicKey)
		}
		if d := leaf.NotAfter.Sub(leaf.NotBefore); d != 365*24*time.Hour {
			t.Errorf("%q: validity: got %v, want 365 days", c.host, d)
		}
		if age := start.Sub(leaf.NotBefore); age < minAge || age > maxAge {
			t.Errorf("%q: age: got %v, want %v to %v", c.host, age, minAge, maxAge)
		}
		if bits := leaf.SerialNumber.BitLen(); bits < 64 || bits > 129 {
			t.Errorf("%q: serial number: got %d bits, want about 128", c.host, bits)
		}
		if leaf.IsCA || leaf.KeyUsage != x509.KeyUsageDigitalSignature || !slices.Equal(leaf.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}) {
			t.Errorf("%q: usages: got CA %v, %b, %v", c.host, leaf.IsCA, leaf.KeyUsage, leaf.ExtKeyUsage)
		}
	}
}

func TestSelfSignedRefusesHosts(t *testing.T) {
	for _, host := range []string{"a b", "ex_ample.org", "a..b", ".a", "münchen.example", "\u212a.example", "a/b", "[::1]", "a:443", strings.Repeat("a.", 127) + "a"} {
		dir := t.TempDir()
		if _, _, err := makeFor(dir, host, start); err == nil {
			t.Errorf("%q: got no error", host)
		}
		if list := names(t, dir); len(list) != 0 {
			t.Errorf("%q: left %q", host, list)
		}
	}
}

func TestSelfSignedStays(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	first := mustSelfSigned(t, dir, "proxy.example.org", start)
	again := mustSelfSigned(t, dir, "proxy.example.org", start.Add(100*day))
	if !bytes.Equal(first.Certificate[0], again.Certificate[0]) {
		t.Error("a second start made another certificate")
	}
	if got, want := names(t, dir), []string{"cert.pem", "key.pem"}; !slices.Equal(got, want) {
		t.Errorf("files: got %q, want %q", got, want)
	}
	if runtime.GOOS == "windows" {
		return
	}
	for name, want := range map[string]fs.FileMode{"": 0o700, "cert.pem": 0o644, "key.pem": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("mode of %q: got %v, %v, want %v", name, info.Mode().Perm(), err, want)
		}
	}
}

func TestSelfSignedKeepsItsKey(t *testing.T) {
	for _, c := range []struct {
		name, host string
		later      time.Duration
	}{
		{"when the host changes", "other.example.org", 0},
		{"when it nears its end", "proxy.example.org", 340 * day},
		{"when it has expired", "proxy.example.org", 1000 * day},
		{"when the clock was a year ahead", "proxy.example.org", -365 * day},
	} {
		dir := t.TempDir()
		first := mustSelfSigned(t, dir, "proxy.example.org", start)
		second := mustSelfSigned(t, dir, c.host, start.Add(c.later))
		if bytes.Equal(first.Certificate[0], second.Certificate[0]) {
			t.Errorf("%s: got the old certificate", c.name)
		}
		if !first.Leaf.PublicKey.(*ecdsa.PublicKey).Equal(second.Leaf.PublicKey) {
			t.Errorf("%s: the key changed", c.name)
		}
		third := mustSelfSigned(t, dir, c.host, start.Add(c.later))
		if !bytes.Equal(second.Certificate[0], third.Certificate[0]) {
			t.Errorf("%s: the new certificate was not saved", c.name)
		}
	}
}

func TestSelfSignedMendsBrokenFiles(t *testing.T) {
	otherDir := t.TempDir()
	mustSelfSigned(t, otherDir, "proxy.example.org", start)
	otherCert, err := os.ReadFile(filepath.Join(otherDir, certName))
	if err != nil {
		t.Fatal(err)
	}
	half := func(b []byte) []byte { return b[:len(b)/2] }
	for _, c := range []struct {
		name, file string
		change     func([]byte) []byte // nil removes the file
		aside      []string
		sameKey    bool
	}{
		{"truncated certificate", certName, half, []string{certName}, true},
		{"empty certificate", certName, func([]byte) []byte { return nil }, []string{certName}, true},
		{"certificate of another key", certName, func([]byte) []byte { return otherCert }, []string{certName}, true},
		{"no certificate", certName, nil, nil, true},
		{"truncated key", keyName, half, []string{certName, keyName}, false},
		{"empty key", keyName, func([]byte) []byte { return nil }, []string{certName, keyName}, false},
		{"garbage for a key", keyName, func([]byte) []byte { return []byte("\x00garbage") }, []string{certName, keyName}, false},
		{"no key", keyName, nil, []string{certName}, false},
	} {
		dir := t.TempDir()
		first := mustSelfSigned(t, dir, "proxy.example.org", start)
		name := filepath.Join(dir, c.file)
		before, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		if c.change != nil {
			before = c.change(before)
			if err := os.WriteFile(name, before, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cert, warning, err := makeFor(dir, "proxy.example.org", start)
		if err != nil || cert == nil || (warning == nil) != (len(c.aside) == 0) {
			t.Errorf("%s: got warning %v, error %v", c.name, warning, err)
			continue
		}
		if got := first.Leaf.PublicKey.(*ecdsa.PublicKey).Equal(cert.Leaf.PublicKey); got != c.sameKey {
			t.Errorf("%s: same key: got %v, want %v", c.name, got, c.sameKey)
		}
		for _, file := range c.aside {
			kept, err := os.ReadFile(filepath.Join(dir, file+".broken-20261123T033000Z"))
			if err != nil || file == c.file && !bytes.Equal(kept, before) {
				t.Errorf("%s: %s was not kept aside: %v", c.name, file, err)
			}
		}
		if again := mustSelfSigned(t, dir, "proxy.example.org", start); !bytes.Equal(again.Certificate[0], cert.Certificate[0]) {
			t.Errorf("%s: not mended for the next start", c.name)
		}
	}
}

func TestSelfSignedForSeveralHosts(t *testing.T) {
	dir := t.TempDir()
	both := keeper{dir: dir, now: start, hosts: []string{"proxy.example.org", "192.0.2.1"}}
	first, warning, err := both.get(nil)
	if err != nil || warning != nil {
		t.Fatalf("warning %v, error %v", warning, err)
	}
	for _, host := range both.hosts {
		if err := first.Leaf.VerifyHostname(host); err != nil {
			t.Error(err)
		}
	}
	if again, _, _ := both.get(nil); !again.Leaf.Equal(first.Leaf) {
		t.Error("made anew for the same hosts")
	}
	one := mustSelfSigned(t, dir, "proxy.example.org", start)
	if one.Leaf.VerifyHostname("192.0.2.1") == nil {
		t.Error("a host that was dropped is still in the certificate")
	}
}
