package sniff

import "strings"

// Bounds of a DNS name (RFC 1035 section 2.3.4), without the trailing dot.
const (
	maxName  = 253
	maxLabel = 63
)

// ServerName returns a Greeting that is a TLS ClientHello for one of hosts, and
// names that host. Letter case and one trailing dot make no difference;
// suffixes, patterns and IP addresses are never a match. Hosts that are not DNS
// names are left out.
//
// The hello may be cut into TLS records of any size, up to 64 KiB in all. Yes
// falls on its last byte, No on the first byte that rules a match out.
func ServerName(hosts ...string) Greeting {
	known := make(map[string]bool, len(hosts))
	for _, host := range hosts {
		if name, ok := dnsName(host); ok {
			known[name] = true
		}
	}
	return func(first []byte) (Verdict, string) {
		raw, verdict := serverName(first)
		if verdict == No || raw == nil {
			return verdict, ""
		}
		name, ok := dnsName(string(raw))
		if !ok || !known[name] {
			return No, ""
		}
		if verdict == More {
			return More, ""
		}
		return Yes, name
	}
}

// dnsName returns name in lower case and without its one trailing dot, if it
// has the letters, digits and hyphens of a host name (RFC 1123 section 2.1).
// Only ASCII letters are folded: Unicode has others that fold to k and s.
func dnsName(name string) (string, bool) {
	name = strings.TrimSuffix(name, ".")
	if len(name) > maxName {
		return "", false
	}
	label := ""
	for label = range strings.SplitSeq(name, ".") {
		if !validLabel(label) {
			return "", false
		}
	}
	// No top-level domain begins with a digit, but every IPv4 literal's end does.
	if isDigit(label[0]) {
		return "", false
	}
	return strings.ToLower(name), true
}

func validLabel(label string) bool {
	if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	for i := range len(label) {
		c := label[i]
		if !isDigit(c) && c != '-' && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
