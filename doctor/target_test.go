package doctor

import (
	"strings"
	"testing"

	"causeway/invite"
)

func TestParseTarget(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       invite.Link
		warnings   int
		refused    string // part of the error
	}{
		{"a name", "Proxy.Example", invite.Link{Host: "proxy.example", ChatPort: 443, MediaPort: 587, ChatTLS: true}, 0, ""},
		{"an address with a port", " 203.0.113.9:8443\n", invite.Link{Host: "203.0.113.9", ChatPort: 8443, MediaPort: 587, ChatTLS: true}, 0, ""},
		{"a message with a link", "Use this: https://wa.me/proxy?host=203.0.113.9&chatPort=8444&mediaPort=588&chatTLS=false thanks",
			invite.Link{Host: "203.0.113.9", ChatPort: 8444, MediaPort: 588}, 0, ""},
		{"a link with slips", "https://wa.me/proxy?host=h.example&ssl=true&chatTLS=True",
			invite.Link{Host: "h.example", ChatPort: 443, MediaPort: 587}, 2, ""},
		{"nothing", "", invite.Link{}, 0, "host"},
		{"another link", "https://example.org/", invite.Link{}, 0, "no link"},
		{"port 0", "h.example:0", invite.Link{}, 0, "ports"},
		{"port too high", "h.example:65536", invite.Link{}, 0, "65535"},
		{"port missing", "h.example:", invite.Link{}, 0, "65535"},
		{"IPv6", "2001:db8::1", invite.Link{}, 0, "65535"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseTarget(c.text)
			if c.refused != "" {
				if err == nil || !strings.Contains(err.Error(), c.refused) {
					t.Errorf("got %v, want an error with %q", err, c.refused)
				}
				return
			}
			if err != nil || got.Link != c.want || len(got.Warnings) != c.warnings {
				t.Errorf("got %+v, %v; want %+v with %d warnings", got, err, c.want, c.warnings)
			}
			for _, line := range got.checks() {
				if line.State != Warning || line.Try == "" {
					t.Errorf("got %+v, want a warning with a remedy", line)
				}
			}
		})
	}
}
