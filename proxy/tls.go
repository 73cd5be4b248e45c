package proxy

import (
	"crypto/tls"
	"errors"
	"io"
	"slices"
	"time"

	"causeway/relay"
)

// tlsConfig is the TLS of the web site. An app may offer any ALPN or none, and
// crypto/tls refuses a client that offers only unknown ones; so ALPN is
// negotiated only with a client that offers http/1.1.
func (s *Server) tlsConfig() *tls.Config {
	plain := &tls.Config{GetCertificate: s.Certificate, MinVersion: tls.VersionTLS12}
	web := plain.Clone()
	web.NextProtos = []string{"http/1.1"}
	plain.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if slices.Contains(hello.SupportedProtos, "http/1.1") {
			return web, nil
		}
		return nil, nil
	}
	return plain
}

// handshake ends TLS. A browser that spoke plain HTTP is told so in net/http's
// own words.
func (s *Server) handshake(client relay.Conn) (relay.Conn, error) {
	client.SetDeadline(time.Now().Add(HandshakeTime))
	defer client.SetDeadline(time.Time{})
	session := tls.Server(client, s.tls)
	err := session.Handshake()
	var notTLS tls.RecordHeaderError
	if errors.As(err, &notTLS) && notTLS.Conn != nil && looksLikeHTTP(notTLS.RecordHeader) {
		io.WriteString(client, "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")
	}
	if err != nil {
		return nil, err
	}
	return relay.TLS(session, client), nil
}

// looksLikeHTTP is net/http's test of a record header that is none.
func looksLikeHTTP(header [5]byte) bool {
	switch string(header[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "OPTIO":
		return true
	}
	return false
}
