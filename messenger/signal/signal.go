// Package signal describes Signal: TLS inside TLS on port 443, told apart by
// the server name of the inner ClientHello.
package signal

import (
	"causeway/messenger"
	"causeway/sniff"
	"causeway/upstream"
)

// The 13 names that Signal-TLS-Proxy (cf152e8, 2026-01-22) relays.
var hosts = []string{
	"chat.signal.org",
	"storage.signal.org",
	"cdn.signal.org",
	"cdn2.signal.org",
	"cdn3.signal.org",
	"cdsi.signal.org",
	"contentproxy.signal.org",
	"grpc.chat.signal.org",
	"sfu.voip.signal.org",
	"svr2.signal.org",
	"svrb.signal.org",
	"updates.signal.org",
	"updates2.signal.org",
}

// Messenger is Signal as the official Signal-TLS-Proxy serves it.
var Messenger = messenger.Messenger{
	Name:  "signal",
	Title: "Signal",
	Ports: []messenger.Port{{Number: 443, Route: "tls", TLS: true, App: true}},
	Routes: []messenger.Route{{
		Name:      "tls",
		Greeting:  sniff.ServerName(hosts...),
		Upstreams: upstream.Endpoints(443, hosts...),
	}},
}
