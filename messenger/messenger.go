// Package messenger says what a messenger is to this proxy: the ports its app
// connects to, how its first bytes look, and the only servers it may reach.
// A messenger is data; the shared code in proxy, doctor and stats reads it.
package messenger

import (
	"causeway/sniff"
	"causeway/upstream"
)

// Messenger is one messenger that volunteers can carry. Its literal lives in
// messenger/<name>, and messenger/messengers lists it.
type Messenger struct {
	Name   string // in flags and metric labels: lower case, no spaces
	Title  string // as people write it
	Ports  []Port
	Routes []Route
}

// Port is a TCP port that the messenger's app connects to.
type Port struct {
	Number uint16
	Route  string // the Route.Name that the port serves
	TLS    bool   // this proxy ends TLS here, with any certificate
	Header bool   // a PROXY protocol header must come first (before TLS)
	App    bool   // one of the ports that an app uses without being told
}

// Route is one kind of connection: how it begins and where it goes.
type Route struct {
	Name string // in metric labels: "chat", "media"

	// Greeting judges the first bytes. If it names a server, only the Upstreams
	// entry with that Host is dialed; otherwise all are tried in their order.
	Greeting sniff.Greeting

	// Upstreams is the complete list of places this route may ever reach.
	Upstreams []upstream.Endpoint

	// SendHeader says that these servers accept a PROXY protocol header.
	SendHeader bool
}

// Route returns the route of that name, nil if the messenger has none.
func (m *Messenger) Route(name string) *Route {
	for i := range m.Routes {
		if m.Routes[i].Name == name {
			return &m.Routes[i]
		}
	}
	return nil
}
