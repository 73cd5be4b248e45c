package proxy

import (
	"net"
	"net/netip"
	"sync"

	"causeway/relay"
)

// wire is the connection under a TLS session. It tells what is known of it to
// those who see the session only: crypto/tls and net/http.
type wire struct {
	relay.Conn
	from     netip.AddrPort // who it is, also behind a load balancer
	admitted bool
	over     chan struct{} // closed by Close
	once     sync.Once
}

func newWire(client relay.Conn, from netip.AddrPort, admitted bool) *wire {
	return &wire{Conn: client, from: from, admitted: admitted, over: make(chan struct{})}
}

// RemoteAddr tells the web site whom it talks to.
func (w *wire) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(w.from) }

// Close ends the connection and everyone who waits for that.
func (w *wire) Close() error {
	err := w.Conn.Close()
	w.once.Do(func() { close(w.over) })
	return err
}
