package proxy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"causeway/messenger"
	"causeway/sniff"
)

// Port is one port that the proxy listens on.
type Port struct {
	Number uint16 // as the official image and the apps know it
	Listen uint16 // as it is bound here; 0 lets the system choose (tests)
	TLS    bool   // TLS ends here
	Header bool   // a PROXY protocol header must come first, before TLS
	Routes []Route
}

// Route is a messenger's route as one port serves it.
type Route struct {
	Messenger *messenger.Messenger
	*messenger.Route
}

// Site says whether strangers on this port see the web site.
func (p *Port) Site() bool { return p.TLS }

// Serves says whether the port carries that route of that messenger.
func (p *Port) Serves(messenger, route string) bool {
	return slices.ContainsFunc(p.Routes, func(r Route) bool { return r.Messenger.Name == messenger && r.Name == route })
}

// judge asks the port's routes for the owner of the first bytes. The first Yes
// wins; No is final only when every route says it. name is the server that the
// greeting asked for, if it names one.
func (p *Port) judge(first []byte) (verdict sniff.Verdict, route *Route, name string) {
	verdict = sniff.No
	for i := range p.Routes {
		v, name := p.Routes[i].Greeting(first)
		if v == sniff.Yes {
			return sniff.Yes, &p.Routes[i], name
		}
		if v == sniff.More {
			verdict = sniff.More
		}
	}
	return verdict, nil, ""
}

// PlanPorts lists the ports to open. spec is "app" (those an app uses without
// being told), "official" (all of the official image) or a list of numbers such
// as "443,587,5222", in which "8444:443" binds 8444 to do the work of 443.
// offset is added to every number bound.
func PlanPorts(messengers []*messenger.Messenger, spec string, offset int) ([]Port, error) {
	known := knownPorts(messengers)
	chosen, err := choose(known, messengers, spec)
	if err != nil {
		return nil, err
	}
	bound := map[uint16]uint16{}
	for i := range chosen {
		port := &chosen[i]
		number := int(port.Listen) + offset
		if number < 1 || number > 65535 {
			return nil, fmt.Errorf("port %d with offset %d is %d, and ports go from 1 to 65535", port.Listen, offset, number)
		}
		port.Listen = uint16(number)
		if other, taken := bound[port.Listen]; taken {
			return nil, fmt.Errorf("ports %d and %d would both be bound at %d", other, port.Number, port.Listen)
		}
		bound[port.Listen] = port.Number
	}
	return chosen, nil
}

// knownPorts merges the messengers' ports by number, in the messengers' order.
func knownPorts(messengers []*messenger.Messenger) []Port {
	var known []Port
	for _, m := range messengers {
		for _, p := range m.Ports {
			route := Route{Messenger: m, Route: m.Route(p.Route)}
			i := slices.IndexFunc(known, func(k Port) bool { return k.Number == p.Number })
			if i < 0 {
				known = append(known, Port{Number: p.Number, Listen: p.Number, TLS: p.TLS, Header: p.Header, Routes: []Route{route}})
				continue
			}
			known[i].Routes = append(known[i].Routes, route)
		}
	}
	return known
}

func choose(known []Port, messengers []*messenger.Messenger, spec string) ([]Port, error) {
	switch spec {
	case "official":
		return known, nil
	case "app":
		return slices.DeleteFunc(known, func(p Port) bool { return !forApps(messengers, p.Number) }), nil
	}
	var chosen []Port
	for item := range strings.SplitSeq(spec, ",") {
		port, err := parsePort(known, strings.TrimSpace(item))
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, port)
	}
	return chosen, nil
}

func forApps(messengers []*messenger.Messenger, number uint16) bool {
	for _, m := range messengers {
		if slices.ContainsFunc(m.Ports, func(p messenger.Port) bool { return p.Number == number && p.App }) {
			return true
		}
	}
	return false
}

// parsePort reads "443" or "8444:443".
func parsePort(known []Port, item string) (Port, error) {
	listen, number, mapped := strings.Cut(item, ":")
	if !mapped {
		number = listen
	}
	i := slices.IndexFunc(known, func(p Port) bool { return strconv.Itoa(int(p.Number)) == number })
	if i < 0 {
		return Port{}, fmt.Errorf("unknown port %q: choose app, official, or from %s", item, numbers(known))
	}
	port := known[i]
	bind, err := strconv.ParseUint(listen, 10, 16)
	if err != nil || bind == 0 {
		return Port{}, fmt.Errorf("port %q to bind is not a number from 1 to 65535", listen)
	}
	port.Listen = uint16(bind)
	return port, nil
}

func numbers(ports []Port) string {
	var all []string
	for _, p := range ports {
		all = append(all, strconv.Itoa(int(p.Number)))
	}
	return strings.Join(all, ", ")
}
