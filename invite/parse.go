package invite

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

const (
	linkStart = "https://wa.me/proxy?"
	maxText   = 4096 // bytes of a message that a link is sought in
)

// ParseLink finds WhatsApp's share link in s, which may be the whole message
// that it came in, and reads it as strictly as the app does: a bad port becomes
// the default, and chatTLS is on if it is absent, "true" or "1", else off.
// Warnings, one sentence each, say where that is hardly what was meant.
func ParseLink(s string) (link Link, warnings []string, err error) {
	query, warnings, err := findQuery(s)
	if err != nil {
		return Link{}, nil, err
	}
	values, keys, err := parameters(query)
	if err != nil {
		return Link{}, nil, fmt.Errorf("reading the link: %w", err)
	}
	warn := func(format string, args ...any) { warnings = append(warnings, fmt.Sprintf(format, args...)) }
	for _, key := range keys {
		switch key {
		case "host", "chatPort", "mediaPort", "chatTLS":
			if len(values[key]) > 1 {
				warn("%s is given %d times; the first counts", key, len(values[key]))
			}
		case "ssl":
			warn("ssl is ignored: the app knows chatTLS only")
		default:
			warn("%.40q is ignored: the app does not know it", key)
		}
	}
	host, err := checkHost(values.Get("host"))
	if err != nil {
		return Link{}, nil, err
	}
	link = Link{
		Host:      host,
		ChatPort:  port(values, "chatPort", DefaultChatPort, warn),
		MediaPort: port(values, "mediaPort", DefaultMediaPort, warn),
		ChatTLS:   chatTLS(values, warn),
	}
	return link, warnings, nil
}

// findQuery returns what follows the question mark of the first link in text.
func findQuery(text string) (query string, warnings []string, err error) {
	if len(text) > maxText {
		return "", nil, fmt.Errorf("text of %d bytes: want at most %d", len(text), maxText)
	}
	_, rest, found := strings.Cut(text, linkStart)
	if !found {
		return "", nil, errors.New("no link that begins with " + linkStart)
	}
	if strings.Contains(rest, linkStart) {
		warnings = append(warnings, "there is more than one link; the first counts")
	}
	// In a message the link ends where linkifiers end it: at what no URL holds (a
	// space, other scripts, marks of direction), less the sentence's punctuation.
	end := strings.IndexFunc(rest, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("<>\"`\\^{|}", r) })
	if end >= 0 {
		rest = rest[:end]
	}
	rest = strings.TrimRight(rest, ".,;:!?'()[]*_~")
	query, _, _ = strings.Cut(rest, "#")
	return query, warnings, nil
}

// parameters splits a query at every & and only there, as Android's Uri does;
// url.ParseQuery refuses the semicolon of an "&amp;". The keys are in their order.
func parameters(query string) (values url.Values, keys []string, err error) {
	values = url.Values{}
	for part := range strings.SplitSeq(query, "&") {
		if part == "" {
			continue
		}
		key, value, _ := strings.Cut(part, "=")
		if key, err = url.QueryUnescape(key); err != nil {
			return nil, nil, err
		}
		if value, err = url.QueryUnescape(value); err != nil {
			return nil, nil, err
		}
		if !values.Has(key) {
			keys = append(keys, key)
		}
		values.Add(key, value)
	}
	return values, keys, nil
}

func port(values url.Values, key string, normal uint16, warn func(string, ...any)) uint16 {
	text := values.Get(key)
	if !values.Has(key) {
		return normal
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		warn("%s=%.20q is no port: the app takes %d", key, text, normal)
		return normal
	}
	return uint16(n)
}

func chatTLS(values url.Values, warn func(string, ...any)) bool {
	if !values.Has("chatTLS") {
		return true
	}
	switch text := values.Get("chatTLS"); text {
	case "true", "1":
		return true
	case "false", "0":
		return false
	default:
		warn("chatTLS=%.20q turns TLS off: only true and 1 turn it on", text)
		return false
	}
}
