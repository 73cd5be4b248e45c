package doctor

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"causeway/memnet"
	"causeway/noise"
)

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{key: newKey(t), cert: &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, SerialNumber: big.NewInt(1),
		NotBefore: time.Now().AddDate(-20, 0, 0), NotAfter: time.Now().AddDate(20, 0, 0),
	}}
	a.cert = a.sign(t, a.cert, a.key).Leaf
	return a
}

// sign returns a certificate of key as the template has it; a nil authority
// lets the key sign for itself.
func (a *authority) sign(t *testing.T, template *x509.Certificate, key *ecdsa.PrivateKey) *tls.Certificate {
	t.Helper()
	parent, signer := template, key
	if a != nil && a.cert != template {
		parent, signer = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// leaf returns a template that is valid for the next 90 days. An IP address
// becomes an IP SAN.
func leaf(host string) *x509.Certificate {
	c := &x509.Certificate{
		Subject: pkix.Name{CommonName: host}, SerialNumber: big.NewInt(2),
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 0, 90),
	}
	if ip := net.ParseIP(host); ip != nil {
		c.IPAddresses = []net.IP{ip}
		return c
	}
	c.DNSNames = []string{host}
	return c
}

// stand is a network in memory with a proxy and the messengers' servers.
type stand struct {
	network   memnet.Network
	responder *noise.Responder
	ca        *authority
	media     *tls.Certificate // shown by the media servers
}

func newStand(t *testing.T) *stand {
	t.Helper()
	responder, err := noise.NewResponder(time.Now().Add(-time.Hour), time.Now().AddDate(1, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	s := &stand{responder: responder, ca: newAuthority(t, "test authority")}
	s.media = s.ca.sign(t, leaf("*.whatsapp.net"), newKey(t))
	return s
}

func (s *stand) world() World {
	root := s.responder.Root()
	pool := x509.NewCertPool()
	pool.AddCert(s.ca.cert)
	return World{Root: &root, RootCAs: pool}
}

// dial is Remote.Dial on this network.
func (s *stand) dial(ctx context.Context, _, address string) (net.Conn, error) {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
	}
	conn, err := s.network.Dial(ctx, netip.MustParseAddr("198.51.100.7"), to)
	if err != nil {
		return nil, err // not a nil *memnet.Conn in a net.Conn
	}
	return conn, nil
}

// handler answers one connection, which is closed when it returns.
type handler func(net.Conn)

// listen gives every connection to an address to handle, until the test ends.
func (s *stand) listen(t *testing.T, address string, handle handler) {
	t.Helper()
	l, err := s.network.Listen(address)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				handle(conn)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		wg.Wait()
	})
}

// overTLS ends TLS with a certificate and hands on what is inside.
func overTLS(cert *tls.Certificate, inner handler) handler {
	return func(conn net.Conn) {
		server := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{*cert}})
		if server.Handshake() == nil {
			inner(server)
		}
		server.Close()
	}
}

// hang reads until the other side has had enough.
func hang(conn net.Conn) { io.Copy(io.Discard, conn) }

// says reads the first bytes, answers and closes.
func says(answer string) handler {
	return func(conn net.Conn) {
		conn.Read(make([]byte, 4096))
		io.WriteString(conn, answer)
	}
}

// peeked is a connection whose first bytes were looked at.
type peeked struct {
	net.Conn
	reader *bufio.Reader
}

func (p peeked) Read(b []byte) (int, error) { return p.reader.Read(b) }

// sorted looks at the first byte as a proxy does: WhatsApp's greeting, an
// inner ClientHello, or a browser.
func sorted(chat, inner, browser handler) handler {
	return func(conn net.Conn) {
		p := peeked{conn, bufio.NewReader(conn)}
		first, err := p.reader.Peek(1)
		if err != nil {
			return
		}
		switch first[0] {
		case 'W':
			chat(p)
		case 0x16:
			inner(p)
		default:
			browser(p)
		}
	}
}

func (s *stand) answerNoise(conn net.Conn) { s.responder.Answer(conn) }

func (s *stand) answerMedia(conn net.Conn) { overTLS(s.media, hang)(conn) }
