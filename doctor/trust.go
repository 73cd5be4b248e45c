package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"

	"causeway/noise"
)

// window is a time that something signed by others claims to be valid in:
// their clock, to hold ours against. The zero value claims nothing.
type window struct {
	from, to time.Time
}

func (w window) holds(now time.Time) bool {
	return !now.Before(w.from) && !now.After(w.to)
}

// errImpostor says that somebody else answers where a messenger should.
var errImpostor = errors.New("somebody else answers")

// clockError says that a certificate is right but for its dates.
type clockError struct{ window window }

func (e clockError) Error() string { return "the certificate is not valid at this time" }

// proof is how the servers of one route show that they are the messenger's.
type proof struct {
	messenger, route string

	title  string // "WhatsApp chat"
	server string // the one upstream host to ask, "" for any
	firm   bool   // the window that prove returns is kept by its authority
	found  string // what it means that prove returned no error
	prove  func(context.Context, net.Conn, World) (window, error)
}

// This is the only place where checks know one messenger from another.
var (
	whatsappChat = proof{
		messenger: "whatsapp", route: "chat", title: "WhatsApp chat",
		found: "WhatsApp's own server answers, proven by its pinned key",
		prove: proveNoise,
	}
	whatsappMedia = proof{
		messenger: "whatsapp", route: "media", title: "WhatsApp media", firm: true,
		found: "WhatsApp's media server answers with a certificate that verifies",
		prove: proveMedia,
	}
	signalTLS = proof{
		messenger: "signal", route: "tls", title: "Signal", server: "chat.signal.org",
		found: "a TLS server answers; whether it is Signal's only the app can tell, which has Signal's own CA",
		prove: answersTLS("chat.signal.org"),
	}
	proofs = []proof{whatsappChat, whatsappMedia, signalTLS}
)

// findProof returns the proof of a route, false if nobody has written one.
func findProof(messenger, route string) (proof, bool) {
	for _, p := range proofs {
		if p.messenger == messenger && p.route == route {
			return p, true
		}
	}
	return proof{}, false
}

func proveNoise(ctx context.Context, conn net.Conn, w World) (window, error) {
	defer bind(ctx, conn)()
	got, err := noise.Prove(conn, w.root())
	if errors.Is(err, noise.ErrForeign) {
		return window{}, fmt.Errorf("%w: %w", errImpostor, err)
	}
	return window{got.NotBefore, got.NotAfter}, err
}

// mediaName is a name of the media servers. All of them are reached through
// whatsapp.net, whose front sorts by server name.
const mediaName = "mmg.whatsapp.net"

func proveMedia(ctx context.Context, conn net.Conn, w World) (window, error) {
	var seen window
	_, err := handshake(ctx, conn, mediaName, func(chain []*x509.Certificate) error {
		seen = window{chain[0].NotBefore, chain[0].NotAfter}
		return verify(chain, mediaName, w)
	})
	return seen, err
}

func answersTLS(name string) func(context.Context, net.Conn, World) (window, error) {
	return func(ctx context.Context, conn net.Conn, _ World) (window, error) {
		_, err := handshake(ctx, conn, name, func([]*x509.Certificate) error { return nil })
		return window{}, err
	}
}

// handshake makes a TLS handshake in which check alone judges the certificates.
// It asks for no application protocol, as the apps are thought to do: a server
// that is also a web site keeps for its site whoever asks for HTTP.
func handshake(ctx context.Context, conn net.Conn, name string, check func([]*x509.Certificate) error) (*tls.Conn, error) {
	client := tls.Client(conn, &tls.Config{
		ServerName:         name,
		InsecureSkipVerify: true, // check judges
		VerifyConnection:   func(state tls.ConnectionState) error { return check(state.PeerCertificates) },
	})
	if err := client.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return client, nil
}

// verify checks a chain for name ("" is any) as browsers do. If nothing but the time is
// wrong it returns a clockError, if the chain is another's, errImpostor.
func verify(chain []*x509.Certificate, name string, w World) error {
	leaf := chain[0]
	options := x509.VerifyOptions{
		DNSName: name, Roots: w.RootCAs, CurrentTime: w.now(), Intermediates: x509.NewCertPool(),
	}
	for _, c := range chain[1:] {
		options.Intermediates.AddCert(c)
	}
	_, err := leaf.Verify(options)
	if err == nil {
		return nil
	}
	options.CurrentTime = leaf.NotBefore.Add(leaf.NotAfter.Sub(leaf.NotBefore) / 2)
	if _, again := leaf.Verify(options); again == nil {
		return clockError{window{leaf.NotBefore, leaf.NotAfter}}
	}
	return fmt.Errorf("%w: %w", errImpostor, err)
}

// bind lets the end of ctx end every wait on conn. The function that it
// returns undoes that.
func bind(ctx context.Context, conn net.Conn) func() {
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	return func() { stop() }
}
