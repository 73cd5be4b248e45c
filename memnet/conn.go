package memnet

import (
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
)

// window is how many bytes one direction holds before its writer waits.
const window = 64 << 10

// Conn is one end of a connection. It behaves as a *net.TCPConn does on Linux:
// bytes that arrived before a reset can still be read.
type Conn struct {
	in, out       *half
	local, remote netip.AddrPort
	mu            sync.Mutex
	linger        int
	closed        bool
}

// Pair returns the two ends of one connection.
func Pair(client, server netip.AddrPort) (*Conn, *Conn) {
	up, down := newHalf(), newHalf()
	return &Conn{in: down, out: up, local: client, remote: server, linger: -1},
		&Conn{in: up, out: down, local: server, remote: client, linger: -1}
}

// Read reads what the other end wrote.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.in.read(p)
	if err != nil && err != io.EOF {
		return n, &net.OpError{Op: "read", Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
	}
	return n, err
}

// Write waits while the other end's window is full.
func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.out.write(p)
	if err != nil {
		return n, &net.OpError{Op: "write", Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
	}
	return n, nil
}

// CloseWrite sends the other end an EOF; reading goes on.
func (c *Conn) CloseWrite() error {
	c.out.change(func(h *half) { h.fin = true })
	return nil
}

// SetLinger(0) turns the next Close into a reset.
func (c *Conn) SetLinger(seconds int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.linger = seconds
	return nil
}

// Close ends both directions: with an EOF, or with a reset after SetLinger(0)
// or when received bytes were left unread.
func (c *Conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return &net.OpError{Op: "close", Net: "tcp", Err: net.ErrClosed}
	}
	c.closed = true
	reset := c.linger == 0 || c.in.unread() > 0
	c.out.change(func(h *half) {
		h.fin = true
		h.writerGone = true
		if reset {
			h.reset = true
		}
	})
	c.in.change(func(h *half) {
		h.readerGone = true
		if reset {
			h.peerReset = true
		}
		h.buf = nil
	})
	return nil
}

// LocalAddr returns this end's address, a *net.TCPAddr.
func (c *Conn) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(c.local) }

// RemoteAddr returns the other end's address, a *net.TCPAddr.
func (c *Conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

// SetDeadline sets both deadlines.
func (c *Conn) SetDeadline(t time.Time) error {
	c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

// SetReadDeadline ends a waiting or later Read at that time; zero is never.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.in.readBy.set(c.in, t)
	return nil
}

// SetWriteDeadline ends a waiting or later Write at that time; zero is never.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.out.writeBy.set(c.out, t)
	return nil
}

// half is one direction.
type half struct {
	mu         sync.Mutex
	changed    *sync.Cond
	buf        []byte
	fin        bool // the writer said EOF
	reset      bool // the writer reset: after buf, ECONNRESET
	writerGone bool
	readerGone bool
	peerReset  bool // the reader reset the connection
	readBy     deadline
	writeBy    deadline
}

func newHalf() *half {
	h := &half{}
	h.changed = sync.NewCond(&h.mu)
	return h
}

func (h *half) change(f func(*half)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f(h)
	h.changed.Broadcast()
}

func (h *half) unread() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.buf)
}

func (h *half) read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.readerGone:
			return 0, net.ErrClosed
		case h.readBy.passed():
			return 0, os.ErrDeadlineExceeded
		case len(h.buf) > 0:
			n := copy(p, h.buf)
			h.buf = h.buf[n:]
			h.changed.Broadcast()
			return n, nil
		case h.reset:
			return 0, syscall.ECONNRESET
		case h.fin:
			return 0, io.EOF
		case len(p) == 0:
			return 0, nil
		}
		h.changed.Wait()
	}
}

func (h *half) write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	written := 0
	for {
		switch {
		case h.writerGone:
			return written, net.ErrClosed
		case h.fin:
			return written, syscall.EPIPE
		case h.peerReset:
			return written, syscall.ECONNRESET
		case h.readerGone:
			return written, syscall.EPIPE
		case h.writeBy.passed():
			return written, os.ErrDeadlineExceeded
		case written == len(p):
			return written, nil
		}
		if room := window - len(h.buf); room > 0 {
			n := min(room, len(p)-written)
			h.buf = append(h.buf, p[written:written+n]...)
			written += n
			h.changed.Broadcast()
			continue
		}
		h.changed.Wait()
	}
}

type deadline struct {
	at    time.Time
	timer *time.Timer
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

func (d *deadline) set(h *half, t time.Time) {
	h.change(func(*half) {
		if d.timer != nil {
			d.timer.Stop()
			d.timer = nil
		}
		d.at = t
		if !t.IsZero() && time.Until(t) > 0 {
			d.timer = time.AfterFunc(time.Until(t), func() { h.change(func(*half) {}) })
		}
	})
}
