package upstream_test

import (
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"

	"causeway/upstream"
)

func TestCheck(t *testing.T) {
	tests := []struct {
		name   string
		addrs  []string
		public bool
	}{
		{"public", []string{"157.240.0.1", "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1",
			"169.253.255.255", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255"}, true},
		{"public IPv6", []string{"2a03:2880:f20e:c6:face:b00c:0:7260", "2000::1", "2001:200::1", "2001:4860:4860::8888", "3ffe::1"}, true},
		{"public, mapped", []string{"::ffff:157.240.0.1"}, true},
		{"public, NAT64", []string{"64:ff9b::9df0:1"}, true},
		{"public, 6to4", []string{"2002:9df0:1::1"}, true},

		{"invalid", []string{""}, false},
		{"unspecified", []string{"0.0.0.0", "::", "::ffff:0.0.0.0"}, false},
		{"this network", []string{"0.0.0.1", "0.255.255.255"}, false},
		{"private", []string{"10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255"}, false},
		{"loopback", []string{"127.0.0.1", "127.255.255.255", "::1"}, false},
		{"link-local", []string{"169.254.0.1", "169.254.169.254", "fe80::1", "febf::1", "fe80::1%eth0"}, false},
		{"carrier-grade NAT", []string{"100.64.0.0", "100.127.255.255"}, false},
		{"multicast", []string{"224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"}, false},
		{"protocol assignments", []string{"192.0.0.1", "192.0.0.170", "192.0.0.255"}, false},
		{"documentation", []string{"192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"}, false},
		{"6to4 relay", []string{"192.88.99.1"}, false},
		{"benchmark", []string{"198.18.0.0", "198.19.255.255", "2001:2::1"}, false},
		{"reserved", []string{"240.0.0.1", "255.255.255.254"}, false},
		{"broadcast", []string{"255.255.255.255"}, false},
		{"unique local", []string{"fc00::1", "fd00:ec2::254"}, false},
		{"site-local", []string{"fec0::1"}, false},
		{"discard", []string{"100::1"}, false},
		{"IPv4-compatible", []string{"::10.0.0.1", "::157.240.0.1"}, false},
		{"mapped", []string{"::ffff:10.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:100.64.0.1"}, false},
		{"NAT64", []string{"64:ff9b::a00:1", "64:ff9b::7f00:1", "64:ff9b::", "64:ff9b::a9fe:a9fe"}, false},
		{"local NAT64", []string{"64:ff9b:1::1", "64:ff9b:1:ffff:ffff:ffff:9df0:1"}, false},
		{"6to4", []string{"2002:a00:1::", "2002:7f00:1::1", "2002:c0a8:1::1", "2002::"}, false},
		{"Teredo", []string{"2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2"}, false},
		{"ORCHID", []string{"2001:10::1", "2001:20::1"}, false},
		{"segment routing", []string{"5f00::1"}, false},
		{"unassigned", []string{"4000::1", "8000::1", "e000::1"}, false},
		{"with a zone", []string{"2a03:2880::1%eth0"}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, text := range test.addrs {
				addr, _ := netip.ParseAddr(text)
				err := upstream.Check(addr)
				if (err == nil) != test.public || (err != nil && !errors.Is(err, upstream.ErrNotPublic)) {
					t.Errorf("%s: got %v, want public: %v", text, err, test.public)
				}
			}
		})
	}
}

func TestAllowPrivate(t *testing.T) {
	allowed := []string{"127.0.0.1", "10.0.0.1", "192.0.2.1", "::1", "fd00::1", "fe80::1%eth0", "::ffff:127.0.0.1", a4}
	refused := []string{"0.0.0.0", "::", "::ffff:0.0.0.0", "224.0.0.1", "239.255.255.250", "255.255.255.255", "ff02::1", "ff02::1%eth0", "::ffff:224.0.0.1", "64:ff9b::"}
	dialed := func(addr string) []string {
		w := &world{names: map[string]name{"g.example": {addrs: []string{addr}}}}
		synctest.Test(t, func(t *testing.T) {
			d := &upstream.Dialer{AllowPrivate: true, Lookup: w.lookup, DialAddr: w.dial}
			defer d.Close()
			fails(t, d, one, 0)
		})
		return w.dialed()
	}
	for _, addr := range allowed {
		if len(dialed(addr)) != 1 {
			t.Errorf("%s is refused", addr)
		}
	}
	for _, addr := range refused {
		if got := dialed(addr); got != nil {
			t.Errorf("%s is dialed as %s", addr, got)
		}
	}
}
