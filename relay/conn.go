package relay

import (
	"crypto/tls"
	"io"
	"net"
	"sync/atomic"

	"causeway/system"
)

// Conn is one side of a flow: a connection whose directions end one by one,
// and which can be dropped with a reset.
type Conn interface {
	net.Conn
	CloseWrite() error // the other side reads an EOF; reading goes on
	Reset() error      // the other side gets an RST
}

// TCP makes a Conn of a *net.TCPConn or of a connection that behaves as one.
// One that cannot end a single direction, or reset, is closed instead.
func TCP(c net.Conn) Conn { return &tcpConn{Conn: c} }

type tcpConn struct {
	net.Conn
	said atomic.Bool // our own EOF
}

// Read tells a reset from an EOF also where the system has told somebody else.
func (c *tcpConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == io.EOF && !c.said.Load() && system.WasReset(c.Conn) {
		err = system.ErrReset
	}
	return n, err
}

func (c *tcpConn) CloseWrite() error {
	c.said.Store(true)
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Close()
}

func (c *tcpConn) Reset() error {
	if lingering, ok := c.Conn.(interface{ SetLinger(int) error }); ok {
		lingering.SetLinger(0)
	}
	return c.Close()
}

// TLS makes a Conn of the server end of a TLS session over raw.
func TLS(session *tls.Conn, raw Conn) Conn { return tlsConn{session, raw} }

type tlsConn struct {
	*tls.Conn
	raw Conn
}

// CloseWrite sends close_notify and then a FIN, as HAProxy does: clients that
// watch the socket rather than the alert learn of the end too.
func (c tlsConn) CloseWrite() error {
	err := c.Conn.CloseWrite()
	if finErr := c.raw.CloseWrite(); err == nil {
		err = finErr
	}
	return err
}

// Reset drops the connection under the session, without an alert.
func (c tlsConn) Reset() error { return c.raw.Reset() }
