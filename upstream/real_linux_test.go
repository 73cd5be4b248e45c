package upstream_test

import (
	"net"
	"syscall"
	"testing"
	"time"

	"causeway/upstream"
)

// The caller sets its own keep-alive.
func TestRealConnectionHasNoKeepAlive(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	d := &upstream.Dialer{AllowPrivate: true}
	defer d.Close()
	port := listener.Addr().(*net.TCPAddr).AddrPort().Port()
	c, err := d.Dial(t.Context(), upstream.Endpoints(port, "127.0.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Control(func(fd uintptr) {
		on, err := syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_KEEPALIVE)
		if on != 0 || err != nil {
			t.Errorf("got keep-alive %d with error %v, want 0", on, err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A listener with a full backlog drops every further SYN: a black hole without
// a firewall. The attempt at it is cut off as soon as the other server answers.
func TestRealBlackHole(t *testing.T) {
	hole := fullListener(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	port := listener.Addr().(*net.TCPAddr).AddrPort().Port()

	d := &upstream.Dialer{AllowPrivate: true}
	defer d.Close()
	to := []upstream.Endpoint{{Host: "127.0.0.1", Port: hole}, {Host: "127.0.0.1", Port: port}}
	for _, atMost := range []time.Duration{time.Second, 200 * time.Millisecond} {
		began := time.Now()
		c, err := d.Dial(t.Context(), to)
		took := time.Since(began)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		if took > atMost {
			t.Errorf("took %v, want at most %v", took, atMost)
		}
	}
}

// fullListener returns a port where connecting hangs.
func fullListener(t *testing.T) uint16 {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	port := uint16(name.(*syscall.SockaddrInet4).Port)
	for range 10 {
		c, err := net.DialTimeout("tcp", upstream.Endpoint{Host: "127.0.0.1", Port: port}.String(), 50*time.Millisecond)
		if err != nil {
			return port
		}
		t.Cleanup(func() { c.Close() })
	}
	t.Skip("this system has no small backlog")
	return 0
}
