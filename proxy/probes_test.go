package proxy_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"strings"
	"testing"

	"causeway/sniff/snifftest"
)

var nothing = log.New(io.Discard, "", 0)

// tellsOpen names the probes that tell a proxy open to everybody from the
// reference, and why that cannot be helped. docs/CAMOUFLAGE.md lists them.
var tellsOpen = map[string]string{
	"WhatsApp's greeting":                      whatAppSends,
	"WhatsApp's greeting, FIN after a line":    whatAppSends,
	"WhatsApp's greeting byte by byte":         whatAppSends,
	"WhatsApp's greeting of returning users":   whatAppSends,
	"an inner hello for Signal":                whatAppSends,
	"half an inner hello for Signal":           "it may become what the app sends",
	"h2: WhatsApp's greeting":                  whatAppSends,
	"h2: silence":                              h2Silent,
	"h2: FIN":                                  h2Silent,
	"unknown ALPN":                             "the app may offer it",
	"h2: PRIORITY_UPDATE of a stream":          newerHTTP2,
	"h2: PRIORITY_UPDATE too short":            newerHTTP2,
	"h2: PRIORITY_UPDATE":                      newerHTTP2,
	"h2: a setting of priorities out of range": newerHTTP2,
}

const (
	whatAppSends = "it is what the app sends"
	newerHTTP2   = "golang.org/x/net/http2 knows RFC 9218, net/http's copy does not"
	h2Silent     = "HTTP/2 servers speak first, and an app may negotiate it and not listen"
)

// noise is the same random bytes at every call.
func noise(n int) string {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{7}).Read(b)
	if n > 0 && (b[0] == 22 || b[0] == 'W' || b[0] == 'E') {
		b[0] = 0x9c
	}
	return string(b)
}

// captured is a ClientHello that crypto/tls sends.
func captured(t *testing.T, config *tls.Config) string {
	hello, err := snifftest.Capture(config)
	if err != nil {
		t.Fatal(err)
	}
	return string(hello)
}

// inBytes sends one byte after the other.
func inBytes(s string) []string {
	var parts []string
	for i := range len(s) {
		parts = append(parts, s[i:i+1], "tick")
	}
	return parts
}

func probes(t *testing.T) []probe {
	var all []probe
	all = append(all, rawProbes(t)...)
	all = append(all, tlsProbes(t)...)
	return append(all, h2Probes()...)
}

const (
	get       = "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"
	preface   = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	settings  = "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	socks5    = "\x05\x01\x00"
	ssh       = "SSH-2.0-OpenSSH_9.6\r\n"
	xmpp      = "<?xml version='1.0'?><stream:stream to='g.whatsapp.net'>"
	returning = "ED\x00\x01\x00\x00\x02\x08\x01WA\x06\x03\x00\x00\x24"
)

func rawProbes(t *testing.T) []probe {
	hello := captured(t, &tls.Config{ServerName: "example.org"})
	flipped := hello[:len(hello)-1] + string(hello[len(hello)-1]^1)
	all := []probe{
		{"silence", nil, nil},
		{"FIN", nil, []string{"FIN"}},
		{"CRLF", nil, []string{"\r\n"}},
		{"SOCKS4", nil, []string{"\x04\x01\x01\xbb\x01\x02\x03\x04x\x00"}},
		{"SOCKS5", nil, []string{socks5}},
		{"SSH", nil, []string{ssh}},
		{"SMTP", nil, []string{"EHLO mail.example\r\n"}},
		{"XMPP", nil, []string{xmpp}},
		{"PROXY v1", nil, []string{"PROXY TCP4 192.0.2.1 203.0.113.9 40000 443\r\n" + hello}},
		{"PROXY v2", nil, []string{"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x01\xcb\x00\x71\x09\x9c\x40\x01\xbb" + hello}},
		{"HTTP/2 preface", nil, []string{preface + settings}},
		{"CONNECT", nil, []string{"CONNECT g.whatsapp.net:443 HTTP/1.1\r\nHost: g.whatsapp.net:443\r\n\r\n"}},
		{"absolute URI", nil, []string{"GET http://example.org/ HTTP/1.1\r\nHost: example.org\r\n\r\n"}},
		{"GET", nil, []string{get}},
		{"half a GET", nil, []string{"GET / HT"}},
		{"GET in bytes", nil, inBytes(get)},
		{"HEAD", nil, []string{"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n"}},
		{"POST", nil, []string{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"}},
		{"OPTIONS", nil, []string{"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"}},
		{"DELETE", nil, []string{"DELETE / HTTP/1.1\r\nHost: x\r\n\r\n"}},
		{"WhatsApp's greeting", nil, []string{string(whatsAppHello)}},
		{"returning WhatsApp", nil, []string{returning}},
		{"a record header", nil, []string{"\x16\x03\x01\x02\x00"}},
		{"a record too long", nil, []string{"\x16\x03\x01\xff\xff" + noise(100)}},
		{"a record of garbage", nil, []string{"\x16\x03\x01\x00\x40" + noise(64)}},
		{"an alert first", nil, []string{"\x15\x03\x01\x00\x02\x01\x00"}},
		{"a fatal alert first", nil, []string{"\x15\x03\x01\x00\x02\x02\x28"}},
		{"application data first", nil, []string{"\x17\x03\x03\x00\x20" + noise(32)}},
		{"change cipher spec first", nil, []string{"\x14\x03\x03\x00\x01\x01"}},
		{"heartbeat", nil, []string{"\x18\x03\x02\x00\x03\x01\x40\x00"}},
		{"SSLv2", nil, []string{"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + noise(37)}},
		{"empty records", nil, []string{strings.Repeat("\x16\x03\x01\x00\x00", 40)}},
		{"half a hello", nil, []string{hello[:len(hello)/2]}},
		{"half a hello, FIN", nil, []string{hello[:len(hello)/2], "FIN"}},
		{"a hello", nil, []string{hello}},
		{"a hello, FIN", nil, []string{hello, "FIN"}},
		{"a hello in bytes", nil, inBytes(hello)},
		{"a hello twice", nil, []string{hello, hello}},
		{"a hello, application data", nil, []string{hello, "\x17\x03\x03\x00\x20" + noise(32)}},
		{"a hello, noise", nil, []string{hello, noise(200)}},
		{"a hello, a minute later noise", nil, []string{hello, "wait", noise(200)}},
		{"a hello flipped", nil, []string{flipped}},
		{"a hello of SSL 3", nil, []string{"\x16\x03\x00" + hello[3:]}},
		{"a hello of version 9", nil, []string{"\x16\x09\x01" + hello[3:]}},
		{"a hello of TLS 1.0 only", nil, []string{string(snifftest.Records(16384, snifftest.Message()))}},
		{"two SNIs", nil, []string{string(snifftest.Hello("a.example", "b.example"))}},
		{"SNI with a dot", nil, []string{string(snifftest.Hello("a.example."))}},
		{"empty SNI", nil, []string{string(snifftest.Hello(""))}},
	}
	for _, n := range []int{1, 2, 3, 4, 5, 6, 8, 12, 16, 22, 33, 41, 49, 64, 100, 221, 256, 300, 400, 516, 517, 518, 600, 800, 999, 1000, 1001, 1023, 1024, 1025, 1500, 2000, 5000, 20000} {
		all = append(all, probe{fmt.Sprintf("%d random bytes", n), nil, []string{noise(n)}},
			probe{fmt.Sprintf("%d random bytes, FIN", n), nil, []string{noise(n), "FIN"}})
	}
	return all
}

func tlsProbes(t *testing.T) []probe {
	plain := &tls.Config{ServerName: "example.org"}
	h1 := &tls.Config{ServerName: "example.org", NextProtos: []string{"http/1.1"}}
	signal := string(snifftest.Hello("chat.signal.org"))
	all := []probe{
		{"unknown ALPN", &tls.Config{NextProtos: []string{"wa-chat"}}, nil},
		{"TLS 1.2", &tls.Config{MaxVersion: tls.VersionTLS12}, []string{get}},
		{"TLS 1.1", &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, []string{get}},
	}
	for _, sni := range []string{"", "example.com", "g.whatsapp.net", "mmg.whatsapp.net", "chat.signal.org", "203.0.113.9", "xn--80ak6aa92e.com"} {
		all = append(all, probe{"TLS: SNI " + sni, &tls.Config{ServerName: sni}, []string{get, "FIN"}})
	}
	for name, send := range map[string][]string{
		"silence":                                nil,
		"FIN":                                    {"FIN"},
		"GET":                                    {get},
		"GET, FIN":                               {get, "FIN"},
		"GET twice":                              {get, "wait", get},
		"GET pipelined":                          {get + get + get},
		"GET in bytes":                           inBytes(get),
		"404":                                    {"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"},
		"another Host":                           {"GET / HTTP/1.1\r\nHost: g.whatsapp.net\r\n\r\n"},
		"no Host":                                {"GET / HTTP/1.1\r\n\r\n"},
		"HTTP/1.0":                               {"GET / HTTP/1.0\r\n\r\n"},
		"HTTP/0.9":                               {"GET /\r\n"},
		"HTTP/3.0":                               {"GET / HTTP/3.0\r\nHost: x\r\n\r\n"},
		"HEAD":                                   {"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n"},
		"POST":                                   {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"},
		"POST without its body":                  {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 300\r\n\r\nabc"},
		"POST in chunks":                         {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"},
		"Expect":                                 {"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n", "wait", "abc"},
		"OPTIONS":                                {"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"},
		"CONNECT":                                {"CONNECT g.whatsapp.net:443 HTTP/1.1\r\nHost: g.whatsapp.net:443\r\n\r\n"},
		"WebSocket":                              {"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"},
		"h2c":                                    {"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"},
		"HTTP/2 preface":                         {preface + settings},
		"a URI of 20 kB":                         {"GET /" + strings.Repeat("a", 20000) + " HTTP/1.1\r\nHost: x\r\n\r\n"},
		"a header of 200 kB":                     {"GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("a", 200<<10) + "\r\n\r\n"},
		"half a request":                         {"GET / HTTP/1.1\r\nHo"},
		"half a request, FIN":                    {"GET / HTTP/1.1\r\nHo", "FIN"},
		"junk":                                   {"junk\r\n\r\n"},
		"noise":                                  {noise(300)},
		"a line of noise":                        {noise(30) + "\r\n\r\n"},
		"SOCKS5":                                 {socks5},
		"SSH":                                    {ssh},
		"SMTP":                                   {"EHLO mail.example\r\n"},
		"XMPP":                                   {xmpp},
		"W":                                      {"W"},
		"WA":                                     {"WA"},
		"WA of version 9":                        {"WA\x09\x03\x00\x00\x24"},
		"WATCH":                                  {"WATCH / HTTP/1.1\r\nHost: x\r\n\r\n"},
		"E":                                      {"E"},
		"WhatsApp's greeting":                    {string(whatsAppHello)},
		"WhatsApp's greeting, FIN after a line":  {string(whatsAppHello) + "\r\n\r\n", "FIN"},
		"WhatsApp's greeting byte by byte":       inBytes(string(whatsAppHello)),
		"WhatsApp's greeting of returning users": {returning},
		"an inner hello":                         {string(snifftest.Hello("telegram.org"))},
		"an inner hello of WhatsApp":             {string(snifftest.Hello("g.whatsapp.net"))},
		"an inner hello for Signal":              {signal},
		"half an inner hello for Signal":         {signal[:len(signal)/2]},
	} {
		all = append(all, probe{"TLS: " + name, plain, send}, probe{"TLS, http/1.1: " + name, h1, send})
	}
	for _, n := range []int{1, 2, 8, 41, 221, 517, 1000, 1024, 4096, 4097, 20000} {
		all = append(all, probe{fmt.Sprintf("TLS: %d random bytes", n), plain, []string{noise(n)}})
	}
	return all
}

func h2Probes() []probe {
	h2 := &tls.Config{ServerName: "example.org", NextProtos: []string{"h2", "http/1.1"}}
	// GET https://example.org/ as one HEADERS frame: static table only.
	headers := "\x00\x00\x0f\x01\x05\x00\x00\x00\x01\x82\x87\x84\x41\x0bexample.org"
	headers = "\x00\x00\x10" + headers[3:9] + "\x82\x87\x84\x01\x0bexample.org"
	var all []probe
	for name, send := range map[string][]string{
		"silence":                              nil,
		"FIN":                                  {"FIN"},
		"preface":                              {preface},
		"half a preface":                       {preface[:10]},
		"preface and settings":                 {preface + settings},
		"GET":                                  {preface + settings, "wait", headers},
		"GET twice":                            {preface + settings, "wait", headers, "wait", strings.Replace(headers, "\x00\x00\x00\x01\x82", "\x00\x00\x00\x03\x82", 1)},
		"GET, FIN":                             {preface + settings, "wait", headers, "wait", "FIN"},
		"PRIORITY_UPDATE of a stream":          {preface + settings, "wait", "\x00\x00\x04\x10\x00\x00\x00\x00\x01\x00\x00\x00\x01", "wait", headers},
		"PRIORITY_UPDATE too short":            {preface + settings, "wait", "\x00\x00\x01\x10\x00\x00\x00\x00\x00\x00", "wait", headers},
		"PRIORITY_UPDATE":                      {preface + settings, "wait", "\x00\x00\x07\x10\x00\x00\x00\x00\x00\x00\x00\x00\x01u=1", "wait", headers},
		"a setting of priorities out of range": {preface + "\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x09\x00\x00\x00\x02", "wait", headers},
		"an unknown frame":                     {preface + settings, "wait", "\x00\x00\x01\x77\x00\x00\x00\x00\x00\x00", "wait", headers},
		"PING":                                 {preface + settings, "wait", "\x00\x00\x08\x06\x00\x00\x00\x00\x00abcdefgh"},
		"GOAWAY":                               {preface + settings, "wait", "\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"},
		"a frame too large":                    {preface + settings, "wait", "\x7f\xff\xff\x00\x00\x00\x00\x00\x01" + noise(100)},
		"a frame of junk":                      {preface + settings, "wait", noise(90)},
		"junk":                                 {noise(90)},
		"short junk":                           {noise(10)},
		"HTTP/1.1":                             {get},
		"WhatsApp's greeting":                  {string(whatsAppHello)},
	} {
		// What a server says first, and what it answers, would otherwise race.
		all = append(all, probe{"h2: " + name, h2, append([]string{"wait"}, send...)})
	}
	return all
}
