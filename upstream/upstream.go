// Package upstream reaches a messenger's own servers, and nothing else: names
// are resolved and remembered, addresses raced, and every address is checked
// in the moment it is dialed.
package upstream

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

// Endpoint is one server: a host name and a TCP port.
type Endpoint struct {
	Host string
	Port uint16
}

// String returns host:port.
func (e Endpoint) String() string {
	return net.JoinHostPort(e.Host, strconv.Itoa(int(e.Port)))
}

// Endpoints lists the same port of several hosts.
func Endpoints(port uint16, hosts ...string) []Endpoint {
	list := make([]Endpoint, len(hosts))
	for i, host := range hosts {
		list[i] = Endpoint{Host: host, Port: port}
	}
	return list
}

// Dialer connects to servers and remembers their addresses and how dialing
// them went. The zero value is ready to use; do not copy it after the first
// use, and Close it after the last.
type Dialer struct {
	// AllowPrivate lifts the check of addresses, except that unspecified and
	// multicast ones stay refused. It is for tests and the lab only.
	AllowPrivate bool

	// Lookup resolves a host name; nil is net.DefaultResolver, which reads
	// /etc/hosts too. It has to return when ctx is done.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)

	// DialAddr opens a connection; nil is TCP without keep-alive, giving a
	// *net.TCPConn. It has to return when ctx is done.
	DialAddr func(ctx context.Context, addr netip.AddrPort) (net.Conn, error)

	// Own lists the addresses of this machine, which are refused because they
	// make a loop; nil is those of its network interfaces.
	Own func() []netip.Addr

	// Public is this machine's address beyond NAT, if it is known; it is refused
	// as its own.
	Public netip.Addr

	// Log gets a line when a name stops resolving and when it is back; nil is no
	// log. No line has an address in it.
	Log *slog.Logger

	setup   sync.Once
	closing context.Context // ends lookups
	stop    context.CancelFunc
	lookups sync.WaitGroup
	extra   chan struct{} // holds one element per attempt that needs a place

	mu     sync.Mutex
	hosts  map[string]*host
	failed map[netip.AddrPort]time.Time // when dialing it last failed
	own    []netip.Addr
	ownAt  time.Time // when own was read
}

func (d *Dialer) init() {
	d.setup.Do(func() {
		d.closing, d.stop = context.WithCancel(context.Background())
		d.extra = make(chan struct{}, maxExtra)
		d.hosts = make(map[string]*host)
		d.failed = make(map[netip.AddrPort]time.Time)
	})
}

// Dial connects to the first server of the list that answers, preferring the
// order of the list. All names are resolved and addresses tried at the same
// time as far as needed; a server that refuses lets the next two begin at once,
// a silent one lets one begin after 250 ms. It takes at most ConnectTimeout.
//
// The error names every server that was tried and why it did not answer, with
// hosts and ports but without addresses. It wraps their causes:
// syscall.ECONNREFUSED, context.DeadlineExceeded, ErrNotPublic and so on.
//
// One Dial has at most 16 attempts open at the same time, and all Dials of a
// Dialer together at most 64 more than there are Dials.
func (d *Dialer) Dial(ctx context.Context, to []Endpoint) (net.Conn, error) {
	d.init()
	return newRace(d, to).run(ctx)
}

// Probe connects as Dial does, and closes.
func (d *Dialer) Probe(ctx context.Context, to []Endpoint) error {
	conn, err := d.Dial(ctx, to)
	if err != nil {
		return err
	}
	return conn.Close()
}

// Close ends the lookups in the background. Dials that still run may fail.
func (d *Dialer) Close() {
	d.init()
	d.mu.Lock()
	d.stop()
	d.mu.Unlock()
	d.lookups.Wait()
}

func (d *Dialer) log() *slog.Logger {
	if d.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return d.Log
}
