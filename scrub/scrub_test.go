package scrub

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestString(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"203.0.113.45", "[address]"},
		{"from 203.0.113.45 to", "from [address] to"},
		{"203.0.113.45:40000", "[address]"},
		{"dial tcp 203.0.113.45:443: connect: connection refused", "dial tcp [address]: connect: connection refused"},
		{"read tcp 10.0.0.1:443->203.0.113.45:40000: i/o timeout", "read tcp [address]->[address]: i/o timeout"},
		{"read tcp [::1]:443->[2001:db8::9]:40000: reset", "read tcp [address]->[address]: reset"},
		{"write tcp [fe80::1%eth0]:443->[fe80::2%eth0]:1: x", "write tcp [address]->[address]: x"},
		{"2001:db8::1", "[address]"},
		{"2001:DB8:0:0:8:800:200C:417A.", "[address]."},
		{"2001:db8:1:2:3:4:5:6", "[address]"},
		{"at 2001:db8::1: refused", "at [address]: refused"},
		{"2001:db8::", "[address]"},
		{"::ffff:203.0.113.45", "[address]"},
		{"[::ffff:203.0.113.45]:443", "[address]"},
		{"::ffff:203.0.113.45:443", "[address]"},
		{"64:ff9b::203.0.113.45", "[address]"},
		{"::", "[address]"},
		{"[::]:443", "[address]"},
		{"fe80::1%eth0", "[address]"},
		{"fe80::1%25en0", "[address]"},
		{"https://203.0.113.45:8443/x?y=1", "https://[address]/x?y=1"},
		{"https://[2001:db8::1]:8443/x", "https://[address]/x"},
		{"https://[fe80::1%25eth0]/x", "https://[address]/x"},
		{"ip=2001%3Adb8%3A%3A1&x=1", "ip=[address]&x=1"},
		{"%5B2001%3adb8%3a%3a1%5D%3A443", "[address]"},
		{"%255B2001%253Adb8%253A%253A1%255D", "[address]"},
		{"203%2E0%2E113%2E45", "[address]"},
		{"host-203-0-113-45.example.net", "host-[address].example.net"},
		{"ip203_0_113_45", "ip[address]"},
		{"lookup 45.113.0.203.in-addr.arpa", "lookup [address].in-addr.arpa"},
		{"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", "[address].ip6.arpa"},
		{`{"remote":"203.0.113.45:40000"}`, `{"remote":"[address]"}`},
		{"203.0.113.45,2001:db8::1;203.0.113.46", "[address],[address];[address]"},
		{"203.0.113.45:80:abc:", "[address]:abc:"},
		{"abc203.0.113.45def", "abc[address]def"},
		{"203.0.113.0/24", "[address]/24"},
		{"{ip:[203 0 113 45] port:443}", "{ip:[address] port:443}"},
		{"net.IP{0xcb, 0x0, 0x71, 0x2d}", "net.IP{[address]}"},
		{"aa:bb:cc:dd:ee:ff", "[address]"},
		{"12:34:203.0.113.45", "[address]"},
		{"12:34:56.203.0.113.45", "[address]"},
		{"1:2:3.4:203.0.113.45", "1:2:3.4:[address]"},
		{"12:34:56%203.0.113.45", "12:34:56%[address]"},
		{"\xff203.0.113.45\xfe", "\xff[address]\xfe"},
		{"http: TLS handshake error from 203.0.113.45:40000: EOF", "http: TLS handshake error from [address]: EOF"},
	} {
		if got := String(c.in); got != c.want {
			t.Errorf("%q: got %q, want %q", c.in, got, c.want)
		}
	}
}

func TestStringLeaves(t *testing.T) {
	for _, s := range []string{
		"12:34:56",
		"at 12:34:56: started",
		"at:12:34:56",
		"2026/11/23 03:30:12.123456 started",
		"2026-11-23T03:30:12.123Z",
		"2026-11-23T03:30:12+03:30",
		"1h2m3.5s",
		"took 30s, 12ms, 1.5µs",
		"listening on :443 and :587",
		"dialing g.whatsapp.net:5222: connection refused",
		"TLS 1.3, go1.26.8, causeway v0.1.2",
		"main.go:12:34: undefined",
		"upstream media: ready",
		"read:be: cafe",
		"about 1,000 people, 99.9 %",
		"100% done",
		"a-b-c 2026-11-23",
		"chatPort=443&mediaPort=587",
		"sha256:deadbeef",
		"کازوی: آماده",
	} {
		if got := String(s); got != s {
			t.Errorf("got %q, want %q unchanged", got, s)
		}
	}
}

func TestStringKeepsNoDistinctiveNetworkError(t *testing.T) {
	src := &net.TCPAddr{IP: net.ParseIP("203.0.113.45"), Port: 40000}
	dst := &net.TCPAddr{IP: net.ParseIP("2001:db8:77::1"), Port: 443, Zone: "eth0"}
	op := &net.OpError{Op: "read", Net: "tcp", Source: src, Addr: dst, Err: net.UnknownNetworkError("x")}
	link := &url.Error{Op: "Get", URL: "https://[2001:db8:77::1%25eth0]:8443/", Err: op}
	for _, s := range []string{
		op.Error(), link.Error(), src.String(), dst.String(),
		fmt.Sprint(src.IP), fmt.Sprintf("%#v", src.IP), fmt.Sprint([]byte(src.IP)),
		fmt.Sprint(struct{ ip net.IP }{src.IP}),
		(&net.AddrError{Err: "missing port in address", Addr: "203.0.113.45"}).Error(),
		(&net.DNSError{Err: "no such host", Name: "203.0.113.45", Server: "[2001:db8:77::1]:53"}).Error(),
		(&net.ParseError{Type: "CIDR address", Text: "203.0.113.45/99"}).Error(),
	} {
		got := String(s)
		for _, part := range []string{"203", "113", "45", "40000", "2001", "db8", "77", "eth0", "0xcb"} {
			if strings.Contains(got, part) {
				t.Errorf("%q: got %q, which tells %q", s, got, part)
			}
		}
	}
}

// survivor returns a part of s that is an address, "" if there is none.
func survivor(s string) string {
	const longest = len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255")
	for i := range len(s) {
		for j := i + 2; j <= min(len(s), i+longest); j++ {
			if _, err := netip.ParseAddr(s[i:j]); err == nil {
				return s[i:j]
			}
		}
	}
	return ""
}

func TestNoAddressSurvives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.SampledFrom([]int{4, 16}).Draw(t, "size")
		addr, _ := netip.AddrFromSlice(rapid.SliceOfN(rapid.Byte(), size, size).Draw(t, "address"))
		port := rapid.Uint16().Draw(t, "port")
		a := addr.String()
		form := rapid.SampledFrom([]string{
			a, netip.AddrPortFrom(addr, port).String(), addr.StringExpanded(), strings.ToUpper(a), "::ffff:" + a,
			url.QueryEscape(a), "[" + a + "]", "https://[" + a + "%25eth0]:1/",
			url.QueryEscape(url.QueryEscape("[" + a + "]:443")), fmt.Sprint(addr.As16()),
		}).Draw(t, "form")
		around := rapid.SampledFrom([]string{"", " ", ":", "::", "1", "a", "x", "12:34:56", ".", "-", "%", "[", "]", "->", "1.2.3"})
		text := around.Draw(t, "before") + form + around.Draw(t, "behind")
		got := String(text)
		if left := survivor(got); left != "" || strings.Contains(got, a) {
			t.Fatalf("%q: got %q, where %q is an address", text, got, left)
		}
		if unescaped, err := url.QueryUnescape(got); err == nil && survivor(unescaped) != "" {
			t.Fatalf("%q: got %q, where %q is an address when decoded", text, got, survivor(unescaped))
		}
	})
}

func FuzzString(f *testing.F) {
	for _, s := range []string{
		"read tcp 10.0.0.1:443->203.0.113.45:40000: i/o timeout", "[fe80::1%25eth0]:443", "2001%3Adb8%3A%3A1",
		"1:2:3.4:5::6", "12:34:56.1.2.3", "::ffff:1.2.3.4:443", "1.2.3.4::1", "a:b:1.2.3.4", "203-0-113-45",
		"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", "1:2:3%1.2.3.4", ":::1:::", "%%3a3a::",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 400 {
			return // survivor takes every part
		}
		got := String(s)
		if left := survivor(got); left != "" {
			t.Fatalf("%q: got %q, where %q is an address", s, got, left)
		}
		if again := String(got); again != got {
			t.Fatalf("%q: got %q, and from that %q", s, got, again)
		}
	})
}
