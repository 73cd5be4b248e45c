package certificate

import (
	"crypto/tls"
	"net/http"
	"strings"
	"testing"

	"github.com/mholt/acmez/v3/acme"
)

func TestStrangersSeeNoChallenge(t *testing.T) {
	ports := newSite(t)
	s := &Source{Dir: t.TempDir(), Hosts: []string{testName}, ACME: &ACME{Name: testName}}
	mustReload(t, s)
	ports.serve(t, s, true)
	if _, err := ports.dial(t, &tls.Config{ServerName: testName, NextProtos: []string{"acme-tls/1"}}); err == nil {
		t.Error("acme-tls/1 was negotiated though no CA is checking")
	}
	answer, err := http.Get("http://" + ports.plain.Addr().String() + "/.well-known/acme-challenge/token")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusTeapot {
		t.Errorf("got status %d, want the site's own", answer.StatusCode)
	}
	none := &Source{}
	none.Keep(t.Context())
	if none.ChallengeConfig(&tls.ClientHelloInfo{}) != nil || none.Kind() != "" {
		t.Error("a source without ACME has a challenge, or a kind")
	}
}

func TestOnlyTheCheckIsAnswered(t *testing.T) {
	for _, c := range []struct{ kind, name, sni string }{
		{"dns", testName, testName},
		{"ip", "192.0.2.7", "7.2.0.192.in-addr.arpa"},
		{"ip", "2001:db8::1", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"},
	} {
		s := &Source{ACME: &ACME{}}
		check := acme.Challenge{Type: acme.ChallengeTypeTLSALPN01, Identifier: acme.Identifier{Type: c.kind, Value: c.name}}
		if err := s.ACME.challenge.Present(t.Context(), check); err != nil {
			t.Fatal(err)
		}
		for _, hello := range []struct {
			what      string
			sni       string
			protocols []string
			want      bool
		}{
			{"the check", c.sni, []string{"acme-tls/1"}, true},
			{"the check in capitals", strings.ToUpper(c.sni), []string{"acme-tls/1"}, true},
			{"another name", "other.causeway.test", []string{"acme-tls/1"}, false},
			{"no name", "", []string{"acme-tls/1"}, false},
			{"no protocol", c.sni, nil, false},
			{"a browser", c.sni, []string{"h2", "http/1.1"}, false},
			{"a second protocol", c.sni, []string{"acme-tls/1", "h2"}, false},
		} {
			config := s.ChallengeConfig(&tls.ClientHelloInfo{ServerName: hello.sni, SupportedProtos: hello.protocols})
			if got := config != nil; got != hello.want {
				t.Errorf("%s, %s: answered: got %v, want %v", c.name, hello.what, got, hello.want)
			}
		}
		s.ACME.challenge.CleanUp(t.Context(), check)
		if s.ChallengeConfig(&tls.ClientHelloInfo{ServerName: c.sni, SupportedProtos: []string{"acme-tls/1"}}) != nil {
			t.Errorf("%s: answered after the check", c.name)
		}
	}
}
