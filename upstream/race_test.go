package upstream_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"causeway/upstream"
)

func TestDialTakes(t *testing.T) {
	const ms = time.Millisecond
	names := map[string]name{
		"g.example":          {addrs: []string{a6, a4}},
		"g-fallback.example": {addrs: []string{b6, b4}},
	}
	all := func(s server) map[string]server {
		servers := make(map[string]server)
		for _, addr := range []string{a4, b4, a6, b6} {
			for _, port := range []int{5222, 443, 80} {
				servers[on(addr, port)] = s
			}
		}
		return servers
	}
	tests := []struct {
		name    string
		to      []upstream.Endpoint
		servers map[string]server
		want    string // "" means an error
		took    time.Duration
	}{
		{"first server answers", six, all(server{up: true, takes: 30 * ms}), on(a6, 5222), 30 * ms},
		{"IPv6 refused", one, map[string]server{on(a4, 5222): {up: true}}, on(a4, 5222), 0},
		{"IPv6 black-holed", one, map[string]server{on(a6, 5222): {silent: true}, on(a4, 5222): {up: true}}, on(a4, 5222), 250 * ms},
		{"no IPv6 route, so no haste", both, map[string]server{
			on(a6, 5222): {err: syscall.ENETUNREACH}, on(a4, 5222): {up: true, takes: 90 * ms}, on(b6, 5222): {up: true, takes: 10 * ms},
		}, on(a4, 5222), 90 * ms},
		{"first of two black-holed", both, map[string]server{
			on(a6, 5222): {silent: true}, on(a4, 5222): {silent: true}, on(b6, 5222): {up: true},
		}, on(b6, 5222), 500 * ms},
		{"port 5222 black-holed", six, map[string]server{
			on(a6, 5222): {silent: true}, on(a4, 5222): {silent: true}, on(b6, 5222): {silent: true}, on(b4, 5222): {silent: true},
			on(a6, 443): {up: true},
		}, on(a6, 443), 1000 * ms},
		{"slow server wins over later ones", one, map[string]server{
			on(a6, 5222): {up: true, takes: 400 * ms}, on(a4, 5222): {up: true, takes: 200 * ms},
		}, on(a6, 5222), 400 * ms},
		{"later server overtakes", one, map[string]server{
			on(a6, 5222): {up: true, takes: 900 * ms}, on(a4, 5222): {up: true, takes: 100 * ms},
		}, on(a4, 5222), 350 * ms},
		{"all refuse at once", six, nil, "", 0},
		{"all refuse from far away", six, all(server{takes: 200 * ms}), "", 800 * ms},
		{"all black-holed", six, all(server{silent: true}), "", 5 * time.Second},
		{"one black-holed", upstream.Endpoints(5222, "g.example"), all(server{silent: true}), "", 5 * time.Second},
		{"refused or black-holed", both, map[string]server{on(a4, 5222): {silent: true}}, "", 5 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := &world{names: names, servers: test.servers}
			inWorld(t, w, func(t *testing.T, d *upstream.Dialer) {
				warm(t, w, d)
				got, took, err := dialing(d, test.to)
				if got != test.want || (err != nil) != (test.want == "") || took != test.took {
					t.Errorf("got %q after %v with error %v, want %q after %v", got, took, err, test.want, test.took)
				}
			})
		})
	}
}

func TestDialOrder(t *testing.T) {
	w := &world{names: map[string]name{
		"g.example":          {addrs: []string{a6, "2a03:2880::a", a4, "157.240.0.10"}},
		"g-fallback.example": {addrs: []string{b4, b6, a4}}, // a4 is the same server
	}}
	inWorld(t, w, func(t *testing.T, d *upstream.Dialer) {
		warm(t, w, d)
		fails(t, d, both, 0)
		equal(t, w.dialed(), []string{
			on(a6, 5222), on(a4, 5222), on(b4, 5222), on(b6, 5222),
			on("2a03:2880::a", 5222), on("157.240.0.10", 5222),
		})
	})
}

// What failed in the last 30 s comes last, so that it costs the next client
// nothing, and it is the first again after that.
func TestDialRemembersFailures(t *testing.T) {
	for _, down := range []server{{silent: true}, {takes: time.Millisecond}} {
		w := &world{
			names:   map[string]name{"g.example": {addrs: []string{a6, a4}}},
			servers: map[string]server{on(a6, 5222): down, on(a4, 5222): {up: true}},
		}
		inWorld(t, w, func(t *testing.T, d *upstream.Dialer) {
			reaches(t, d, one, on(a4, 5222), 250*time.Millisecond)
			w.dialed()
			reaches(t, d, one, on(a4, 5222), 0)
			equal(t, w.dialed(), []string{on(a4, 5222)})
			time.Sleep(31 * time.Second)
			w.set(func() { w.servers[on(a6, 5222)] = server{up: true} })
			reaches(t, d, one, on(a6, 5222), 0)
		})
	}
}

// A server that is back is used by the next Dial, whatever it did before.
func TestDialReturnedServer(t *testing.T) {
	for _, down := range []server{{}, {silent: true}} {
		w := &world{
			names:   map[string]name{"g.example": {addrs: []string{a4}}},
			servers: map[string]server{on(a4, 5222): {up: true}},
		}
		inWorld(t, w, func(t *testing.T, d *upstream.Dialer) {
			reaches(t, d, one, on(a4, 5222), 0)
			w.set(func() { w.servers[on(a4, 5222)] = down })
			for began := time.Now(); time.Since(began) < 75*time.Second; time.Sleep(500 * time.Millisecond) {
				fails(t, d, one, 5*time.Second)
			}
			w.set(func() { w.servers[on(a4, 5222)] = server{up: true} })
			reaches(t, d, one, on(a4, 5222), 0)
		})
	}
}

func TestDialCanceled(t *testing.T) {
	w := &world{
		names:   map[string]name{"g.example": {addrs: []string{a6, a4}}, "hangs.example": {hangs: true}},
		servers: map[string]server{on(a6, 5222): {silent: true}, on(a4, 5222): {silent: true}},
	}
	inWorld(t, w, func(t *testing.T, d *upstream.Dialer) {
		for _, host := range []string{"g.example", "hangs.example"} {
			to := upstream.Endpoints(5222, host)
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			began := time.Now()
			_, err := d.Dial(ctx, to)
			if took := time.Since(began); !errors.Is(err, context.Canceled) || took != time.Second {
				t.Errorf("%s: got %v after %v, want the cancellation after 1s", host, err, took)
			}
		}
	})
}

// A name that hangs or does not exist delays no other.
func TestDialNamesAreIndependent(t *testing.T) {
	for _, fallback := range []name{{hangs: true}, {err: errors.New("broken")}} {
		w := &world{
			names:   map[string]name{"g.example": {addrs: []string{a4}, takes: 20 * time.Millisecond}, "g-fallback.example": fallback},
			servers: map[string]server{on(a4, 5222): {up: true}},
		}
		inWorld(t, w, func(t *testing.T, d *upstream.Dialer) {
			reaches(t, d, both, on(a4, 5222), 20*time.Millisecond)
			reaches(t, d, both, on(a4, 5222), 0)
			w.set(func() { w.servers = nil })
			fails(t, d, both, 3*time.Second)
		})
	}
}

func TestDialLateNameJoins(t *testing.T) {
	w := &world{
		names: map[string]name{
			"g.example":          {addrs: []string{a4}},
			"g-fallback.example": {addrs: []string{b4}, takes: 2 * time.Second},
		},
		servers: map[string]server{on(a4, 5222): {silent: true}, on(b4, 5222): {up: true}},
	}
	inWorld(t, w, func(t *testing.T, d *upstream.Dialer) {
		reaches(t, d, both, on(b4, 5222), 2*time.Second)
	})
}

// DialAddr may win although the race is over; its connection is closed.
func TestDialClosesLateConnections(t *testing.T) {
	w := &world{names: map[string]name{"g.example": {addrs: []string{a6, a4}}},
		servers: map[string]server{on(a6, 5222): {up: true}, on(a4, 5222): {up: true}}}
	inWorld(t, w, func(t *testing.T, d *upstream.Dialer) {
		d.DialAddr = func(ctx context.Context, addr netip.AddrPort) (net.Conn, error) {
			if addr.Addr().Is6() {
				<-ctx.Done()
			}
			return w.dial(context.WithoutCancel(ctx), addr)
		}
		reaches(t, d, one, on(a4, 5222), 250*time.Millisecond)
	})
}

func TestDialNothing(t *testing.T) {
	inWorld(t, &world{}, func(t *testing.T, d *upstream.Dialer) {
		fails(t, d, nil, 0)
	})
}

func TestDialAfterClose(t *testing.T) {
	w := &world{names: map[string]name{"g.example": {hangs: true}}}
	inWorld(t, w, func(t *testing.T, d *upstream.Dialer) {
		var failed atomic.Bool
		go func() {
			_, _, err := dialing(d, one)
			failed.Store(err != nil)
		}()
		synctest.Wait()
		d.Close()
		synctest.Wait()
		if !failed.Load() {
			t.Error("a lookup goes on after Close")
		}
		if err := fails(t, d, both, 0); !errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v, want %v", err, net.ErrClosed)
		}
	})
}
