package certificate

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var errFull = errors.New("no space left on device")

func TestSourceOnAFullDisk(t *testing.T) {
	now, full := start, true
	dir := t.TempDir()
	s := &Source{Dir: dir, Now: func() time.Time { return now }}
	s.WriteFile = func(name string, data []byte, mode fs.FileMode) error {
		if full {
			return errFull
		}
		return writeFile(name, data, mode)
	}
	reload := func(want error) *x509.Certificate {
		t.Helper()
		warning, err := s.Reload()
		if err != nil || !errors.Is(warning, want) {
			t.Fatalf("got warning %v, error %v, want warning %v", warning, err, want)
		}
		cert, err := s.GetCertificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		return cert.Leaf
	}
	first := reload(errFull)
	if second := reload(errFull); !first.Equal(second) {
		t.Error("a second try made another certificate")
	}
	now = start.Add(350 * day)
	renewed := reload(errFull)
	if first.Equal(renewed) || !first.PublicKey.(*ecdsa.PublicKey).Equal(renewed.PublicKey) {
		t.Error("not renewed in memory with the same key")
	}
	full = false
	if saved := reload(nil); !saved.Equal(renewed) {
		t.Error("saving made another certificate")
	}
	if stored := mustSelfSigned(t, dir, "", now); !stored.Leaf.Equal(renewed) {
		t.Error("not saved once there was space")
	}
}

// copyPair saves a self-signed pair as a volunteer's own files.
func copyPair(t *testing.T, dir, host string, now time.Time) (certFile, keyFile string) {
	t.Helper()
	mustSelfSigned(t, dir, host, now)
	return filepath.Join(dir, certName), filepath.Join(dir, keyName)
}

func TestSourceReload(t *testing.T) {
	dir, now := t.TempDir(), start
	certFile, keyFile := copyPair(t, dir, "one.example.org", start)
	s := &Source{CertFile: certFile, KeyFile: keyFile, Now: func() time.Time { return now }}
	if _, err := s.GetCertificate(nil); !errors.Is(err, errNotLoaded) {
		t.Errorf("before Reload: got %v, want %v", err, errNotLoaded)
	}
	if s.DaysLeft() != 0 || !s.NotAfter().IsZero() {
		t.Errorf("before Reload: got %d days, until %v", s.DaysLeft(), s.NotAfter())
	}
	inUse := func() string {
		cert, err := s.GetCertificate(&tls.ClientHelloInfo{ServerName: "g.whatsapp.net"})
		if err != nil {
			t.Fatal(err)
		}
		return cert.Leaf.Subject.CommonName
	}
	if warning, err := s.Reload(); warning != nil || err != nil {
		t.Fatalf("got warning %v, error %v", warning, err)
	}
	if got := inUse(); got != "one.example.org" {
		t.Errorf("got %q, want one.example.org", got)
	}
	if got := s.DaysLeft(); got < 344 || got > 363 {
		t.Errorf("got %d days left, want 344 to 363", got)
	}

	if err := os.WriteFile(certFile, []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Reload(); err == nil || !strings.Contains(err.Error(), certFile) {
		t.Errorf("a broken file: got %v, want an error that names it", err)
	}
	if got := inUse(); got != "one.example.org" {
		t.Errorf("after a broken file: got %q, want one.example.org", got)
	}

	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	copyPair(t, dir, "two.example.org", start)
	now = start.Add(400 * day)
	if warning, err := s.Reload(); warning == nil || err != nil {
		t.Errorf("expired: got warning %v, error %v, want a warning", warning, err)
	}
	if got := inUse(); got != "two.example.org" {
		t.Errorf("got %q, want two.example.org", got)
	}
	if got := s.DaysLeft(); got >= 0 {
		t.Errorf("expired: got %d days left, want less than 0", got)
	}
}

func TestLoadRefuses(t *testing.T) {
	certFile, keyFile := copyPair(t, t.TempDir(), "", start)
	otherCert, _ := copyPair(t, t.TempDir(), "", start)
	big := filepath.Join(t.TempDir(), "big")
	if err := os.WriteFile(big, make([]byte, maxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, cert, key string }{
		{"no such certificate", certFile + "x", keyFile},
		{"no such key", certFile, keyFile + "x"},
		{"key of another", otherCert, keyFile},
		{"changed round", keyFile, certFile},
		{"over 1 MiB", big, keyFile},
	} {
		if _, err := Load(c.cert, c.key); err == nil {
			t.Errorf("%s: got no error", c.name)
		}
	}
	for _, s := range []*Source{{CertFile: certFile}, {KeyFile: keyFile}} {
		if _, err := s.Reload(); err == nil {
			t.Errorf("half a pair %q, %q: got no error", s.CertFile, s.KeyFile)
		}
	}
}

func TestHandshakes(t *testing.T) {
	s := &Source{Hosts: []string{"proxy.example.org"}}
	if warning, err := s.Reload(); warning != nil || err != nil {
		t.Fatalf("got warning %v, error %v", warning, err)
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, sni := range []string{"", "proxy.example.org", "g.whatsapp.net", "unknown.example"} {
			near, far := net.Pipe()
			server := tls.Server(near, &tls.Config{GetCertificate: s.GetCertificate})
			done := make(chan error, 1)
			go func() { done <- server.Handshake() }()
			client := tls.Client(far, &tls.Config{ServerName: sni, InsecureSkipVerify: true, MinVersion: version, MaxVersion: version})
			if err := client.Handshake(); err != nil {
				t.Fatalf("%x, SNI %q: %v", version, sni, err)
			}
			if err := <-done; err != nil {
				t.Errorf("%x, SNI %q: server: %v", version, sni, err)
			}
			if got := client.ConnectionState().PeerCertificates[0].Subject.CommonName; got != "proxy.example.org" {
				t.Errorf("%x, SNI %q: got %q", version, sni, got)
			}
			near.Close()
			far.Close()
		}
	}
}

func TestReloadWhileInUse(t *testing.T) {
	s := &Source{Dir: t.TempDir()}
	if _, err := s.Reload(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 20 {
			if _, err := s.Reload(); err != nil {
				t.Error(err)
			}
		}
	}()
	for range 100 {
		if _, err := s.GetCertificate(nil); err != nil {
			t.Error(err)
		}
		s.DaysLeft()
	}
	<-done
}
