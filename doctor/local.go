package doctor

import (
	"context"
	"net"
	"net/netip"
	"time"

	"causeway/messenger"
	"causeway/proxy"
	"causeway/upstream"
)

// Local checks this machine as a volunteer's: what `causeway serve` would need
// and would do here. Nothing is changed, and nothing stays open.
type Local struct {
	World
	Messengers []*messenger.Messenger

	Ports   []proxy.Port // that would be opened, see proxy.PlanPorts
	Address string       // on which; "" is every address of this machine
	Admin   string       // host:port of the metrics, "" for none

	CertFile string    // PEM; need not exist yet; "" if there will be none on disk
	Built    time.Time // when this program was built, zero if not known

	// The outside. nil means the real one.
	Dial        func(context.Context, []upstream.Endpoint) (net.Conn, error) // upstream.Dialer's
	Lookup      func(ctx context.Context, host string) ([]netip.Addr, error) // net.Resolver's
	Allow       func(netip.Addr) error                                       // upstream.Check
	Listen      func(network, address string) (net.Listener, error)          // net.Listen
	Holder      func(port uint16) (name string, pid int, ok bool)            // system.PortHolder
	Descriptors func() (uint64, error)                                       // system.RaiseFileLimit
}

// Run makes the checks and calls report (which may be nil) for each line as
// soon as it is due. It takes no longer than a step, 10 s.
func (l Local) Run(ctx context.Context, report func(Check)) Report {
	if l.Dial == nil {
		dialer := new(upstream.Dialer)
		defer dialer.Close()
		l.Dial = dialer.Dial
	}
	var seen clock
	steps := []step{l.ports, l.descriptors, l.certificate, l.exposure}
	for _, m := range l.Messengers {
		steps = append(steps, func(ctx context.Context) []Check { return l.names(ctx, m) })
		for _, r := range m.Routes {
			if p, ok := findProof(m.Name, r.Name); ok {
				steps = append(steps, func(ctx context.Context) []Check { return l.servers(ctx, p, r, &seen) })
			}
		}
	}
	all := run(ctx, report, steps)
	all.add(seen.check(l.now(), l.Built), report)
	return all
}
