package admission

import (
	"container/heap"
	"slices"
	"sync/atomic"
	"time"
)

// network is one admitted network. Its time is renewed under the read lock, all
// else changes under the write lock.
type network struct {
	hash    uint64
	expires atomic.Int64 // nanoseconds since the list's start
	by      []*invitation
}

func (n *network) until(now time.Duration) bool { return time.Duration(n.expires.Load()) > now }

func (n *network) has(by *invitation) bool { return slices.Contains(n.by, by) }

// invitation is what one invitation has admitted; never empty while it is in
// the list.
type invitation struct {
	id     string
	grants grants
}

// grants are ordered by the expiry that each network had when last looked at; a
// network that was used since expires later than that, never sooner.
type grants []grant

type grant struct {
	due     int64
	network *network
}

func (g grants) Len() int           { return len(g) }
func (g grants) Less(i, j int) bool { return g[i].due < g[j].due }
func (g grants) Swap(i, j int)      { g[i], g[j] = g[j], g[i] }
func (g *grants) Push(x any)        { *g = append(*g, x.(grant)) }
func (g *grants) Pop() any {
	last := (*g)[len(*g)-1]
	(*g)[len(*g)-1] = grant{}
	*g = (*g)[:len(*g)-1]
	return last
}

// first returns the network that expires first. Each renewal costs one step
// here once, so this is cheap however many there are.
func (g grants) first() *network {
	for {
		due := g[0].network.expires.Load()
		if due == g[0].due {
			return g[0].network
		}
		g[0].due = due
		heap.Fix(&g, 0)
	}
}

// grant notes that an invitation admits a network.
func (l *List) grant(hash uint64, id string, until time.Duration) {
	by := l.invitations[id]
	if by == nil {
		by = &invitation{id: id}
		l.invitations[id] = by
	}
	n := l.networks[hash]
	if n == nil {
		n = &network{hash: hash}
		l.networks[hash] = n
	}
	n.expires.Store(int64(until))
	n.by = append(n.by, by)
	heap.Push(&by.grants, grant{int64(until), n})
	l.grants++
}

// drop takes back an invitation's grant that expires first.
func (l *List) drop(by *invitation) {
	by.grants.first()
	n := heap.Pop(&by.grants).(grant).network
	n.by = slices.DeleteFunc(n.by, func(other *invitation) bool { return other == by })
	l.grants--
	if len(n.by) == 0 {
		delete(l.networks, n.hash)
	}
	if len(by.grants) == 0 {
		delete(l.invitations, by.id)
	}
}

// expire drops what has expired of one invitation.
func (l *List) expire(by *invitation, now time.Duration) {
	for len(by.grants) > 0 && !by.grants.first().until(now) {
		l.drop(by)
	}
}

// forget drops an expired network, with what else has expired of those who
// admitted it.
func (l *List) forget(n *network, now time.Duration) {
	for _, by := range slices.Clone(n.by) {
		l.expire(by, now)
	}
}

// sweepAfter drops what has expired of all, unless that was done a moment ago.
func (l *List) sweepAfter(pause, now time.Duration) {
	if now-l.swept < pause {
		return
	}
	l.swept = now
	for _, by := range l.invitations {
		l.expire(by, now)
	}
}

// makeRoom drops the grant that expires first of the invitation that has most.
func (l *List) makeRoom(now time.Duration) {
	var most *invitation
	for _, by := range l.invitations {
		l.expire(by, now)
		if most == nil || len(by.grants) > len(most.grants) {
			most = by
		}
	}
	if most != nil && l.grants >= l.max() {
		l.drop(most)
	}
}
