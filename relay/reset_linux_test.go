package relay

import (
	"net"
	"sync/atomic"
	"testing"
	"time"
)

// A phone that breaks off while the server is sending must reach the server as
// a reset, never as an EOF, which would say that all was well.
func TestAResetInTheMiddleOfADownloadIsNoEOF(t *testing.T) {
	for range 10 {
		phone, client := tcpPair(t)
		upstream, server := tcpPair(t)
		var up, down atomic.Int64
		halfClosed := &tcpConn{Conn: upstream}
		flow := &Flow{Client: TCP(client), Upstream: halfClosed, Up: &up, Down: &down}
		ended := make(chan End, 1)
		go func() { ended <- flow.Run(t.Context()) }()
		server.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
		for err := error(nil); err == nil; { // until the phone's window is shut
			_, err = server.Write(make([]byte, 64<<10))
		}
		phone.SetLinger(0)
		phone.Close()
		if end := <-ended; end != Reset {
			t.Fatalf("the flow ended as %q, want a reset", end)
		}
		if halfClosed.said.Load() {
			t.Fatal("the server was told that the phone had said all, before the reset")
		}
		server.Close()
	}
}

func tcpPair(t *testing.T) (near, far *net.TCPConn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	a, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return c.(*net.TCPConn), a.(*net.TCPConn)
}
