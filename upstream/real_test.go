package upstream_test

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"causeway/upstream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRealConnection(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	port := listener.Addr().(*net.TCPAddr).AddrPort().Port()

	d := &upstream.Dialer{AllowPrivate: true}
	defer d.Close()
	// IPv6 loopback refuses, or there is none.
	c, err := d.Dial(t.Context(), upstream.Endpoints(port, "::1", "127.0.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, ok := c.(*net.TCPConn); !ok {
		t.Errorf("got a %T, want a *net.TCPConn", c)
	}

	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer server.Close()
		io.WriteString(server, "hello")
	}()
	if got, err := io.ReadAll(c); string(got) != "hello" || err != nil {
		t.Errorf("got %q and %v, want hello", got, err)
	}

	listener.Close()
	if err := d.Probe(t.Context(), upstream.Endpoints(port, "127.0.0.1")); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v, want refused", err)
	}
}

// Without AllowPrivate no socket is opened to this machine.
func TestRealConnectionIsRefused(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	port := listener.Addr().(*net.TCPAddr).AddrPort().Port()
	hosts := []string{"127.0.0.1", "::1", "0.0.0.0", "::", "::ffff:127.0.0.1"}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, addr := range addrs {
		if prefix, err := netip.ParsePrefix(addr.String()); err == nil {
			hosts = append(hosts, prefix.Addr().String())
		}
	}
	d := &upstream.Dialer{}
	defer d.Close()
	for _, host := range hosts {
		if err := d.Probe(t.Context(), upstream.Endpoints(port, host)); !errors.Is(err, upstream.ErrNotPublic) {
			t.Errorf("%s: got %v, want %v", host, err, upstream.ErrNotPublic)
		}
	}
}
