// Package invite makes what a volunteer hands to a person in the block: links
// that the official apps open, and QR codes of them for the terminal.
package invite

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// The ports that WhatsApp's app uses when a link or a person names none.
const (
	DefaultChatPort  = 443
	DefaultMediaPort = 587
)

// Link is WhatsApp's own share link for a proxy.
type Link struct {
	Host                string // a host name or an IPv4 address
	ChatPort, MediaPort uint16
	ChatTLS             bool // the chat port ends TLS
}

// NewLink checks what the app would not be able to use: a host that is neither
// a name of letters, digits and hyphens nor an IPv4 address, and port 0.
func NewLink(host string, chatPort, mediaPort uint16, chatTLS bool) (Link, error) {
	host, err := checkHost(host)
	if err != nil {
		return Link{}, err
	}
	if chatPort == 0 || mediaPort == 0 {
		return Link{}, fmt.Errorf("ports %d and %d: want 1 to 65535", chatPort, mediaPort)
	}
	return Link{Host: host, ChatPort: chatPort, MediaPort: mediaPort, ChatTLS: chatTLS}, nil
}

// String returns https://wa.me/proxy?host=H&chatPort=N&mediaPort=N&chatTLS=true|false,
// with exactly these keys in this order and in Latin digits, as the app writes it.
func (l Link) String() string {
	return fmt.Sprintf("%shost=%s&chatPort=%d&mediaPort=%d&chatTLS=%t",
		linkStart, url.QueryEscape(l.Host), l.ChatPort, l.MediaPort, l.ChatTLS)
}

// SignalLink returns https://signal.tube/#host, which Signal's app opens. Its
// proxies listen on 443 with a certificate that verifies for host.
func SignalLink(host string) string { return "https://signal.tube/#" + host }

// checkHost returns host in lower case.
func checkHost(host string) (string, error) {
	if strings.Contains(host, ":") {
		return "", fmt.Errorf("host %q: the app splits what it is given at the colon, so it takes no IPv6 address and no port here: "+
			"use a host name or an IPv4 address", host)
	}
	if addr, err := netip.ParseAddr(host); err == nil && addr.Is4() {
		return host, nil
	}
	if len(host) == 0 || len(host) > 253 {
		return "", fmt.Errorf("host of %d bytes: want 1 to 253", len(host))
	}
	labels := strings.Split(host, ".")
	for _, label := range labels {
		if !isLabel(label) {
			return "", fmt.Errorf("host %q: want a name of letters, digits and hyphens (in its xn-- form if it has others) or an IPv4 address", host)
		}
	}
	if last := labels[len(labels)-1]; strings.Trim(last, "0123456789") == "" {
		return "", fmt.Errorf("host %q: it ends in a number but is no IPv4 address", host)
	}
	return strings.ToLower(host), nil
}

// isLabel holds one part of a host name to RFC 1123.
func isLabel(s string) bool {
	if len(s) == 0 || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-'
	})
}
