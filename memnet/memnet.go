// Package memnet is a TCP network in memory: tests move real bytes through it
// with half-closes, resets, deadlines and back pressure, inside synctest.
package memnet

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"syscall"
)

// backlog is how many dialed connections a listener holds before dials wait.
const backlog = 128

// Network is a set of listeners that can be dialed. The zero value is ready.
type Network struct {
	mu        sync.Mutex
	listeners map[netip.AddrPort]*listener
	dials     map[netip.AddrPort]int
	silent    map[netip.AddrPort]bool
	lastPort  uint16
}

// Listen opens a listener on an address such as "203.0.113.9:443".
func (n *Network) Listen(address string) (net.Listener, error) {
	addr, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners[addr] != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Err: syscall.EADDRINUSE}
	}
	if n.listeners == nil {
		n.listeners = map[netip.AddrPort]*listener{}
	}
	l := &listener{network: n, addr: addr, queue: make(chan *Conn, backlog), closed: make(chan struct{})}
	n.listeners[addr] = l
	return l, nil
}

// BlackHole makes dials to the address hang until their context ends.
func (n *Network) BlackHole(to netip.AddrPort, on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.silent == nil {
		n.silent = map[netip.AddrPort]bool{}
	}
	n.silent[to] = on
}

// Dials returns how often the address was dialed, whatever came of it.
func (n *Network) Dials(to netip.AddrPort) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dials[to]
}

// AllDials returns how many dials there were in all.
func (n *Network) AllDials() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	sum := 0
	for _, count := range n.dials {
		sum += count
	}
	return sum
}

// Dial connects from an address (a port of its own choice) to a listener. An
// address that nobody listens on refuses.
func (n *Network) Dial(ctx context.Context, from netip.Addr, to netip.AddrPort) (*Conn, error) {
	l, client, server := n.connect(from, to)
	if l == nil {
		<-ctx.Done()
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: ctx.Err()}
	}
	if client == nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	select {
	case l.queue <- server:
		return client, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	case <-ctx.Done():
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: ctx.Err()}
	}
}

// connect looks the listener up: nil for a black hole, no client for a refusal.
func (n *Network) connect(from netip.Addr, to netip.AddrPort) (l *listener, client, server *Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.dials == nil {
		n.dials = map[netip.AddrPort]int{}
	}
	n.dials[to]++
	if n.silent[to] {
		return nil, nil, nil
	}
	l = n.listeners[to]
	if l == nil {
		return &listener{}, nil, nil
	}
	n.lastPort++
	client, server = Pair(netip.AddrPortFrom(from, 10000+n.lastPort%50000), to)
	return l, client, server
}

type listener struct {
	network *Network
	addr    netip.AddrPort
	queue   chan *Conn
	closed  chan struct{}
	once    sync.Once
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: net.ErrClosed}
	}
}

func (l *listener) Close() error {
	l.once.Do(func() {
		l.network.mu.Lock()
		delete(l.network.listeners, l.addr)
		l.network.mu.Unlock()
		close(l.closed)
		for {
			select {
			case c := <-l.queue:
				c.SetLinger(0)
				c.Close()
				continue
			default:
			}
			return
		}
	})
	return nil
}

func (l *listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.addr) }
