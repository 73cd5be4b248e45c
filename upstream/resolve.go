package upstream

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	lookupTimeout = 3 * time.Second
	lookupPause   = time.Second      // between two lookups of a host
	answerFresh   = 60 * time.Second // then it is renewed in the background, on use
	answerKept    = 24 * time.Hour   // when lookups fail

	maxHosts = 256
	maxAddrs = 16 // per host
)

// host is what is known about a host name.
type host struct {
	addrs   []netip.Addr  // the last good answer, of alternating families
	good    time.Time     // when it came
	asked   time.Time     // when the last lookup ended
	err     error         // of the last lookup
	pending chan struct{} // closed at the end of the running lookup, nil when none runs
}

// known returns the answer or error that is known about a host, and starts a
// lookup when it is time for one. If neither is known, pending is closed when
// the lookup ends.
func (d *Dialer) known(name string) (addrs []netip.Addr, pending <-chan struct{}, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	h := d.hosts[name]
	if h == nil {
		if len(d.hosts) == maxHosts {
			return nil, nil, errTooManyHosts
		}
		h = new(host)
		d.hosts[name] = h
	}
	if time.Since(h.good) >= answerFresh {
		d.ask(name, h)
	}
	if time.Since(h.good) < answerKept {
		return h.addrs, nil, nil
	}
	if h.pending != nil {
		return nil, h.pending, nil
	}
	return nil, nil, h.err
}

// await waits for a lookup that known has announced.
func (d *Dialer) await(ctx context.Context, name string, pending <-chan struct{}) ([]netip.Addr, error) {
	select {
	case <-pending:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	h := d.hosts[name]
	if h.err != nil {
		return nil, h.err
	}
	return h.addrs, nil
}

// renew looks up hosts whose addresses do not answer.
func (d *Dialer) renew(names []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, name := range names {
		if h := d.hosts[name]; h != nil {
			d.ask(name, h)
		}
	}
}

// ask starts a lookup, unless one runs or ended a moment ago. d.mu is held.
func (d *Dialer) ask(name string, h *host) {
	if d.closing.Err() != nil {
		h.err = net.ErrClosed
		return
	}
	if h.pending != nil || time.Since(h.asked) < lookupPause {
		return
	}
	h.pending = make(chan struct{})
	d.lookups.Go(func() { d.look(name, h) })
}

// look resolves a host and notes the answer.
func (d *Dialer) look(name string, h *host) {
	ctx, cancel := context.WithTimeout(d.closing, lookupTimeout)
	defer cancel()
	lookup := d.Lookup
	if lookup == nil {
		lookup = lookupSystem
	}
	answer, err := lookup(ctx, name)
	addrs := d.usable(answer)
	if err == nil && len(answer) == 0 {
		err = errNoAddress
	}
	if err == nil && len(addrs) == 0 {
		err = ErrNotPublic
	}
	if err != nil {
		err = fmt.Errorf("looking up the name: %w", cause(err))
	}
	before := h.note(&d.mu, addrs, err)

	switch {
	case before == nil && err != nil:
		d.log().Debug("name does not resolve", "host", name, "error", err)
	case before != nil && err == nil:
		d.log().Debug("name resolves again", "host", name)
	}
}

// note ends a lookup and returns the error of the one before.
func (h *host) note(mu *sync.Mutex, addrs []netip.Addr, err error) (before error) {
	mu.Lock()
	defer mu.Unlock()
	before = h.err
	h.asked, h.err = time.Now(), err
	if err == nil {
		h.addrs, h.good = addrs, h.asked
	}
	close(h.pending)
	h.pending = nil
	return before
}

func lookupSystem(ctx context.Context, name string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", name)
}

// usable drops the addresses that may not be dialed, and lets the families
// alternate (RFC 8305 section 4), beginning with the one that the resolver put
// first.
func (d *Dialer) usable(answer []netip.Addr) []netip.Addr {
	var first, second []netip.Addr
	for _, addr := range answer {
		addr = addr.Unmap()
		if d.check(addr) != nil {
			continue
		}
		list := &first
		if len(first) > 0 && addr.Is4() != first[0].Is4() {
			list = &second
		}
		if len(*list) < maxAddrs && !slices.Contains(*list, addr) {
			*list = append(*list, addr)
		}
	}
	var addrs []netip.Addr
	for i := range max(len(first), len(second)) {
		addrs = append(addrs, first[min(i, len(first)):min(i+1, len(first))]...)
		addrs = append(addrs, second[min(i, len(second)):min(i+1, len(second))]...)
	}
	return addrs[:min(len(addrs), maxAddrs)]
}
