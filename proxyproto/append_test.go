package proxyproto

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestAppendHeader(t *testing.T) {
	const sig = "0d0a0d0a000d0a515549540a"
	for _, c := range []struct {
		name   string
		header Header
		v1     string
		v2     string // in hex, without the signature
	}{
		{"IPv4", four, "PROXY TCP4 198.51.100.7 203.0.113.9 40000 443\r\n", "2111000cc6336407cb0071099c4001bb"},
		{"IPv6", six, "PROXY TCP6 2001:db8::7 2001:db8::9 40000 443\r\n",
			"2121002420010db800000000000000000000000720010db80000000000000000000000099c4001bb"},
		{"v4-mapped", pair("[::ffff:198.51.100.7]:40000", "203.0.113.9:443"),
			"PROXY TCP4 198.51.100.7 203.0.113.9 40000 443\r\n", "2111000cc6336407cb0071099c4001bb"},
		{"both v4-mapped", pair("[::ffff:198.51.100.7]:40000", "[::ffff:203.0.113.9]:443"),
			"PROXY TCP4 198.51.100.7 203.0.113.9 40000 443\r\n", "2111000cc6336407cb0071099c4001bb"},
		{"zones", pair("[2001:db8::7%eth0]:40000", "[2001:db8::9%2]:443"),
			"PROXY TCP6 2001:db8::7 2001:db8::9 40000 443\r\n",
			"2121002420010db800000000000000000000000720010db80000000000000000000000099c4001bb"},
		{"v4-mapped to IPv6", mixed, "PROXY TCP6 ::ffff:198.51.100.7 2001:db8::9 40000 443\r\n",
			"2121002400000000000000000000ffffc633640720010db80000000000000000000000099c4001bb"},
		{"families differ", pair("198.51.100.7:1", "[2001:db8::9]:443"), "PROXY UNKNOWN\r\n", "20000000"},
		{"nothing known", Header{}, "PROXY UNKNOWN\r\n", "20000000"},
		{"one unknown", Header{Source: four.Source}, "PROXY UNKNOWN\r\n", "20000000"},
	} {
		src, dst := c.header.Source, c.header.Destination
		if got := string(AppendHeader([]byte("x"), V1, src, dst)); got != "x"+c.v1 {
			t.Errorf("%s: got %q, want %q", c.name, got, "x"+c.v1)
		}
		if got := hex.EncodeToString(AppendHeader(nil, V2, src, dst)); got != sig+c.v2 {
			t.Errorf("%s: got %s, want %s", c.name, got, sig+c.v2)
		}
		if got := AppendHeader(nil, Off, src, dst); len(got) != 0 {
			t.Errorf("%s: off: got %q, want nothing", c.name, got)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.SampledFrom([]int{4, 16}).Draw(t, "size")
		addrPort := func(name string) netip.AddrPort {
			b := rapid.SliceOfN(rapid.Byte(), size, size).Draw(t, name)
			a, _ := netip.AddrFromSlice(b)
			return netip.AddrPortFrom(a, rapid.Uint16().Draw(t, name+" port"))
		}
		want := Header{addrPort("source"), addrPort("destination")}
		for _, v := range []Version{V1, V2} {
			header := AppendHeader(nil, v, want.Source, want.Destination)
			rest := strings.NewReader(string(header) + "!")
			got, err := Read(rest)
			if err != nil || unmapped(got) != unmapped(want) || rest.Len() != 1 {
				t.Fatalf("%v: got %v, %v, %d bytes left, want %v", v, got, err, rest.Len(), want)
			}
		}
	})
}

// unmapped undoes v4-mapping where AppendHeader does.
func unmapped(h Header) Header {
	src, dst := h.Source.Addr().Unmap(), h.Destination.Addr().Unmap()
	if !src.Is4() || !dst.Is4() {
		return h
	}
	return Header{netip.AddrPortFrom(src, h.Source.Port()), netip.AddrPortFrom(dst, h.Destination.Port())}
}

func TestParseVersion(t *testing.T) {
	for _, c := range []struct {
		in   string
		want Version
		ok   bool
	}{
		{"v1", V1, true}, {"v2", V2, true}, {"off", Off, true},
		{"", Off, false}, {"1", Off, false}, {"V1", Off, false}, {"v3", Off, false}, {"none", Off, false},
	} {
		got, err := ParseVersion(c.in)
		if got != c.want || (err == nil) != c.ok {
			t.Errorf("%q: got %v, %v, want %v", c.in, got, err, c.want)
		}
		if c.ok && got.String() != c.in {
			t.Errorf("%q: String gives %q", c.in, got.String())
		}
	}
}
