package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"causeway/messenger"
	"causeway/scrub"
	"causeway/upstream"
)

// visit is what came of asking one group of servers for their proof.
type visit struct {
	port    uint16
	reached bool
	window  window
	err     error
}

// servers asks the servers of a route for their proof, those of each port on
// their own: a firewall on the way out shuts ports, not names.
func (l Local) servers(ctx context.Context, p proof, r messenger.Route, seen *clock) []Check {
	groups := byPort(r.Upstreams, p.server)
	visits := make([]visit, len(groups))
	var wg sync.WaitGroup
	for i, group := range groups {
		wg.Go(func() { visits[i] = l.visit(ctx, p, group) })
	}
	wg.Wait()
	proved := slices.ContainsFunc(visits, func(v visit) bool { return v.err == nil })
	var lines []Check
	for _, v := range visits {
		seen.saw(v.window, p.firm)
		name := p.title
		if len(visits) > 1 {
			name = fmt.Sprintf("%s, port %d", p.title, v.port)
		}
		lines = append(lines, l.visited(name, p, v, proved))
	}
	return lines
}

// byPort groups endpoints by their port, keeping their order; server, if not
// "", is the only host to take.
func byPort(endpoints []upstream.Endpoint, server string) [][]upstream.Endpoint {
	var groups [][]upstream.Endpoint
	for _, e := range endpoints {
		if server != "" && e.Host != server {
			continue
		}
		i := slices.IndexFunc(groups, func(g []upstream.Endpoint) bool { return g[0].Port == e.Port })
		if i < 0 {
			groups = append(groups, []upstream.Endpoint{e})
			continue
		}
		groups[i] = append(groups[i], e)
	}
	return groups
}

func (l Local) visit(ctx context.Context, p proof, group []upstream.Endpoint) visit {
	v := visit{port: group[0].Port}
	conn, err := l.Dial(ctx, group)
	if err != nil {
		v.err = err
		return v
	}
	defer conn.Close()
	v.reached = true
	v.window, v.err = p.prove(ctx, conn, l.World)
	return v
}

// visited words a visit. proved says that another port of the same route, if
// not this one, leads to the messenger: then people still get through.
func (l Local) visited(name string, p proof, v visit, proved bool) Check {
	var clock clockError
	switch {
	case v.err == nil:
		return Check{name, OK, p.found, ""}
	case errors.As(v.err, &clock):
		return Check{name, Broken, clock.found(l.now()), setClock}
	case errors.Is(v.err, errImpostor):
		return Check{name, Broken, "something between here and the messenger answers in its place",
			"do not volunteer from this network: it looks into, or blocks, what goes to the messenger"}
	case proved:
		return Check{name, Warning, "no way out on this port: " + reason(v.err) + "; another port works",
			fmt.Sprintf("let TCP port %d out in the firewall, so that connections do not have to wait for another way", v.port)}
	case v.reached:
		return Check{name, Broken, "something answers, but not as the messenger: " + reason(v.err),
			"see whether a firewall or a filter of this network looks into connections"}
	}
	why := reason(v.err)
	if why == unknown { // upstream says more, of names that cannot be looked up
		why = scrub.String(v.err.Error())
	}
	return Check{name, Broken, "cannot be reached: " + why,
		fmt.Sprintf("let TCP port %d out in the firewall, and see that this machine is on the internet", v.port)}
}
