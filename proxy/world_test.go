package proxy_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"causeway/memnet"
	"causeway/messenger/messengers"
	"causeway/proxy"
	"causeway/proxyproto"
	"causeway/stats"
	"causeway/upstream"
)

// The cast: addresses in a network that exists in memory only.
var (
	volunteer = netip.MustParseAddr("203.0.113.9")
	ownPublic = netip.MustParseAddr("57.144.9.9")
	phone     = netip.MustParseAddr("198.51.100.7")
	balancer  = netip.MustParseAddr("10.0.0.5")

	// Messengers' servers must be public addresses, or they are refused.
	chatAddr     = netip.MustParseAddr("57.144.1.1")
	fallbackAddr = netip.MustParseAddr("57.144.1.2")
	mediaAddr    = netip.MustParseAddr("57.144.2.1")
	signalAddr   = netip.MustParseAddr("13.248.212.111")
)

// whatsAppHello is the first flight of a new phone: 43 bytes.
var whatsAppHello = append([]byte("WA\x06\x03\x00\x00\x24\x12\x22\x0a\x20"), bytes.Repeat([]byte{0x42}, 32)...)

// world is one volunteer, the messengers' servers and a network between them.
type world struct {
	t      *testing.T
	net    memnet.Network
	hosts  sync.Map // name -> []netip.Addr
	server *proxy.Server
	logs   lockedBuffer
	ports  map[uint16]*proxy.Port
	stop   context.CancelFunc
	kill   context.CancelFunc
	ended  chan struct{}
}

// lockedBuffer collects what several goroutines write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// inWorld runs a test beside a proxy that serves every official port.
func inWorld(t *testing.T, change func(w *world), test func(t *testing.T, w *world)) {
	t.Helper()
	certificate := selfSigned(t)
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, ports: map[uint16]*proxy.Port{}, ended: make(chan struct{})}
		w.hosts.Store("g.whatsapp.net", []netip.Addr{chatAddr})
		w.hosts.Store("g-fallback.whatsapp.net", []netip.Addr{fallbackAddr})
		w.hosts.Store("whatsapp.net", []netip.Addr{mediaAddr})
		w.hosts.Store("chat.signal.org", []netip.Addr{signalAddr})
		w.server = &proxy.Server{
			Certificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return certificate, nil },
			Upstream:    &upstream.Dialer{Lookup: w.lookup, DialAddr: w.dialAddr, Own: func() []netip.Addr { return []netip.Addr{volunteer, ownPublic} }},
			Site:        testSite(),
			Stats:       stats.New("test"),
			Log:         slog.New(slog.NewTextHandler(&w.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
			SendHeader:  proxyproto.V1,
			TrustHeader: []netip.Prefix{netip.PrefixFrom(balancer, 32)},
			Drain:       proxy.DefaultDrain,
		}
		if change != nil {
			change(w)
		}
		w.run()
		test(t, w)
		w.stop()
		w.kill()
		<-w.ended
		time.Sleep(time.Second) // net/http lingers for 500 ms before a close
	})
}

func (w *world) run() {
	ports, err := proxy.PlanPorts(messengers.All, "official", 0)
	if err != nil {
		w.t.Fatal(err)
	}
	var listeners []proxy.Listener
	for i := range ports {
		l, err := w.net.Listen(netip.AddrPortFrom(volunteer, ports[i].Listen).String())
		if err != nil {
			w.t.Fatal(err)
		}
		w.ports[ports[i].Number] = &ports[i]
		listeners = append(listeners, proxy.Listener{Listener: l, Port: &ports[i]})
	}
	stop, endStop := context.WithCancel(w.t.Context())
	kill, endKill := context.WithCancel(w.t.Context())
	w.stop, w.kill = endStop, endKill
	go func() {
		w.server.Run(stop, kill, listeners)
		close(w.ended)
	}()
	synctest.Wait()
}

func (w *world) lookup(_ context.Context, host string) ([]netip.Addr, error) {
	addrs, ok := w.hosts.Load(host)
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return addrs.([]netip.Addr), nil
}

func (w *world) dialAddr(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	c, err := w.net.Dial(ctx, volunteer, to)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// serve answers at a messenger's address: handle gets each connection after
// the proxy's own health checks, which send nothing, are gone.
func (w *world) serve(at netip.AddrPort, handle func(c *memnet.Conn, first []byte)) {
	l, err := w.net.Listen(at.String())
	if err != nil {
		w.t.Fatal(err)
	}
	var handlers sync.WaitGroup
	w.t.Cleanup(handlers.Wait)
	w.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			handlers.Go(func() {
				defer c.Close()
				first := make([]byte, 64<<10)
				n, err := c.Read(first)
				if err != nil {
					return
				}
				handle(c.(*memnet.Conn), first[:n])
			})
		}
	}()
}

// record serves and keeps everything that arrives until EOF, then answers.
func (w *world) record(at netip.AddrPort) <-chan string {
	got := make(chan string, 16)
	w.serve(at, func(c *memnet.Conn, first []byte) {
		rest, _ := io.ReadAll(c)
		got <- string(first) + string(rest)
		io.WriteString(c, "answer")
	})
	return got
}

// echo serves and sends everything back, the PROXY header too.
func (w *world) echo(at netip.AddrPort) {
	w.serve(at, func(c *memnet.Conn, first []byte) {
		c.Write(first)
		io.Copy(c, c)
	})
}

// serveAll lets every messenger's servers answer, so that health checks are rare.
func (w *world) serveAll() {
	for _, addr := range []netip.AddrPort{at(chatAddr, 5222), at(mediaAddr, 443), at(signalAddr, 443)} {
		w.echo(addr)
	}
}

// connect opens a connection to one of the volunteer's ports.
func (w *world) connect(from netip.Addr, port uint16) *memnet.Conn {
	w.t.Helper()
	c, err := w.net.Dial(w.t.Context(), from, netip.AddrPortFrom(volunteer, port))
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// halfCloser is what the tests use of plain and TLS connections alike.
type halfCloser interface {
	net.Conn
	CloseWrite() error
}

// open connects to a port and does what it asks for before the first bytes:
// header is sent first, then TLS is made where the port ends it.
func (w *world) open(from netip.Addr, port uint16, header []byte, config *tls.Config) (halfCloser, error) {
	c := w.connect(from, port)
	c.Write(header)
	if !w.ports[port].TLS {
		return c, nil
	}
	if config == nil {
		config = &tls.Config{}
	}
	config.InsecureSkipVerify = true
	session := tls.Client(c, config)
	return session, session.Handshake()
}

// upstreamDials is how many dials there were to the messengers' servers, health
// checks among them.
func (w *world) upstreamDials() int {
	sum := 0
	for _, addr := range []netip.Addr{chatAddr, fallbackAddr, mediaAddr, signalAddr} {
		for _, port := range []uint16{5222, 443, 80} {
			sum += w.net.Dials(netip.AddrPortFrom(addr, port))
		}
	}
	return sum
}

// testSite is a web site of one page and the 404s of Go's own file server.
func testSite() http.Handler {
	return http.FileServerFS(fstest.MapFS{"index.html": {Data: []byte("<!doctype html><title>Hello</title><p>Hello.\n")}})
}

var madeOnce = sync.OnceValues(func() (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
})

func selfSigned(t *testing.T) *tls.Certificate {
	certificate, err := madeOnce()
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}
