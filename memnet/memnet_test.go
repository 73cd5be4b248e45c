package memnet

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

var (
	phone  = netip.MustParseAddrPort("198.51.100.7:40000")
	server = netip.MustParseAddrPort("203.0.113.9:443")
)

func TestHalfCloseKeepsTheOtherDirectionOpen(t *testing.T) {
	a, b := Pair(phone, server)
	a.Write([]byte("question"))
	a.CloseWrite()
	question, err := io.ReadAll(b)
	if err != nil || string(question) != "question" {
		t.Fatalf("got %q, %v", question, err)
	}
	b.Write([]byte("answer"))
	b.Close()
	answer, err := io.ReadAll(a)
	if err != nil || string(answer) != "answer" {
		t.Fatalf("got %q, %v", answer, err)
	}
}

func TestResetArrivesAfterTheBytesBeforeIt(t *testing.T) {
	a, b := Pair(phone, server)
	a.Write([]byte("last"))
	a.SetLinger(0)
	a.Close()
	got, err := io.ReadAll(b)
	if string(got) != "last" || !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("got %q, %v; want %q and a reset", got, err, "last")
	}
	if _, err := b.Write([]byte("x")); !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("writing after a reset: got %v", err)
	}
}

func TestCloseWithUnreadBytesIsAReset(t *testing.T) {
	a, b := Pair(phone, server)
	a.Write([]byte("never read"))
	b.Close()
	if _, err := a.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("got %v, want a reset", err)
	}
}

func TestDeadlineEndsAWaitingRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := Pair(phone, server)
		a.SetReadDeadline(time.Now().Add(3 * time.Second))
		start := time.Now()
		_, err := a.Read(make([]byte, 1))
		if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != 3*time.Second {
			t.Fatalf("got %v after %v", err, time.Since(start))
		}
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Fatalf("%v is not a time-out", err)
		}
	})
}

func TestAFullWindowHoldsTheWriterBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pair(phone, server)
		a.SetWriteDeadline(time.Now().Add(time.Second))
		n, err := a.Write(make([]byte, window+1))
		if n != window || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("got %d, %v", n, err)
		}
		a.SetWriteDeadline(time.Time{})
		sent := bytes.Repeat([]byte("z"), 3*window)
		go func() {
			a.Write(sent)
			a.Close()
		}()
		got, err := io.ReadAll(b)
		if err != nil || len(got) != window+len(sent) {
			t.Fatalf("got %d bytes, %v", len(got), err)
		}
	})
}

func TestDialFindsListenersRefusesAndHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n Network
		if _, err := n.Dial(t.Context(), phone.Addr(), server); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("nobody listens: got %v", err)
		}
		l, err := n.Listen(server.String())
		if err != nil {
			t.Fatal(err)
		}
		c, err := n.Dial(t.Context(), phone.Addr(), server)
		if err != nil {
			t.Fatal(err)
		}
		s, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if got := s.RemoteAddr().String(); got != c.LocalAddr().String() {
			t.Fatalf("got %s, want %s", got, c.LocalAddr())
		}
		n.BlackHole(server, true)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if _, err := n.Dial(ctx, phone.Addr(), server); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("black hole: got %v", err)
		}
		if got := n.Dials(server); got != 3 {
			t.Fatalf("got %d dials, want 3", got)
		}
		l.Close()
	})
}
