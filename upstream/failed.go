package upstream

import (
	"net/netip"
	"time"
)

const (
	failureKept = 30 * time.Second // in the order of attempts
	maxFailed   = 1024
)

// failedLately says that dialing addr failed, and not long ago.
func (d *Dialer) failedLately(addr netip.AddrPort) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	at, ok := d.failed[addr]
	return ok && time.Since(at) < failureKept
}

// note remembers whether dialing addr failed.
func (d *Dialer) note(addr netip.AddrPort, failed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.failed, addr)
	if !failed {
		return
	}
	if len(d.failed) == maxFailed {
		clear(d.failed) // costs no more than an order
	}
	d.failed[addr] = time.Now()
}
