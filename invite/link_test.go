package invite

import (
	"slices"
	"strings"
	"testing"
)

func TestLinkString(t *testing.T) {
	for _, c := range []struct {
		link Link
		want string
	}{
		{Link{"203.0.113.45", 443, 587, true}, "https://wa.me/proxy?host=203.0.113.45&chatPort=443&mediaPort=587&chatTLS=true"},
		{Link{"proxy.example.org", 8444, 588, true}, "https://wa.me/proxy?host=proxy.example.org&chatPort=8444&mediaPort=588&chatTLS=true"},
		{Link{"a.example", 5222, 7777, false}, "https://wa.me/proxy?host=a.example&chatPort=5222&mediaPort=7777&chatTLS=false"},
		{Link{"a&ssl=1#", 1, 65535, false}, "https://wa.me/proxy?host=a%26ssl%3D1%23&chatPort=1&mediaPort=65535&chatTLS=false"},
	} {
		if got := c.link.String(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	if got, want := SignalLink("proxy.example.org"), "https://signal.tube/#proxy.example.org"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNewLink(t *testing.T) {
	long := strings.Repeat(strings.Repeat("a", 49)+".", 5)
	for _, c := range []struct {
		name, host, want string // want "": refused
	}{
		{"IPv4", "203.0.113.45", "203.0.113.45"},
		{"name", "proxy.example.org", "proxy.example.org"},
		{"upper case", "Proxy.Example.ORG", "proxy.example.org"},
		{"punycode", "xn--mnchen-3ya.example", "xn--mnchen-3ya.example"},
		{"one label", "router", "router"},
		{"digits in labels", "1.2.3.4.example", "1.2.3.4.example"},
		{"253 bytes", long + "aaa", long + "aaa"},
		{"254 bytes", long + "aaaa", ""},
		{"label of 64", strings.Repeat("a", 64) + ".org", ""},
		{"IPv6", "2001:db8::1", ""},
		{"IPv6 in brackets", "[2001:db8::1]", ""},
		{"with a port", "a.example:443", ""},
		{"nothing", "", ""},
		{"space", "a b", ""},
		{"trailing dot", "a.example.", ""},
		{"two dots", "a..b", ""},
		{"underscore", "a_b.example", ""},
		{"hyphen first", "-a.example", ""},
		{"hyphen last", "a-.example", ""},
		{"not ASCII", "münchen.example", ""},
		{"Kelvin sign, which folds to k", "\u212a.example", ""},
		{"URL", "https://a.example", ""},
		{"octal IPv4", "0177.1", ""},
		{"short IPv4", "127.1", ""},
		{"octet 256", "203.0.113.256", ""},
		{"markup", "a&b", ""},
	} {
		link, err := NewLink(c.host, 443, 587, true)
		if link.Host != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: got %q, %v, want %q", c.name, link.Host, err, c.want)
		}
	}
	if _, err := NewLink("2001:db8::1", 443, 587, true); err == nil || !strings.Contains(err.Error(), "colon") {
		t.Errorf("IPv6: got %v, want the reason", err)
	}
	for _, ports := range [][2]uint16{{0, 587}, {443, 0}} {
		if _, err := NewLink("a.example", ports[0], ports[1], true); err == nil {
			t.Errorf("ports %v: got no error", ports)
		}
	}
}

var parsed = []struct {
	name, text string
	want       Link
	warnings   []string // a part of each
}{
	{"plain", "https://wa.me/proxy?host=203.0.113.45&chatPort=443&mediaPort=587&chatTLS=true", Link{"203.0.113.45", 443, 587, true}, nil},
	{"other ports", "https://wa.me/proxy?host=a.example&chatPort=8444&mediaPort=588&chatTLS=1", Link{"a.example", 8444, 588, true}, nil},
	{"host only", "https://wa.me/proxy?host=a.example", Link{"a.example", 443, 587, true}, nil},
	{"other order", "https://wa.me/proxy?chatTLS=false&mediaPort=7777&host=a.example&chatPort=5222", Link{"a.example", 5222, 7777, false}, nil},
	{"TLS 0", "https://wa.me/proxy?host=a.example&chatTLS=0", Link{"a.example", 443, 587, false}, nil},
	{"TLS True", "https://wa.me/proxy?host=a.example&chatTLS=True", Link{"a.example", 443, 587, false}, []string{`"True" turns TLS off`}},
	{"TLS TRUE", "https://wa.me/proxy?host=a.example&chatTLS=TRUE", Link{"a.example", 443, 587, false}, []string{"off"}},
	{"TLS yes", "https://wa.me/proxy?host=a.example&chatTLS=yes", Link{"a.example", 443, 587, false}, []string{"off"}},
	{"TLS empty", "https://wa.me/proxy?host=a.example&chatTLS=", Link{"a.example", 443, 587, false}, []string{"off"}},
	{"ssl", "https://wa.me/proxy?host=a.example&ssl=false", Link{"a.example", 443, 587, true}, []string{"ssl is ignored"}},
	{"bad ports", "https://wa.me/proxy?host=a.example&chatPort=x&mediaPort=70000", Link{"a.example", 443, 587, true}, []string{"chatPort", "mediaPort"}},
	{"port 0 and empty", "https://wa.me/proxy?host=a.example&chatPort=0&mediaPort=", Link{"a.example", 443, 587, true}, []string{"chatPort", "mediaPort"}},
	{"port with a sign", "https://wa.me/proxy?host=a.example&chatPort=-1&mediaPort=%2B5", Link{"a.example", 443, 587, true}, []string{"chatPort", "mediaPort"}},
	{"ports in Persian digits", "https://wa.me/proxy?host=a.example&chatPort=%DB%B8%DB%B0", Link{"a.example", 443, 587, true}, []string{"chatPort"}},
	{"key unknown", "https://wa.me/proxy?host=a.example&utm=x", Link{"a.example", 443, 587, true}, []string{`"utm"`}},
	{"key in lower case", "https://wa.me/proxy?host=a.example&chatport=1", Link{"a.example", 443, 587, true}, []string{`"chatport"`}},
	{"host twice", "https://wa.me/proxy?host=a.example&host=b.example", Link{"a.example", 443, 587, true}, []string{"2 times"}},
	{"ampersand as in HTML", "https://wa.me/proxy?host=a.example&amp;chatPort=80", Link{"a.example", 443, 587, true}, []string{"amp;chatPort"}},
	{"fragment", "https://wa.me/proxy?host=a.example&chatTLS=true#x", Link{"a.example", 443, 587, true}, nil},
	{"empty parameters", "https://wa.me/proxy?&&host=a.example&", Link{"a.example", 443, 587, true}, nil},
	{"encoded host", "https://wa.me/proxy?host=a%2eexample", Link{"a.example", 443, 587, true}, nil},
	{"sentence before", "Use this proxy to connect to WhatsApp: https://wa.me/proxy?host=a.example&chatTLS=true", Link{"a.example", 443, 587, true}, nil},
	{"Persian sentence before, marks around", "برای اتصال به واتساپ:\n\u2066https://wa.me/proxy?host=a.example&chatTLS=true\u2069", Link{"a.example", 443, 587, true}, nil},
	{"sentence around", "(Use https://wa.me/proxy?host=a.example&chatTLS=true).", Link{"a.example", 443, 587, true}, nil},
	{"Arabic comma behind", "https://wa.me/proxy?host=a.example&chatTLS=true، ثم", Link{"a.example", 443, 587, true}, nil},
	{"two links", "https://wa.me/proxy?host=a.example https://wa.me/proxy?host=b.example", Link{"a.example", 443, 587, true}, []string{"more than one"}},
}

var unparsed = []struct{ name, text string }{
	{"nothing", ""},
	{"no link", "hello"},
	{"another site", "https://wa.me.example/proxy?host=a.example"},
	{"another page", "https://wa.me/4912345?host=a.example"},
	{"not https", "http://wa.me/proxy?host=a.example"},
	{"no host", "https://wa.me/proxy?chatPort=443"},
	{"empty host", "https://wa.me/proxy?host="},
	{"IPv6", "https://wa.me/proxy?host=2001:db8::1"},
	{"IPv6 in brackets", "https://wa.me/proxy?host=%5B2001:db8::1%5D"},
	{"port in the host", "https://wa.me/proxy?host=a.example:443"},
	{"host with a path", "https://wa.me/proxy?host=a.example/x"},
	{"bad escape", "https://wa.me/proxy?host=a.example&x=%zz"},
	{"too long", strings.Repeat("x", maxText) + "https://wa.me/proxy?host=a.example"},
}

func TestParseLink(t *testing.T) {
	for _, c := range parsed {
		got, warnings, err := ParseLink(c.text)
		if err != nil || got != c.want {
			t.Errorf("%s: got %+v, %v, want %+v", c.name, got, err, c.want)
		}
		if !slices.EqualFunc(warnings, c.warnings, strings.Contains) {
			t.Errorf("%s: warnings: got %q, want %q", c.name, warnings, c.warnings)
		}
	}
	for _, c := range unparsed {
		if got, _, err := ParseLink(c.text); err == nil || got != (Link{}) {
			t.Errorf("%s: got %+v, %v, want an error", c.name, got, err)
		}
	}
}

func FuzzParseLink(f *testing.F) {
	for _, c := range parsed {
		f.Add(c.text)
	}
	for _, c := range unparsed {
		f.Add(c.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		link, _, err := ParseLink(text)
		if err != nil {
			if link != (Link{}) {
				t.Fatalf("got %+v with %v", link, err)
			}
			return
		}
		if valid, err := NewLink(link.Host, link.ChatPort, link.MediaPort, link.ChatTLS); err != nil || valid != link {
			t.Fatalf("NewLink gives %+v, %v for %+v", valid, err, link)
		}
		again, warnings, err := ParseLink("text: " + link.String() + ".")
		if err != nil || again != link || len(warnings) > 0 {
			t.Fatalf("%+v parses back as %+v, %q, %v", link, again, warnings, err)
		}
	})
}
