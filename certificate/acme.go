package certificate

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/caddyserver/certmagic"
)

// ACME says how an ordinary certificate is asked for (RFC 8555). It is always
// one certificate for one name, because one is shown to everybody. Certificate
// logs publish the name for good: never put into it what has to stay unknown,
// such as a random label that marks one group of people. Asking for one agrees
// to the terms of the CA.
type ACME struct {
	Name    string         // DNS name, or public IP address for a certificate of some days
	CA      string         // URL of the CA's directory, https; "" is Let's Encrypt
	Email   string         // told to the CA; "" is none
	KeyType KeyType        // "" is P256
	Port80  bool           // port 80 of Name leads to HTTPChallenge; port 443 always leads to ChallengeConfig
	Roots   *x509.CertPool // whom the CA's own certificate is from; nil: those of the system

	// Log is told of each certificate and each failed attempt; nil: nobody is.
	// The CA's answers name addresses, so its handler has to take them out.
	Log *slog.Logger

	look, retry time.Duration // 0: lookEvery, retryFirst

	challenge solver
	current   atomic.Pointer[tls.Certificate]
}

// KeyType is the kind of key in an ordinary certificate.
type KeyType string

// The kinds of key. RSA is for apps that take nothing else.
const (
	P256    KeyType = "p256" // ECDSA
	RSA2048 KeyType = "rsa2048"
)

const (
	// lookEvery is how often the time for renewal is looked for. A certificate
	// for an IP address lasts 160 h.
	lookEvery = time.Hour

	// After a failed attempt the next one waits for retryFirst, three times that,
	// and so on: Let's Encrypt takes five failures an hour for a name.
	retryFirst, retryMost = time.Minute, 3 * time.Hour

	// attemptTime bounds one attempt.
	attemptTime = 10 * time.Minute

	acmeDir = "acme" // in the state folder
)

// check says what is wrong with the fields.
func (a *ACME) check(s *Source) error {
	if s.CertFile != "" || s.KeyFile != "" {
		return errors.New("a certificate is either read from files or asked for")
	}
	if _, err := subject(a.Name); err != nil {
		return err
	}
	if u, err := url.Parse(a.directory()); err != nil || u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("CA directory %q: want a URL that begins with https://", a.CA)
	}
	if a.KeyType != "" && a.KeyType != P256 && a.KeyType != RSA2048 {
		return fmt.Errorf("key type %q: want %s or %s", a.KeyType, P256, RSA2048)
	}
	if s.Dir == "" {
		return errors.New("an ordinary certificate needs a folder to be kept in")
	}
	return nil
}

func (a *ACME) directory() string {
	if a.CA == "" {
		return certmagic.LetsEncryptProductionCA
	}
	return a.CA
}

// Keep asks for the ordinary certificate and renews it in time, until ctx ends;
// without ACME it returns at once. Call Reload before. What goes wrong is logged
// and tried again; the certificate in use stays, even if it has expired.
func (s *Source) Keep(ctx context.Context) {
	if s.ACME == nil {
		return
	}
	a, failures := s.ACME, 0
	authority := a.authority(s.Dir)
	for {
		err := authority.attempt(ctx)
		if ctx.Err() != nil {
			return
		}
		wait := a.waitAfter(failures, err)
		a.report(s, err, wait)
		failures++
		if err == nil {
			failures = 0
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// waitAfter is how long to wait after an attempt and so many failures before it.
func (a *ACME) waitAfter(failures int, err error) time.Duration {
	look, wait := a.look, a.retry
	if look == 0 {
		look = lookEvery
	}
	if wait == 0 {
		wait = retryFirst
	}
	if err == nil {
		return look
	}
	for range failures {
		wait = min(3*wait, retryMost)
	}
	return wait
}

// report puts a new certificate to use and logs how an attempt went.
func (a *ACME) report(s *Source, err error, wait time.Duration) {
	before := a.current.Load()
	if reading := a.read(s.Dir); err == nil {
		err = reading
	}
	log := a.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	switch now := a.current.Load(); {
	case err != nil && now == nil:
		log.Warn("no ordinary certificate yet; the self-signed one stays in use", "err", err, "again_in", wait)
	case err != nil:
		log.Error("the certificate was not renewed; the old one stays in use", "err", err, "days_left", s.DaysLeft(), "again_in", wait)
	case before == nil || !before.Leaf.Equal(now.Leaf):
		log.Info("a new ordinary certificate is in use", "days_left", s.DaysLeft())
	}
}

// read puts the stored certificate to use. That there is none yet is no error.
func (a *ACME) read(dir string) error {
	cert, err := a.authority(dir).stored()
	if err == nil {
		a.current.Store(cert)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (a *ACME) authority(dir string) *authority {
	name, _ := subject(a.Name) // check has seen it
	storage := storage{&certmagic.FileStorage{Path: filepath.Join(dir, acmeDir)}}
	return &authority{ACME: a, name: name, storage: storage}
}
