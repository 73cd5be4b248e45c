// Package scrub keeps people's addresses out of everything that is written: log
// lines, errors, the output of libraries.
package scrub

import (
	"regexp"
	"strings"
)

// Address stands where an address was.
const Address = "[address]"

// Separators as they are and percent-encoded, once or more often.
const (
	colon   = `(?::|%(?:25)*3a)`
	dot     = `(?:\.|%(?:25)*2e)`
	dots    = `\d+(?:` + dot + `\d+)`
	closing = `(\]|%(?:25)*5d)`
)

var (
	// After an opening bracket or none, a run of hexadecimal groups with two colons
	// or more, perhaps with an IPv4 tail; or a name under ip6.arpa; or four decimal
	// groups.
	candidate = regexp.MustCompile(`(?i)(\[|%(?:25)*5b)?(` +
		`[0-9a-f]*(?:` + colon + `[0-9a-f]*){2,}(?:(?:` + dot + `\d+){3,})?` +
		`|[0-9a-f](?:` + dot + `[0-9a-f]){15,}` +
		`|` + dots + `{3,})`)

	// What belongs to the address before it: zone, closing bracket, port.
	after = regexp.MustCompile(`(?i)^(?:` + closing + `|(?:` + colon + `\d+)+|%(?:25)*[0-9a-z_.~-]+` + closing + `?)?` +
		`(?:` + colon + `\d+)*`)

	fourDots = regexp.MustCompile(`(?i)` + dots + `{3,}`)
	double   = regexp.MustCompile(`(?i)` + colon + `{2}`)
	anyColon = regexp.MustCompile(`(?i)` + colon)
	decimals = regexp.MustCompile(`^\d+(?::\d+){2}$`)
	spelled  = regexp.MustCompile(`(?i)^[0-9a-f](?:` + dot + `[0-9a-f]){15}`)

	// Names such as 203-0-113-45.example.net, and the bytes of a net.IP as fmt
	// prints them inside other types.
	dashed = regexp.MustCompile(`\d+(?:[-_]\d+){3,}|\[\d{1,3}(?: \d{1,3}){3,15}\]|(?i:0x[0-9a-f]{1,2}(?:, ?0x[0-9a-f]{1,2}){3,15})`)
)

// String returns s with [Address] in the place of every IP address, its zone,
// brackets and port: IPv4, IPv6 in every spelling, v4-mapped, percent-encoded,
// dashed as in host names, reversed as in DNS. It takes rather too much, such as
// four-part versions and MAC addresses; times like 12:34:56 stay. Whatever s is,
// no part of the result is an address to net/netip.
func String(s string) string {
	if !strings.ContainsAny(s, ":.%-_ ") {
		return s
	}
	s = dashed.ReplaceAllString(s, Address)
	var b strings.Builder
	for {
		at := candidate.FindStringSubmatchIndex(s)
		if at == nil {
			b.WriteString(s)
			return b.String()
		}
		found, rest := s[at[4]:at[5]], s[at[1]:]
		b.WriteString(s[:at[0]])
		if harmless(found) {
			b.WriteString(s[at[0]:at[1]])
			s = rest
			continue
		}
		// The colon of "…: connection refused" is not the address's.
		if n := len(found) - 1; found[n] == ':' && found[n-1] != ':' {
			rest = s[at[1]-1:]
		}
		end := after.FindStringSubmatchIndex(rest)
		if end[2] < 0 && end[4] < 0 {
			b.WriteString(s[at[0]:at[4]]) // a bracket that is not closed here
		}
		b.WriteString(Address)
		s = rest[end[1]:]
	}
}

// harmless reports whether a candidate is a time, a position in a file or the
// end of a word rather than an address or most of one.
func harmless(found string) bool {
	if double.MatchString(found) || fourDots.MatchString(found) || spelled.MatchString(found) {
		return false
	}
	plain := strings.Trim(anyColon.ReplaceAllString(found, ":"), ":")
	return strings.Count(plain, ":") < 2 || decimals.MatchString(plain)
}
