package certificate

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// Source holds the certificate in use. Fill in either CertFile and KeyFile or
// Dir, call Reload, and give GetCertificate to a tls.Config. Its methods may be
// called from several goroutines; its fields must not change after the first.
type Source struct {
	CertFile, KeyFile string // PEM files of the volunteer's; both or none

	Dir   string   // where the self-signed pair is kept; "" keeps it in memory only
	Hosts []string // host names and IP addresses for the self-signed one; none means localhost

	ACME *ACME // an ordinary certificate takes the self-signed one's place, see Keep; nil: none

	Now       func() time.Time                                       // nil: time.Now
	WriteFile func(name string, data []byte, mode fs.FileMode) error // nil: whole or not at all, and synced

	reloading sync.Mutex
	current   atomic.Pointer[tls.Certificate]
}

var errNotLoaded = errors.New("no certificate loaded yet")

// Kind is where a certificate is from.
type Kind string

// The kinds of certificate.
const (
	FromFiles  Kind = "files"       // the volunteer's own
	SelfSigned Kind = "self-signed" // WhatsApp takes it, Signal and browsers do not
	Ordinary   Kind = "ordinary"    // from a CA, by ACME
)

// Reload reads the files again, or renews the self-signed certificate if it has
// less than [RenewBefore] left; call it at start, on SIGHUP and once a day. It
// never waits for a CA: an ordinary certificate is what [Source.Keep] got. With
// err the certificate is the one from before, if any. A warning comes with a
// certificate in use and says what the volunteer should know about it, such as
// that it is expired or could not be saved.
func (s *Source) Reload() (warning, err error) {
	s.reloading.Lock()
	defer s.reloading.Unlock()
	if s.ACME != nil {
		if err := s.ACME.check(s); err != nil {
			return nil, err
		}
	}
	var cert *tls.Certificate
	switch {
	case s.CertFile != "" && s.KeyFile != "":
		cert, err = Load(s.CertFile, s.KeyFile)
		if err == nil && s.now().After(cert.Leaf.NotAfter) {
			warning = fmt.Errorf("%s expired on %s", s.CertFile, cert.Leaf.NotAfter.Format(time.DateOnly))
		}
	case s.CertFile != "" || s.KeyFile != "":
		err = errors.New("a certificate file and a key file belong together: one is missing")
	default:
		k := keeper{dir: s.Dir, hosts: s.Hosts, now: s.now(), write: s.WriteFile}
		cert, warning, err = k.get(s.current.Load())
	}
	if err != nil {
		return nil, err
	}
	s.current.Store(cert)
	if s.ACME != nil {
		warning = both(warning, s.ACME.read(s.Dir))
	}
	return warning, nil
}

// inUse is nil before the first Reload.
func (s *Source) inUse() *tls.Certificate {
	if s.ACME != nil {
		if cert := s.ACME.current.Load(); cert != nil {
			return cert
		}
	}
	return s.current.Load()
}

// Kind returns where the certificate in use is from, "" without one.
func (s *Source) Kind() Kind {
	cert := s.inUse()
	switch {
	case cert == nil:
		return ""
	case cert != s.current.Load():
		return Ordinary
	case s.CertFile != "":
		return FromFiles
	}
	return SelfSigned
}

// GetCertificate answers every ClientHello, whatever its SNI, with the same
// certificate, as a plain web server with one certificate does.
func (s *Source) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if cert := s.inUse(); cert != nil {
		return cert, nil
	}
	return nil, errNotLoaded
}

// NotAfter returns when the certificate in use ends, the zero time without one.
func (s *Source) NotAfter() time.Time {
	if cert := s.inUse(); cert != nil {
		return cert.Leaf.NotAfter
	}
	return time.Time{}
}

// DaysLeft returns the days until NotAfter, rounded down; negative once the
// certificate has expired, 0 without one.
func (s *Source) DaysLeft() int {
	end := s.NotAfter()
	if end.IsZero() {
		return 0
	}
	return int(math.Floor(end.Sub(s.now()).Hours() / 24))
}

func (s *Source) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}
