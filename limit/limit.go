// Package limit says whether one more connection fits: so many in all, so
// many from one network. It remembers networks as keyed hashes only, and only
// while they are connected.
package limit

import (
	"hash/maphash"
	"net/netip"
	"sync"
)

// DefaultPerNetwork is how many connections one network may hold. A phone
// opens 4 or 5 and a carrier puts hundreds of people behind one address (Tor
// allows 100 per address), so it is generous.
const DefaultPerNetwork = 512

// Limiter counts connections. A zero limit means no limit.
type Limiter struct {
	Total      int
	PerNetwork int // per IPv4 address, per IPv6 /64

	mu       sync.Mutex
	open     int
	networks map[uint64]int // at most Total entries
	seed     maphash.Seed
}

// Enter takes a place in the total. The caller calls Leave iff it returns true.
func (l *Limiter) Enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.Total > 0 && l.open >= l.Total {
		return false
	}
	l.open++
	return true
}

// Leave gives the place of one Enter back.
func (l *Limiter) Leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
}

// Open returns how many places are taken.
func (l *Limiter) Open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open
}

// EnterNetwork takes a place in the address's network; leave is nil when there
// is none. Private and loopback addresses are never refused: behind them is a
// NAT, a container bridge or a load balancer, not one person.
func (l *Limiter) EnterNetwork(addr netip.Addr) (leave func()) {
	addr = addr.Unmap()
	if l.PerNetwork <= 0 || !addr.IsValid() || addr.IsPrivate() || addr.IsLoopback() {
		return func() {}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.networks == nil {
		l.networks = map[uint64]int{}
		l.seed = maphash.MakeSeed()
	}
	key := maphash.Comparable(l.seed, network(addr))
	if l.networks[key] >= l.PerNetwork {
		return nil
	}
	l.networks[key]++
	return func() { l.leaveNetwork(key) }
}

func (l *Limiter) leaveNetwork(key uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.networks[key]--
	if l.networks[key] == 0 {
		delete(l.networks, key)
	}
}

// network is the part of an address that one household shares.
func network(addr netip.Addr) netip.Addr {
	if addr.Is4() {
		return addr
	}
	prefix, _ := addr.WithZone("").Prefix(64)
	return prefix.Addr()
}
