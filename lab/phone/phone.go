// Package phone is a phone: an unmodified WhatsApp client library whose network
// goes where the official app's goes when it is told to use a proxy.
package phone

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types/events"
	waLog "go.mau.fi/whatsmeow/util/log"

	"causeway/lab/record"
)

const (
	maxFrame       = 1 << 20 // bytes of one chat frame
	maxWaiting     = 64      // messages kept for WaitText or WaitPicture
	connectTimeout = 10 * time.Second
)

// Route is where the phone's traffic goes: the proxy settings of the app.
type Route struct {
	Chat    string   `json:"chat"`              // host:port
	Header  []byte   `json:"header,omitempty"`  // written first, as a load balancer on the way does
	ChatTLS bool     `json:"chatTLS"`           // the app's TLS switch
	SNI     string   `json:"sni,omitempty"`     // in the chat's ClientHello; "" sends none
	ALPN    []string `json:"alpn,omitempty"`    // in the chat's ClientHello
	Routing []byte   `json:"routing,omitempty"` // routing information, as returning users send it
	Media   string   `json:"media"`             // host:port

	// MediaALPN is what media connections offer: nothing (Android's http/1.1)
	// or h2 and http/1.1 (iOS).
	MediaALPN []string `json:"mediaALPN,omitempty"`
}

// Config says who the phone belongs to and what it believes.
type Config struct {
	Number string         // digits only
	Name   string         // as others see it
	CA     *x509.CertPool // issues the media servers' certificates

	// Dial reaches the network; nil means the machine's own.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// Tape records what passes between the phone and whatever it connects to:
	// the chat inside TLS, media as on the wire. nil records nothing.
	Tape *record.Tape
}

// Phone is one person's phone. It can connect several times, one route after
// the other; it keeps its keys and sessions.
type Phone struct {
	config   Config
	client   *whatsmeow.Client
	texts    chan Text
	pictures chan pictureNote
	online   chan struct{}

	tunnel *tunnel
	media  *http.Transport
	cancel context.CancelFunc
	dials  chan struct{} // closed when the connection attempt has returned
}

// Trust makes every phone of this process believe chat certificates signed by
// root, and returns what was believed before (at first WhatsApp's own root).
// It must not be called while a phone connects.
func Trust(root [32]byte) (before [32]byte) {
	before = whatsmeow.WACertPubKey
	whatsmeow.WACertPubKey = root
	return before
}

// New makes a phone that is paired but not connected.
func New(config Config) (*Phone, error) {
	device, err := pair(config.Number, config.Name)
	if err != nil {
		return nil, fmt.Errorf("pairing: %w", err)
	}
	if config.Dial == nil {
		config.Dial = (&net.Dialer{}).DialContext
	}
	p := &Phone{
		config:   config,
		client:   whatsmeow.NewClient(device, waLog.Noop),
		texts:    make(chan Text, maxWaiting),
		pictures: make(chan pictureNote, maxWaiting),
		online:   make(chan struct{}, 1),
	}
	p.client.EnableAutoReconnect = false
	p.client.SynchronousAck = true
	p.client.AddEventHandler(p.event)
	return p, nil
}

// event sorts what the library reports. It never blocks: what nobody waits for
// is dropped when maxWaiting is reached.
func (p *Phone) event(event any) {
	switch e := event.(type) {
	case *events.Connected:
		select {
		case p.online <- struct{}{}:
		default:
		}
	case *events.Message:
		p.message(e)
	}
}

// Connect connects over route and logs in. It returns when the service has said
// that the login stands and has taken the phone's keys.
func (p *Phone) Connect(ctx context.Context, route Route) error {
	p.Disconnect()
	life, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	select {
	case <-p.online: // left over from a login that was broken off
	default:
	}
	p.dials = make(chan struct{})
	p.tunnel = &tunnel{
		route: route,
		dial:  p.config.Dial,
		tape:  p.config.Tape,
		name:  p.config.Name,
		ended: make(chan struct{}),
		life:  life,
	}
	p.media = p.mediaTransport(route)
	p.client.SetWebsocketHTTPClient(&http.Client{Transport: p.tunnel})
	p.client.SetMediaHTTPClient(&http.Client{Transport: p.media})

	failed := make(chan error, 1)
	go func() {
		defer close(p.dials)
		if err := p.client.ConnectContext(life); err != nil {
			failed <- err
		}
	}()
	err := p.settle(ctx, failed)
	if err != nil {
		p.Disconnect()
	}
	return err
}

func (p *Phone) settle(ctx context.Context, failed <-chan error) error {
	select {
	case <-p.online:
		return nil
	case err := <-failed:
		return err
	case <-p.tunnel.ended:
	case <-ctx.Done():
		return fmt.Errorf("waiting for the login: %w", ctx.Err())
	}
	select { // the library may know why the connection ended
	case err := <-failed:
		return fmt.Errorf("the connection was closed before the login: %w", err)
	case <-time.After(time.Second):
		return errors.New("the connection was closed before the login")
	}
}

// mediaTransport sends every HTTPS request to the media port, with the real
// server's name in SNI and in the certificate check.
func (p *Phone) mediaTransport(route Route) *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			conn, err := p.config.Dial(ctx, network, route.Media)
			if err != nil {
				return nil, fmt.Errorf("connecting to the media port: %w", err)
			}
			return &record.Conn{
				Conn: conn,
				Tape: p.config.Tape,
				In:   p.config.Name + " media, to the phone",
				Out:  p.config.Name + " media, from the phone",
			}, nil
		},
		TLSClientConfig:     &tls.Config{RootCAs: p.config.CA, NextProtos: route.MediaALPN},
		TLSHandshakeTimeout: connectTimeout,
		ForceAttemptHTTP2:   len(route.MediaALPN) > 0,
	}
}

// Disconnect ends the connection and waits until it is gone. The phone can
// connect again.
func (p *Phone) Disconnect() {
	if p.tunnel == nil {
		return
	}
	p.client.Disconnect()
	p.cancel()
	<-p.dials
	p.client.Disconnect() // a login that won the race against the first call
	p.tunnel.wg.Wait()
	p.media.CloseIdleConnections()
	p.tunnel = nil
}
