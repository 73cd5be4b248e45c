// Package admission remembers which networks may use the app ports: those from
// which someone opened an invitation, as keyed hashes, for some days after their
// last use.
package admission

import (
	"net/netip"
	"sync"
	"time"
)

const (
	// MaxNetworks is how many networks are remembered, counted once for each
	// invitation that let them in.
	MaxNetworks = 65536

	// DefaultFor is how long a network stays admitted after its last use.
	DefaultFor = 14 * 24 * time.Hour

	// The part of an address that is one visitor's network: carriers move a
	// phone within an IPv4 /24, and a household has an IPv6 /48 to /64.
	DefaultBits4 = 24
	DefaultBits6 = 48

	maxRevoked = 65536     // invitations known as revoked
	sweepEvery = time.Hour // what has expired is forgotten at least so often
)

// List is the admitted networks. The zero value is an empty list.
type List struct {
	Bits4, Bits6 int              // prefix lengths; 0: the default
	For          time.Duration    // how long after the last use; 0: the default
	Max          int              // networks; 0: MaxNetworks
	Now          func() time.Time // nil: the clock

	begin sync.Once
	key   key
	start time.Time

	mu          sync.RWMutex
	networks    map[uint64]*network
	invitations map[string]*invitation
	grants      int // at most Max
	revoked     map[string]struct{}
	swept       time.Duration
}

// Outcome is what became of a wish to be admitted.
type Outcome int

// Outcomes of Admit.
const (
	Refused Outcome = iota // the invitation is revoked or full, or there is no address
	Renewed                // the invitation had admitted this network before
	Added                  // one network more
)

// Admit admits the visitor's network on behalf of an invitation, unless that
// has most networks already (0: as many as come). When the list is full, the
// network that expires first goes, among those of the invitation that has most:
// a link that leaked displaces its own visitors, not everyone's.
func (l *List) Admit(visitor netip.Addr, invitationID string, most int) Outcome {
	l.ready()
	hash, ok := l.hash(visitor)
	if !ok {
		return Refused
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, gone := l.revoked[invitationID]; gone {
		return Refused
	}
	now := l.since()
	l.sweepAfter(sweepEvery, now)
	by := l.invitations[invitationID]
	if by != nil {
		l.expire(by, now)
	}
	n, until := l.networks[hash], now+l.lifetime()
	if n != nil && !n.until(now) {
		l.forget(n, now)
	}
	if n != nil && n.has(by) {
		n.expires.Store(int64(until))
		return Renewed
	}
	if by != nil && most > 0 && len(by.grants) >= most {
		return Refused
	}
	if l.grants >= l.max() {
		l.makeRoom(now)
	}
	l.grant(hash, invitationID, until)
	return Added
}

// Admitted says whether a visitor's network is admitted. It allocates nothing and
// may be called for every connection.
func (l *List) Admitted(visitor netip.Addr) bool { return l.admitted(visitor, false) }

// Renew is Admitted and, if it is, lets the time begin again. It is for those who
// have shown that they use the proxy: a scanner in the same network must not
// keep it admitted. It allocates nothing either.
func (l *List) Renew(visitor netip.Addr) bool { return l.admitted(visitor, true) }

func (l *List) admitted(visitor netip.Addr, renew bool) bool {
	l.ready()
	hash, ok := l.hash(visitor)
	if !ok {
		return false
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	n, now := l.networks[hash], l.since()
	if n == nil || !n.until(now) {
		return false
	}
	if renew {
		n.expires.Store(int64(now + l.lifetime()))
	}
	return true
}

// Revoke removes, at once and for good, what an invitation admitted. A network
// that another invitation admitted too stays.
func (l *List) Revoke(invitationID string) {
	l.ready()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.revoked) >= maxRevoked {
		clear(l.revoked) // it only matters to who opens a page in this moment
	}
	l.revoked[invitationID] = struct{}{}
	for by := l.invitations[invitationID]; by != nil && len(by.grants) > 0; {
		l.drop(by)
	}
}

// Networks returns how many networks an invitation has admitted now. Round it
// before it is shown.
func (l *List) Networks(invitationID string) int {
	l.ready()
	l.mu.Lock()
	defer l.mu.Unlock()
	by := l.invitations[invitationID]
	if by == nil {
		return 0
	}
	l.expire(by, l.since())
	return len(by.grants)
}

// Sweep forgets what has expired. Call it now and then: without visitors
// nothing else does.
func (l *List) Sweep() {
	l.ready()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweepAfter(0, l.since())
}

func (l *List) ready() {
	l.begin.Do(func() {
		l.start = l.now()
		l.key = newKey()
		l.networks = map[uint64]*network{}
		l.invitations = map[string]*invitation{}
		l.revoked = map[string]struct{}{}
	})
}

func (l *List) now() time.Time {
	if l.Now == nil {
		return time.Now()
	}
	return l.Now()
}

// since is the time on a clock that does not jump when the machine's is set.
func (l *List) since() time.Duration { return l.now().Sub(l.start) }

func (l *List) lifetime() time.Duration {
	if l.For == 0 {
		return DefaultFor
	}
	return l.For
}

func (l *List) max() int {
	if l.Max == 0 {
		return MaxNetworks
	}
	return l.Max
}
