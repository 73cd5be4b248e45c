package upstream_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"causeway/upstream"
)

// world is what a Dialer meets outside: names, and servers by address and port.
// A server that is not listed refuses.
type world struct {
	mu      sync.Mutex
	names   map[string]name
	servers map[string]server
	lookups []string
	dials   []dial
	open    int // connections and attempts
	most    int // open at the same time
}

type name struct {
	addrs []string
	err   error
	hangs bool
	takes time.Duration
}

type server struct {
	up     bool
	silent bool
	takes  time.Duration
	err    error
}

type dial struct {
	addr string
	at   time.Duration
}

// conn counts itself in its world until it is closed.
type conn struct {
	net.Conn
	addr  string
	close func()
}

func (c *conn) Close() error {
	c.close()
	return nil
}

func (w *world) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	w.mu.Lock()
	w.lookups = append(w.lookups, host)
	n, ok := w.names[host]
	w.mu.Unlock()
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: host, Server: "192.0.2.53:53", IsNotFound: true}
	}
	if n.hangs {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if err := wait(ctx, n.takes); err != nil {
		return nil, err
	}
	var addrs []netip.Addr
	for _, addr := range n.addrs {
		addrs = append(addrs, netip.MustParseAddr(addr))
	}
	return addrs, n.err
}

func (w *world) dial(ctx context.Context, addr netip.AddrPort) (net.Conn, error) {
	started := time.Now()
	w.mu.Lock()
	s := w.servers[addr.String()]
	w.dials = append(w.dials, dial{addr.String(), time.Duration(started.UnixNano())})
	w.open++
	w.most = max(w.most, w.open)
	w.mu.Unlock()
	err := wait(ctx, s.takes)
	if err == nil && s.silent {
		<-ctx.Done()
		err = ctx.Err()
	}
	if err == nil && !s.up {
		err = os.NewSyscallError("connect", syscall.ECONNREFUSED)
	}
	if s.err != nil {
		err = s.err
	}
	if err != nil {
		w.leave()
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(addr), Err: err}
	}
	return &conn{addr: addr.String(), close: sync.OnceFunc(w.leave)}, nil
}

func (w *world) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open--
}

func wait(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return nil
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// set changes a name or a server while Dials may run.
func (w *world) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// asked returns the lookups since the last call.
func (w *world) asked() []string {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	asked := w.lookups
	w.lookups = nil
	return asked
}

// dialed returns the addresses dialed since the last call.
func (w *world) dialed() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var addrs []string
	for _, d := range w.dials {
		addrs = append(addrs, d.addr)
	}
	w.dials = nil
	return addrs
}

// inWorld runs test in a bubble with a Dialer that knows only w, and checks that
// no connection is left over.
func inWorld(t *testing.T, w *world, test func(t *testing.T, d *upstream.Dialer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := &upstream.Dialer{Lookup: w.lookup, DialAddr: w.dial, Own: func() []netip.Addr { return nil }}
		test(t, d)
		d.Close()
		synctest.Wait()
		if w.open != 0 {
			t.Errorf("%d connections are left open", w.open)
		}
	})
}

// dialing returns the address that Dial reached and how long it took.
func dialing(d *upstream.Dialer, to []upstream.Endpoint) (addr string, took time.Duration, err error) {
	began := time.Now()
	c, err := d.Dial(context.Background(), to)
	took = time.Since(began)
	if err != nil {
		return "", took, err
	}
	defer c.Close()
	return c.(*conn).addr, took, nil
}

// reaches checks where Dial gets to, in at most the given time.
func reaches(t *testing.T, d *upstream.Dialer, to []upstream.Endpoint, want string, within time.Duration) {
	t.Helper()
	got, took, err := dialing(d, to)
	if err != nil || got != want || took > within {
		t.Errorf("got %q after %v with error %v, want %q within %v", got, took, err, want, within)
	}
}

// fails checks that Dial fails in at most the given time.
func fails(t *testing.T, d *upstream.Dialer, to []upstream.Endpoint, within time.Duration) error {
	t.Helper()
	got, took, err := dialing(d, to)
	if err == nil || took > within {
		t.Errorf("got %q after %v with error %v, want an error within %v", got, took, err, within)
	}
	return err
}

// warm lets d resolve the names of both, whose answers otherwise come in any
// order.
func warm(t *testing.T, w *world, d *upstream.Dialer) {
	t.Helper()
	fails(t, d, upstream.Endpoints(1, "g.example", "g-fallback.example"), 0)
	w.asked()
	w.dialed()
}

func equal(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Addresses that are public and not this machine's.
const (
	a4 = "157.240.0.1"
	b4 = "157.240.0.2"
	a6 = "2a03:2880::1"
	b6 = "2a03:2880::2"
)

func on(addr string, port int) string {
	return net.JoinHostPort(addr, fmt.Sprint(port))
}

var (
	one  = upstream.Endpoints(5222, "g.example")
	both = upstream.Endpoints(5222, "g.example", "g-fallback.example")
	six  = slices.Concat(both, upstream.Endpoints(443, "g.example", "g-fallback.example"),
		upstream.Endpoints(80, "g.example", "g-fallback.example"))
)
