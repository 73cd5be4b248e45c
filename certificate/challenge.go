package certificate

import (
	"context"
	"crypto/tls"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3"
	"github.com/mholt/acmez/v3/acme"
	"github.com/miekg/dns"
	"go.uber.org/zap"
)

// ChallengeConfig is the TLS configuration for a CA that is checking this very
// name by tls-alpn-01 (RFC 8737) right now, and nil for everyone else, always:
// call it in GetConfigForClient. A server that negotiated acme-tls/1 at other
// times would show strangers what keeps its certificate. Nothing follows the
// handshake.
func (s *Source) ChallengeConfig(hello *tls.ClientHelloInfo) *tls.Config {
	if s.ACME == nil {
		return nil
	}
	return s.ACME.challenge.config(hello)
}

// HTTPChallenge answers a CA that is checking the name by http-01 (RFC 8555
// §8.3) right now, and passes everything else on. It belongs on port 80.
func (s *Source) HTTPChallenge(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.ACME != nil && s.ACME.challenge.answer(w, r) {
			return
		}
		next.ServeHTTP(w, r)
	})
}

// solver holds the challenge under way: one at most, as there is one name.
type solver struct {
	current atomic.Pointer[proof]
}

// proof is what shows the CA that the name is ours.
type proof struct {
	acme.Challenge
	cert *tls.Certificate // for tls-alpn-01
	sni  string
}

// Present begins to answer a challenge.
func (s *solver) Present(_ context.Context, challenge acme.Challenge) error {
	p := &proof{Challenge: challenge}
	if challenge.Type == acme.ChallengeTypeTLSALPN01 {
		var err error
		if p.cert, err = acmez.TLSALPN01ChallengeCert(challenge); err != nil {
			return err
		}
		p.sni = challenge.Identifier.Value
		if challenge.Identifier.Type == "ip" { // RFC 8738 §6
			if p.sni, err = dns.ReverseAddr(p.sni); err != nil {
				return err
			}
			p.sni = strings.TrimSuffix(p.sni, ".")
		}
	}
	s.current.Store(p)
	return nil
}

// CleanUp ends that.
func (s *solver) CleanUp(context.Context, acme.Challenge) error {
	s.current.Store(nil)
	return nil
}

func (s *solver) config(hello *tls.ClientHelloInfo) *tls.Config {
	protocols := []string{acmez.ACMETLS1Protocol}
	p := s.current.Load()
	if p == nil || p.cert == nil || !strings.EqualFold(hello.ServerName, p.sni) || !slices.Equal(hello.SupportedProtos, protocols) {
		return nil
	}
	return &tls.Config{Certificates: []tls.Certificate{*p.cert}, NextProtos: protocols}
}

func (s *solver) answer(w http.ResponseWriter, r *http.Request) bool {
	p := s.current.Load()
	return p != nil && p.Type == acme.ChallengeTypeHTTP01 && certmagic.SolveHTTPChallenge(zap.NewNop(), w, r, p.Challenge)
}
