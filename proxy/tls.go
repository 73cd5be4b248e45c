package proxy

import (
	"crypto/tls"
	"errors"
	"io"
	"slices"
	"time"
)

// protocols are what the web site negotiates, in net/http's order.
var protocols = []string{protocolHTTP2, "http/1.1"}

// newTLSConfig is the TLS of the web site. An app may offer any ALPN or none,
// and crypto/tls refuses a client that offers only unknown ones; so with the
// admitted such a client negotiates none. It is one configuration for all, since
// session tickets of two would show on the wire who was admitted in between.
func newTLSConfig(certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error), challenge func(*tls.ClientHelloInfo) *tls.Config) *tls.Config {
	web := &tls.Config{GetCertificate: certificate, NextProtos: protocols}
	silent := &tls.Config{GetCertificate: certificate}
	web.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if challenge != nil {
			if config := challenge(hello); config != nil {
				return config, nil
			}
		}
		wire, ok := hello.Conn.(*wire)
		if !ok || !wire.admitted || slices.ContainsFunc(hello.SupportedProtos, func(p string) bool { return slices.Contains(protocols, p) }) {
			return nil, nil
		}
		return silent, nil
	}
	return web
}

// handshake ends TLS. A browser that spoke plain HTTP is told so in net/http's
// own words.
func (s *Server) handshake(wire *wire) (*tls.Conn, error) {
	wire.SetDeadline(time.Now().Add(HandshakeTime))
	defer wire.SetDeadline(time.Time{})
	session := tls.Server(wire, s.tls)
	err := session.Handshake()
	var notTLS tls.RecordHeaderError
	if errors.As(err, &notTLS) && notTLS.Conn != nil && looksLikeHTTP(notTLS.RecordHeader) {
		io.WriteString(wire, "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")
	}
	return session, err
}

// looksLikeHTTP is net/http's test of a record header that is none.
func looksLikeHTTP(header [5]byte) bool {
	switch string(header[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "OPTIO":
		return true
	}
	return false
}
