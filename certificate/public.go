package certificate

import (
	"net/netip"
	"slices"
	"strings"
)

// reservedNames are the tops and domains that no CA gives certificates for
// (RFC 2606, 6761, 6762, 7686, 8375, and ICANN's .internal).
var reservedNames = []string{"test", "example", "invalid", "localhost", "local", "onion", "internal", "arpa", "example.com", "example.net", "example.org"}

// reservedPrefixes are the addresses that only look public: shared, for
// documentation and for benchmarks (RFC 6598, 5737, 2544, 3849, 9637).
var reservedPrefixes = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("3fff::/20"),
}

// Public reports whether host is a name or an address that a CA could give a
// certificate for, as it could exist in the public DNS or be reached by all.
func Public(host string) bool {
	host, err := subject(host)
	if err != nil {
		return false
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		reserved := func(p netip.Prefix) bool { return p.Contains(ip) }
		return ip.IsGlobalUnicast() && !ip.IsPrivate() && !slices.ContainsFunc(reservedPrefixes, reserved)
	}
	reserved := func(name string) bool { return strings.HasSuffix("."+host, "."+name) }
	return strings.Contains(host, ".") && !slices.ContainsFunc(reservedNames, reserved)
}
