package cli

import (
	"log/slog"
	"testing"
)

func TestAnAuthorityIsAskedOnlyAboutAHostThatWasGiven(t *testing.T) {
	cases := []struct {
		name    string
		options serveOptions
		env     string
		asked   bool
	}{
		{"a public name", serveOptions{host: "proxy.causeway-example.org"}, "", true},
		{"a public address", serveOptions{host: "8.8.8.8"}, "", true},
		{"no host", serveOptions{}, "", false},
		{"the official image's variable", serveOptions{}, "8.8.8.8", false},
		{"a name for examples", serveOptions{host: "proxy.example"}, "", false},
		{"a private address", serveOptions{host: "10.0.0.1"}, "", false},
		{"another port", serveOptions{host: "proxy.causeway-example.org", portOffset: 8000}, "", false},
		{"off", serveOptions{host: "proxy.causeway-example.org", acmeCA: "off"}, "", false},
		{"a certificate of one's own", serveOptions{host: "proxy.causeway-example.org", cert: "c", key: "k"}, "", false},
		{"an authority of one's own", serveOptions{host: "10.0.0.1", acmeCA: "https://127.0.0.1:14000/dir"}, "", true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("PUBLIC_IP", c.env)
			o := c.options
			o.ports, o.messengers, o.proxyProtocol, o.state = "app", []string{"whatsapp"}, "v1", t.TempDir()
			p, err := o.check()
			if err != nil {
				t.Fatal(err)
			}
			if asked := p.acme(slog.New(slog.DiscardHandler)) != nil; asked != c.asked {
				t.Errorf("asked is %v, want %v", asked, c.asked)
			}
		})
	}
}
