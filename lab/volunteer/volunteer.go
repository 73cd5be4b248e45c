// Package volunteer runs the real proxy.Server inside this process, on ports of
// loopback that the system chooses, with the messaging service's names leading
// to a stand-in.
package volunteer

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"causeway/messenger/messengers"
	"causeway/proxy"
	"causeway/proxyproto"
	"causeway/stats"
	"causeway/upstream"
	"causeway/web"
)

// What the service's names mean to the volunteer: public addresses, so that the
// check of addresses stays on. Dialing them leads to the stand-in.
var (
	chatAddress  = netip.MustParseAddr("57.144.1.1")
	mediaAddress = netip.MustParseAddr("57.144.2.1")
)

// errElsewhere means that the proxy dialed something it never should.
var errElsewhere = errors.New("dialed something that is not the service")

// Config says where the stand-in is and how to speak to it.
type Config struct {
	Chat, Media string             // host:port of the stand-in
	SendHeader  proxyproto.Version // towards the chat servers

	// Trust may send PROXY headers to 8080, 8222 and 8443.
	Trust []netip.Prefix

	// Admitted says whose networks may use the app ports; nil is everybody's.
	Admitted func(netip.Addr) bool

	// Site makes what strangers see, given where the ports are; nil is the
	// built-in site.
	Site func(address func(number uint16) string) http.Handler
}

// Volunteer is a running proxy. Its ports are numbered as in the official image.
type Volunteer struct {
	ports map[uint16]string // official number -> address
	stop  context.CancelFunc
	ended sync.WaitGroup

	mu      sync.Mutex
	strayed []string
}

// Start runs a proxy that serves all ports of the official image.
func Start(config Config) (*Volunteer, error) {
	plan, err := proxy.PlanPorts(messengers.All, "official", 0)
	if err != nil {
		return nil, fmt.Errorf("planning the ports: %w", err)
	}
	for i := range plan {
		plan[i].Listen = 0
	}
	certificate, err := selfSigned()
	if err != nil {
		return nil, fmt.Errorf("making the certificate: %w", err)
	}
	life, stop := context.WithCancel(context.Background())
	listeners, err := proxy.Listen(life, "127.0.0.1", plan)
	if err != nil {
		stop()
		return nil, err
	}
	v := &Volunteer{ports: make(map[uint16]string), stop: stop}
	for _, l := range listeners {
		v.ports[l.Port.Number] = l.Addr().String()
	}
	dialer := &upstream.Dialer{
		Lookup:   lookup,
		DialAddr: v.dialer(config),
		Own:      func() []netip.Addr { return []netip.Addr{} },
	}
	site := web.SiteBuiltIn([]byte("lab"))
	if config.Site != nil {
		site = config.Site(v.Address)
	}
	server := &proxy.Server{
		Certificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return certificate, nil },
		Upstream:    dialer,
		Site:        site,
		Stats:       stats.New("lab"),
		SendHeader:  config.SendHeader,
		TrustHeader: config.Trust,
		Admitted:    config.Admitted,
	}
	v.ended.Go(func() {
		defer dialer.Close()
		server.Run(life, life, listeners) // one context for both: no draining
	})
	return v, nil
}

// Address returns where the port with that official number listens.
func (v *Volunteer) Address(number uint16) string { return v.ports[number] }

// Close stops the proxy and waits for it. It returns an error if the proxy ever
// dialed anything but the service.
func (v *Volunteer) Close() error {
	v.stop()
	v.ended.Wait()
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.strayed) > 0 {
		return fmt.Errorf("%w: %v", errElsewhere, v.strayed)
	}
	return nil
}

// lookup knows the names of the official image and no other.
func lookup(_ context.Context, host string) ([]netip.Addr, error) {
	switch host {
	case "g.whatsapp.net":
		return []netip.Addr{chatAddress}, nil
	case "whatsapp.net":
		return []netip.Addr{mediaAddress}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

// dialer leads the service's addresses to the stand-in.
func (v *Volunteer) dialer(config Config) func(context.Context, netip.AddrPort) (net.Conn, error) {
	ways := map[netip.AddrPort]string{
		netip.AddrPortFrom(chatAddress, 5222): config.Chat,
		netip.AddrPortFrom(chatAddress, 443):  config.Chat,
		netip.AddrPortFrom(chatAddress, 80):   config.Chat,
		netip.AddrPortFrom(mediaAddress, 443): config.Media,
	}
	return func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
		way, ok := ways[to]
		if !ok {
			v.mu.Lock()
			v.strayed = append(v.strayed, to.String())
			v.mu.Unlock()
			return nil, errElsewhere
		}
		var d net.Dialer
		return d.DialContext(ctx, "tcp", way)
	}
}

func selfSigned() (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "volunteer.example"},
		DNSNames:     []string{"volunteer.example"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
