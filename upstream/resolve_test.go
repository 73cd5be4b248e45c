package upstream_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"causeway/upstream"
)

var errDown = errors.New("network is down")

func TestAnswersAreRenewed(t *testing.T) {
	w := &world{
		names:   map[string]name{"g.example": {addrs: []string{a4}, takes: time.Second}},
		servers: map[string]server{on(a4, 5222): {up: true}, on(b4, 5222): {up: true}},
	}
	inWorld(t, w, func(t *testing.T, d *upstream.Dialer) {
		reaches(t, d, one, on(a4, 5222), time.Second)
		equal(t, w.asked(), []string{"g.example"})
		w.set(func() { w.names["g.example"] = name{addrs: []string{b4}, takes: time.Second} })

		time.Sleep(59 * time.Second)
		reaches(t, d, one, on(a4, 5222), 0)
		equal(t, w.asked(), nil)

		time.Sleep(time.Second)
		reaches(t, d, one, on(a4, 5222), 0) // while it is renewed
		equal(t, w.asked(), []string{"g.example"})
		time.Sleep(time.Second)
		synctest.Wait()
		reaches(t, d, one, on(b4, 5222), 0)
	})
}

func TestAnswersAreKeptWhenLookupsFail(t *testing.T) {
	tests := map[string]name{
		"no server":     {err: errDown},
		"no such host":  {}, // with no addresses
		"hangs":         {hangs: true},
		"private":       {addrs: []string{"10.0.0.1", "fd00::1"}},
		"unspecified":   {addrs: []string{"0.0.0.0", "::"}},
		"error and one": {addrs: []string{"157.240.0.9"}, err: errDown},
	}
	for title, later := range tests {
		t.Run(title, func(t *testing.T) {
			w := &world{
				names:   map[string]name{"g.example": {addrs: []string{a4}}},
				servers: map[string]server{on(a4, 5222): {up: true}},
			}
			inWorld(t, w, func(t *testing.T, d *upstream.Dialer) {
				reaches(t, d, one, on(a4, 5222), 0)
				w.set(func() { w.names["g.example"] = later })
				for began := time.Now(); time.Since(began) < 24*time.Hour-time.Minute; time.Sleep(10 * time.Minute) {
					reaches(t, d, one, on(a4, 5222), 0)
				}
				time.Sleep(20 * time.Minute)
				w.dialed()
				fails(t, d, one, 3*time.Second)
				equal(t, w.dialed(), nil)
			})
		})
	}
}

func TestNamesDownAtStart(t *testing.T) {
	w := &world{
		names:   map[string]name{"g.example": {err: errDown}},
		servers: map[string]server{on(a4, 5222): {up: true}},
	}
	inWorld(t, w, func(t *testing.T, d *upstream.Dialer) {
		fails(t, d, one, 0)
		fails(t, d, one, 0)
		equal(t, w.asked(), []string{"g.example"}) // once a second
		time.Sleep(time.Second)
		fails(t, d, one, 0)
		w.set(func() { w.names["g.example"] = name{addrs: []string{a4}} })
		time.Sleep(time.Second)
		reaches(t, d, one, on(a4, 5222), 0)
	})
}

func TestLookupEndsAfterThreeSeconds(t *testing.T) {
	w := &world{names: map[string]name{"g.example": {hangs: true}}}
	inWorld(t, w, func(t *testing.T, d *upstream.Dialer) {
		if err := fails(t, d, one, 3*time.Second); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want a time-out", err)
		}
	})
}

func TestOneLookupAtATime(t *testing.T) {
	w := &world{
		names:   map[string]name{"g.example": {addrs: []string{a4}, takes: time.Second}},
		servers: map[string]server{on(a4, 5222): {up: true}},
	}
	inWorld(t, w, func(t *testing.T, d *upstream.Dialer) {
		crowd(100, func() { reaches(t, d, one, on(a4, 5222), time.Second) })
		equal(t, w.asked(), []string{"g.example"})
	})
}

// Servers that have moved are found before the answer is old, and a dead server
// costs one lookup a second at most.
func TestDeadAddressesAreLookedUpAgain(t *testing.T) {
	w := &world{
		names:   map[string]name{"g.example": {addrs: []string{a4}}},
		servers: map[string]server{on(b4, 5222): {up: true}},
	}
	inWorld(t, w, func(t *testing.T, d *upstream.Dialer) {
		began := time.Now()
		for time.Since(began) < 10*time.Second {
			fails(t, d, one, 0)
			time.Sleep(10 * time.Millisecond)
		}
		if got := len(w.asked()); got != 10 {
			t.Errorf("got %d lookups in 10 s, want 10", got)
		}
		w.set(func() { w.names["g.example"] = name{addrs: []string{b4}} })
		time.Sleep(time.Second)
		fails(t, d, one, 0)
		synctest.Wait()
		reaches(t, d, one, on(b4, 5222), 0)
	})
}

// A name whose answer turns private is not followed there.
func TestRebinding(t *testing.T) {
	for _, private := range []string{"127.0.0.1", "10.0.0.1", "169.254.169.254", "0.0.0.0", "::", "::1", "fd00::1",
		"::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::", "fe80::1%eth0"} {
		t.Run(private, func(t *testing.T) {
			w := &world{names: map[string]name{"g.example": {addrs: []string{a4}}}}
			inWorld(t, w, func(t *testing.T, d *upstream.Dialer) {
				fails(t, d, one, 0)
				w.set(func() { w.names["g.example"] = name{addrs: []string{private}} })
				for range 5 {
					time.Sleep(time.Minute)
					fails(t, d, one, 0)
				}
				for _, addr := range w.dialed() {
					if addr != on(a4, 5222) {
						t.Errorf("dialed %s", addr)
					}
				}
			})
		})
	}
}

func TestPrivateAnswers(t *testing.T) {
	private := []string{"10.0.0.1", "::1", "::ffff:127.0.0.1", "192.0.2.1", "100.64.0.1"}
	w := &world{names: map[string]name{
		"g.example":          {addrs: append(private, a4, "::ffff:157.240.0.2")},
		"g-fallback.example": {addrs: private},
	}}
	inWorld(t, w, func(t *testing.T, d *upstream.Dialer) {
		fails(t, d, one, 0)
		equal(t, w.dialed(), []string{on(a4, 5222), on(b4, 5222)})
		err := fails(t, d, upstream.Endpoints(5222, "g-fallback.example"), 0)
		if !errors.Is(err, upstream.ErrNotPublic) {
			t.Errorf("got %v, want %v", err, upstream.ErrNotPublic)
		}
		equal(t, w.dialed(), nil)

		d.AllowPrivate = true
		time.Sleep(time.Second)
		fails(t, d, upstream.Endpoints(5222, "g-fallback.example"), 0)
		if got := len(w.dialed()); got != len(private) {
			t.Errorf("got %d addresses dialed, want %d", got, len(private))
		}
	})
}

// The address is checked once more when it is dialed: here this machine got it
// after the name was resolved.
func TestOwnAddress(t *testing.T) {
	w := &world{
		names:   map[string]name{"g.example": {addrs: []string{a4, "64:ff9b::9df0:1"}}},
		servers: map[string]server{on(a4, 5222): {up: true}},
	}
	inWorld(t, w, func(t *testing.T, d *upstream.Dialer) {
		var own []netip.Addr
		d.Own = func() []netip.Addr { return own }
		reaches(t, d, one, on(a4, 5222), 0)
		w.dialed()
		own = []netip.Addr{netip.MustParseAddr("::ffff:" + a4)}
		time.Sleep(10 * time.Second)
		if err := fails(t, d, one, 0); !errors.Is(err, upstream.ErrNotPublic) {
			t.Errorf("got %v, want %v", err, upstream.ErrNotPublic)
		}
		equal(t, w.dialed(), nil)
	})
}

func TestManyHosts(t *testing.T) {
	w := &world{}
	inWorld(t, w, func(t *testing.T, d *upstream.Dialer) {
		for i := range 300 {
			fails(t, d, upstream.Endpoints(1, fmt.Sprintf("%d.example", i)), 0)
		}
		if got := len(w.asked()); got != 256 {
			t.Errorf("got %d names looked up, want 256", got)
		}
	})
}
