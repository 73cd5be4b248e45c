// Package whatsapp describes WhatsApp: the ports of the official proxy image,
// the greeting of its Noise chat protocol, and its servers.
package whatsapp

import (
	"causeway/messenger"
	"causeway/sniff"
	"causeway/upstream"
)

// Messenger is WhatsApp as the official proxy (WhatsApp/proxy, chart 1.3.15)
// serves it. The order of the chat servers is the order of preference: 5222 as
// the official image, then the fallbacks of its chart (#532).
var Messenger = messenger.Messenger{
	Name:  "whatsapp",
	Title: "WhatsApp",
	Ports: []messenger.Port{
		{Number: 443, Route: "chat", TLS: true, App: true},
		{Number: 587, Route: "media", App: true},
		{Number: 80, Route: "chat"},
		{Number: 5222, Route: "chat"},
		{Number: 7777, Route: "media"},
		{Number: 8080, Route: "chat", Header: true},
		{Number: 8222, Route: "chat", Header: true},
		{Number: 8443, Route: "chat", Header: true, TLS: true},
	},
	Routes: []messenger.Route{
		{
			Name:     "chat",
			Greeting: sniff.WhatsApp,
			Upstreams: []upstream.Endpoint{
				{Host: "g.whatsapp.net", Port: 5222},
				{Host: "g-fallback.whatsapp.net", Port: 5222},
				{Host: "g.whatsapp.net", Port: 443},
				{Host: "g-fallback.whatsapp.net", Port: 443},
				{Host: "g.whatsapp.net", Port: 80},
				{Host: "g-fallback.whatsapp.net", Port: 80},
			},
			SendHeader: true,
		},
		{
			Name:      "media",
			Greeting:  sniff.TLSRecord,
			Upstreams: []upstream.Endpoint{{Host: "whatsapp.net", Port: 443}},
		},
	},
}
