package proxy

import (
	"crypto/tls"
	"errors"
	"io"
	"slices"
	"time"

	"causeway/relay"
)

// protocols are what the web site negotiates, in net/http's order.
var protocols = []string{protocolHTTP2, "http/1.1"}

// tlsConfigs are the TLS of the web site. For strangers it is just that. An app
// may offer any ALPN or none, and crypto/tls refuses a client that offers only
// unknown ones; so with the admitted such a client negotiates none.
type tlsConfigs struct {
	stranger, admitted *tls.Config
}

func newTLSConfigs(certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error), challenge func(*tls.ClientHelloInfo) *tls.Config) tlsConfigs {
	if challenge == nil {
		challenge = func(*tls.ClientHelloInfo) *tls.Config { return nil }
	}
	web := &tls.Config{GetCertificate: certificate, NextProtos: protocols}
	stranger := web.Clone()
	stranger.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		return challenge(hello), nil
	}
	admitted := &tls.Config{GetCertificate: certificate}
	admitted.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if config := challenge(hello); config != nil {
			return config, nil
		}
		if slices.ContainsFunc(hello.SupportedProtos, func(p string) bool { return slices.Contains(protocols, p) }) {
			return web, nil
		}
		return nil, nil
	}
	return tlsConfigs{stranger, admitted}
}

// handshake ends TLS. A browser that spoke plain HTTP is told so in net/http's
// own words.
func (s *Server) handshake(client relay.Conn, admitted bool) (*tls.Conn, error) {
	client.SetDeadline(time.Now().Add(HandshakeTime))
	defer client.SetDeadline(time.Time{})
	config := s.tls.stranger
	if admitted {
		config = s.tls.admitted
	}
	session := tls.Server(client, config)
	err := session.Handshake()
	var notTLS tls.RecordHeaderError
	if errors.As(err, &notTLS) && notTLS.Conn != nil && looksLikeHTTP(notTLS.RecordHeader) {
		io.WriteString(client, "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")
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
