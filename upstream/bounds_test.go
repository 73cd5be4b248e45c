package upstream_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"causeway/upstream"
)

func manyAddrs(n int) []string {
	addrs := make([]string, n)
	for i := range addrs {
		addrs[i] = fmt.Sprintf("157.240.%d.%d", i/250, i%250+1)
	}
	return addrs
}

func silence(addrs []string, ports ...int) map[string]server {
	servers := make(map[string]server)
	for _, addr := range addrs {
		for _, port := range ports {
			servers[on(addr, port)] = server{silent: true}
		}
	}
	return servers
}

func TestDialBounds(t *testing.T) {
	addrs := manyAddrs(1000)
	names := map[string]name{"g.example": {addrs: addrs}, "g-fallback.example": {addrs: addrs[500:]}}

	t.Run("1,000 answers that refuse", func(t *testing.T) {
		w := &world{names: names}
		inWorld(t, w, func(t *testing.T, d *upstream.Dialer) {
			fails(t, d, one, 0)
			if got := len(w.dialed()); got != 16 {
				t.Errorf("got %d addresses dialed, want 16", got)
			}
			fails(t, d, six, 0)
			if got := len(w.dialed()); got != 64 {
				t.Errorf("got %d addresses dialed, want 64", got)
			}
		})
	})
	t.Run("1,000 answers that are silent", func(t *testing.T) {
		w := &world{names: names, servers: silence(addrs, 5222, 443, 80)}
		inWorld(t, w, func(t *testing.T, d *upstream.Dialer) {
			fails(t, d, six, 5*time.Second)
			if w.most > 16 {
				t.Errorf("got %d attempts at the same time, want at most 16", w.most)
			}
		})
	})
	t.Run("1,000 clients and a dead upstream", func(t *testing.T) {
		w := &world{names: names, servers: silence(addrs, 5222, 443, 80)}
		inWorld(t, w, func(t *testing.T, d *upstream.Dialer) {
			crowd(1000, func() { fails(t, d, six, 5*time.Second) })
			if w.most > 1000+64 {
				t.Errorf("got %d attempts at the same time, want at most one each and 64", w.most)
			}
			if got := len(w.asked()); got > 4 {
				t.Errorf("got %d lookups, want one or two for each name", got)
			}
		})
	})
	t.Run("1,000 clients and a black-holed first server", func(t *testing.T) {
		w := &world{
			names:   map[string]name{"g.example": {addrs: []string{a6, a4}}},
			servers: map[string]server{on(a6, 5222): {silent: true}, on(a4, 5222): {up: true, takes: 20 * time.Millisecond}},
		}
		inWorld(t, w, func(t *testing.T, d *upstream.Dialer) {
			crowd(1000, func() { reaches(t, d, one, on(a4, 5222), time.Second) })
		})
	})
}

// crowd runs do n times at once and waits.
func crowd(n int, do func()) {
	var all sync.WaitGroup
	for range n {
		all.Go(do)
	}
	all.Wait()
}
