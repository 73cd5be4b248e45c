package doctor

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"

	"causeway/messenger"
	"causeway/upstream"
)

// answer is what came of looking up one name.
type answer struct {
	host   string
	err    error      // the look-up failed
	forged netip.Addr // an address where the messenger cannot be, if valid
}

// names looks up every server of a messenger.
func (l Local) names(ctx context.Context, m *messenger.Messenger) []Check {
	name := m.Title + " names"
	answers := l.lookupAll(ctx, hosts(m))
	var failed []string
	for _, a := range answers {
		if a.forged.IsValid() {
			return []Check{{name, Broken, fmt.Sprintf("%s leads to %s, where %s cannot be: somebody on the way forges the answers", a.host, a.forged, m.Title),
				"use another name server for this machine, best one over TLS or HTTPS"}}
		}
		if a.err != nil {
			failed = append(failed, a.host)
		}
	}
	switch len(failed) {
	case 0:
		return []Check{{name, OK, fmt.Sprintf("%d of %[1]d names lead to public addresses", len(answers)), ""}}
	case len(answers):
		return []Check{{name, Broken, fmt.Sprintf("none of the %d names can be looked up", len(answers)),
			"check this machine's name servers and its connection to the internet"}}
	}
	return []Check{{name, Warning, "these names cannot be looked up: " + strings.Join(failed, ", "),
		"try again later; if it stays so, use another name server for this machine"}}
}

// hosts lists the distinct upstream names, in their order.
func hosts(m *messenger.Messenger) []string {
	var list []string
	seen := map[string]bool{}
	for _, r := range m.Routes {
		for _, e := range r.Upstreams {
			if !seen[e.Host] {
				seen[e.Host] = true
				list = append(list, e.Host)
			}
		}
	}
	return list
}

func (l Local) lookupAll(ctx context.Context, hosts []string) []answer {
	answers := make([]answer, len(hosts))
	var wg sync.WaitGroup
	for i, host := range hosts {
		wg.Go(func() { answers[i] = l.lookup(ctx, host) })
	}
	wg.Wait()
	return answers
}

func (l Local) lookup(ctx context.Context, host string) answer {
	find, allow := l.Lookup, l.Allow
	if find == nil {
		find = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	if allow == nil {
		allow = upstream.Check
	}
	addrs, err := find(ctx, host)
	if err != nil {
		return answer{host: host, err: err}
	}
	for _, addr := range addrs {
		if allow(addr.Unmap()) != nil {
			return answer{host: host, forged: addr.Unmap()}
		}
	}
	return answer{host: host}
}
