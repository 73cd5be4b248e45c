package relay

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"causeway/memnet"
)

// flow is a phone and a server with a relay between them.
type flow struct {
	phone, server *memnet.Conn
	up, down      atomic.Int64
	end           chan End
	stop          context.CancelFunc
}

func start(t *testing.T) *flow { return startWith(t, func(*Flow) {}) }

func startWith(t *testing.T, change func(*Flow)) *flow {
	phone, client := memnet.Pair(netip.MustParseAddrPort("198.51.100.7:40000"), netip.MustParseAddrPort("203.0.113.9:443"))
	upstream, server := memnet.Pair(netip.MustParseAddrPort("203.0.113.9:50000"), netip.MustParseAddrPort("192.0.2.1:5222"))
	ctx, cancel := context.WithCancel(t.Context())
	f := &flow{phone: phone, server: server, end: make(chan End, 1), stop: cancel}
	relay := &Flow{Client: TCP(client), Upstream: TCP(upstream), Up: &f.up, Down: &f.down}
	change(relay)
	go func() { f.end <- relay.Run(ctx) }()
	return f
}

func (f *flow) wantEnd(t *testing.T, want End) {
	t.Helper()
	if got := <-f.end; got != want {
		t.Errorf("flow ended as %q, want %q", got, want)
	}
}

func TestEveryByteArrivesBothWays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		up, down := make([]byte, 1<<20), make([]byte, 3<<20+17)
		random := rand.NewChaCha8([32]byte{1})
		random.Read(up)
		random.Read(down)
		var writers sync.WaitGroup
		writers.Go(func() { writePieces(f.phone, up) })
		writers.Go(func() { writePieces(f.server, down) })
		var gotUp, gotDown []byte
		var readers sync.WaitGroup
		readers.Go(func() { gotUp, _ = io.ReadAll(f.server) })
		readers.Go(func() { gotDown, _ = io.ReadAll(f.phone) })
		writers.Wait()
		readers.Wait()
		f.wantEnd(t, Done)
		if !bytes.Equal(gotUp, up) || !bytes.Equal(gotDown, down) {
			t.Errorf("bytes differ: %d of %d up, %d of %d down", len(gotUp), len(up), len(gotDown), len(down))
		}
		if f.up.Load() != int64(len(up)) || f.down.Load() != int64(len(down)) {
			t.Errorf("counted %d up and %d down, want %d and %d", f.up.Load(), f.down.Load(), len(up), len(down))
		}
	})
}

// writePieces writes sizes around every buffer boundary, then says EOF.
func writePieces(c *memnet.Conn, b []byte) {
	for size := 1; len(b) > 0; size = size*3%70001 + 1 {
		n := min(size, len(b))
		c.Write(b[:n])
		b = b[n:]
	}
	c.CloseWrite()
}

func TestAnAnswerThirtySecondsAfterTheClientsEOFArrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		f.phone.Write([]byte("question"))
		f.phone.CloseWrite()
		if got, err := io.ReadAll(f.server); err != nil || string(got) != "question" {
			t.Fatalf("got %q, %v", got, err)
		}
		time.Sleep(30 * time.Second)
		f.server.Write([]byte("answer"))
		f.server.Close()
		if got, err := io.ReadAll(f.phone); err != nil || string(got) != "answer" {
			t.Errorf("got %q, %v", got, err)
		}
		f.wantEnd(t, Done)
	})
}

func TestTheServersEOFIsPassedOnAndTheClientMayGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		f.server.CloseWrite()
		if got, err := io.ReadAll(f.phone); err != nil || len(got) != 0 {
			t.Fatalf("got %q, %v", got, err)
		}
		time.Sleep(30 * time.Second)
		f.phone.Write([]byte("late"))
		f.phone.Close()
		if got, err := io.ReadAll(f.server); err != nil || string(got) != "late" {
			t.Errorf("got %q, %v", got, err)
		}
		f.wantEnd(t, Done)
	})
}

func TestResetsArePassedAsResets(t *testing.T) {
	cases := map[string]func(f *flow) (from, to *memnet.Conn){
		"from the phone":  func(f *flow) (from, to *memnet.Conn) { return f.phone, f.server },
		"from the server": func(f *flow) (from, to *memnet.Conn) { return f.server, f.phone },
	}
	for name, ends := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := start(t)
				from, to := ends(f)
				from.SetLinger(0)
				from.Close()
				if _, err := to.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
					t.Errorf("got %v, want a reset", err)
				}
				f.wantEnd(t, Reset)
			})
		})
	}
}

func TestAnIdleFlowEndsAfterTheIdleTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		began := time.Now()
		f.wantEnd(t, Idle)
		if got := time.Since(began); got != DefaultIdle {
			t.Errorf("ended after %v, want %v", got, DefaultIdle)
		}
		if _, err := f.phone.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("the phone got %v, want EOF", err)
		}
	})
}

func TestAnyBytesEitherWayKeepAFlowOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		began := time.Now()
		go io.Copy(io.Discard, f.phone)
		for range 5 {
			time.Sleep(DefaultIdle - time.Second)
			f.server.Write([]byte("ping"))
		}
		f.wantEnd(t, Idle)
		if got, want := time.Since(began), 6*DefaultIdle-5*time.Second; got != want {
			t.Errorf("ended after %v, want %v", got, want)
		}
	})
}

func TestASlowReaderHoldsTheServerBackNotOurMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		var sent atomic.Int64
		go func() {
			for {
				n, err := f.server.Write(make([]byte, 16<<10))
				sent.Add(int64(n))
				if err != nil {
					return
				}
			}
		}()
		synctest.Wait()
		// Two windows of 64 KiB in the network, one buffer in the relay.
		if got, most := sent.Load(), int64(2*64<<10+largeBuffer+smallBuffer); got > most {
			t.Errorf("took %d bytes off the server, want at most %d", got, most)
		}
		f.wantEnd(t, Idle)
	})
}

func TestStoppingEndsAFlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		f.stop()
		f.wantEnd(t, Stopped)
	})
}

func TestASideThatIsGoneIsFoundWhileBytesWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		f := startWith(t, func(f *Flow) {
			f.Gone = func(now time.Time) (gone, waiting bool) { return now.Sub(began) >= 30*time.Second, true }
		})
		f.wantEnd(t, Reset)
		if got := time.Since(began); got != 30*time.Second {
			t.Errorf("found after %v, want 30s", got)
		}
	})
}

func TestAFlowAtRestIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []time.Duration
		began := time.Now()
		f := startWith(t, func(f *Flow) {
			f.Gone = func(now time.Time) (gone, waiting bool) {
				asked = append(asked, now.Sub(began))
				return false, false
			}
		})
		time.Sleep(100 * time.Second)
		f.phone.Write([]byte("ping"))
		f.wantEnd(t, Idle)
		want := []time.Duration{5 * time.Second, 10 * time.Second, 105 * time.Second, 110 * time.Second}
		if !slices.Equal(asked, want) {
			t.Errorf("asked at %v, want %v", asked, want)
		}
		if got := time.Since(began); got != 100*time.Second+DefaultIdle {
			t.Errorf("ended after %v, want the idle time after the ping", got)
		}
	})
}

// faulty crashes when it is read, as a library may on hostile bytes.
type faulty struct{ Conn }

func (faulty) Read([]byte) (int, error) { panic("a fault") }

func TestACrashEndsItsFlowOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startWith(t, func(f *Flow) { f.Client = faulty{f.Client} })
		f.wantEnd(t, Crashed)
	})
}
