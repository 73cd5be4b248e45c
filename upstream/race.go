package upstream

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// ConnectTimeout bounds a Dial, lookups included, as in the official proxy.
const ConnectTimeout = 5 * time.Second

const (
	attemptDelay = 250 * time.Millisecond // RFC 8305 section 5
	instant      = 5 * time.Millisecond   // less than most round trips

	maxCandidates = 64 // per Dial
	maxAttempts   = 16 // of one Dial at the same time
	maxExtra      = 64 // of all Dials, beyond one each
)

// candidate is an address of a server, to be dialed.
type candidate struct {
	endpoint int // in the list
	turn     int
	addr     netip.AddrPort
	failed   bool // lately
	began    time.Time
}

type answer struct {
	host  string
	addrs []netip.Addr
	err   error
}

type result struct {
	candidate
	conn net.Conn
	err  error
}

// race is one Dial. Only run and what it calls touch its fields; lookups and
// attempts run beside it and report through the channels.
type race struct {
	dialer *Dialer
	to     []Endpoint
	hosts  []string

	answers chan answer
	results chan result
	beside  sync.WaitGroup
	delay   *time.Timer

	resolving int // hosts
	begun     int // attempts
	due       int // attempts that are to begin as soon as there is a place
	queue     []candidate
	running   map[netip.AddrPort]candidate
	seen      map[netip.AddrPort]bool
	hopes     map[string]int // candidates of a host that have not failed
	failures  failures
}

func newRace(d *Dialer, to []Endpoint) *race {
	r := &race{
		dialer:  d,
		to:      to,
		answers: make(chan answer),
		results: make(chan result),
		running: make(map[netip.AddrPort]candidate),
		seen:    make(map[netip.AddrPort]bool),
		hopes:   make(map[string]int),
		due:     1,
	}
	for _, endpoint := range to {
		if !slices.Contains(r.hosts, endpoint.Host) {
			r.hosts = append(r.hosts, endpoint.Host)
		}
	}
	return r
}

func (r *race) run(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, ConnectTimeout)
	r.delay = time.NewTimer(attemptDelay)
	defer func() {
		r.delay.Stop()
		cancel()
		r.beside.Wait()
		r.end()
	}()

	for _, host := range r.hosts {
		r.resolve(ctx, host)
	}
	for {
		if len(r.running) == 0 && len(r.queue) > 0 {
			r.begin(ctx) // the one attempt that needs no place
		}
		if len(r.running) == 0 && r.resolving == 0 {
			return nil, r.error()
		}
		var place chan<- struct{}
		if r.due > 0 && len(r.queue) > 0 && len(r.running) < maxAttempts {
			place = r.dialer.extra
		}
		select {
		case place <- struct{}{}:
			r.begin(ctx)
		case a := <-r.answers:
			r.resolving--
			r.add(a)
		case won := <-r.results:
			r.finish(won)
			if won.err == nil {
				return won.conn, nil
			}
		case <-r.delay.C:
			r.due = max(r.due, 1)
		case <-ctx.Done():
			r.giveUp(ctx.Err())
			return nil, r.error()
		}
	}
}

// resolve adds the addresses of a host, now or when they have come.
func (r *race) resolve(ctx context.Context, host string) {
	addrs, pending, err := r.dialer.known(host)
	if pending == nil {
		r.add(answer{host, addrs, err})
		return
	}
	r.resolving++
	r.beside.Go(func() {
		addrs, err := r.dialer.await(ctx, host, pending)
		select {
		case r.answers <- answer{host, addrs, err}:
		case <-ctx.Done():
		}
	})
}

// add puts the addresses of a host in the queue. In every turn each server has
// two, so one of each family; those that failed lately come after all others.
func (r *race) add(a answer) {
	for i, endpoint := range r.to {
		if endpoint.Host != a.host {
			continue
		}
		if a.err != nil {
			r.fail(i, a.err)
		}
		for n, ip := range a.addrs {
			addr := netip.AddrPortFrom(ip, endpoint.Port)
			if r.seen[addr] {
				continue
			}
			r.seen[addr] = true
			r.hopes[a.host]++
			r.queue = append(r.queue, candidate{i, n / 2, addr, r.dialer.failedLately(addr), time.Time{}})
		}
	}
	slices.SortStableFunc(r.queue, compare)
	r.queue = r.queue[:min(len(r.queue), maxCandidates-r.begun)]
}

func compare(a, b candidate) int {
	if a.failed != b.failed {
		if b.failed {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(a.turn, b.turn), cmp.Compare(a.endpoint, b.endpoint))
}

// begin starts the next attempt.
func (r *race) begin(ctx context.Context) {
	c := r.queue[0]
	c.began = time.Now()
	r.queue = r.queue[1:]
	r.running[c.addr] = c
	r.begun++
	r.due = max(r.due-1, 0)
	r.delay.Reset(attemptDelay)
	r.beside.Go(func() {
		conn, err := r.dialer.dialAddr(ctx, c.addr)
		select {
		case r.results <- result{c, conn, err}:
		case <-ctx.Done():
			if err == nil {
				conn.Close()
			}
		}
	})
}

// finish notes how an attempt ended. A failure that took a round trip makes room
// for two attempts: where all servers refuse, that is known after a few.
func (r *race) finish(res result) {
	if len(r.running) > 1 {
		<-r.dialer.extra
	}
	delete(r.running, res.addr)
	r.dialer.note(res.addr, res.err != nil)
	if res.err == nil {
		return
	}
	r.lose(res.candidate)
	r.fail(res.endpoint, cause(res.err))
	r.due++
	if time.Since(res.began) > instant {
		r.due++
	}
}

// lose gives up hope for a candidate.
func (r *race) lose(c candidate) { r.hopes[r.to[c.endpoint].Host]-- }

// fail notes why a server was not reached.
func (r *race) fail(endpoint int, cause error) {
	f := failure{r.to[endpoint], cause}
	if !slices.Contains(r.failures, error(f)) {
		r.failures = append(r.failures, f)
	}
}

// giveUp notes that the race ends before all servers have answered.
func (r *race) giveUp(why error) {
	open := make(map[int]bool)
	for _, c := range r.running {
		open[c.endpoint] = true
	}
	for i, endpoint := range r.to {
		tried := slices.ContainsFunc(r.failures, func(f error) bool { return f.(failure).to == endpoint })
		if open[i] || !tried {
			r.fail(i, cause(why))
		}
	}
}

func (r *race) error() error {
	if len(r.failures) == 0 {
		return errNoEndpoints
	}
	return r.failures
}

// end notes the attempts that were cut off, when all of them have returned. One
// that was silent for long counts as failed; a host without hope is looked up
// again, as its servers may have moved.
func (r *race) end() {
	for range len(r.running) - 1 {
		<-r.dialer.extra
	}
	for addr, c := range r.running {
		if time.Since(c.began) >= attemptDelay {
			r.dialer.note(addr, true)
			r.lose(c)
		}
	}
	var hopeless []string
	for host, n := range r.hopes {
		if n == 0 {
			hopeless = append(hopeless, host)
		}
	}
	r.dialer.renew(hopeless)
}
