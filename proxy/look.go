package proxy

import (
	"crypto/tls"
	"time"

	"causeway/relay"
	"causeway/sniff"
	"causeway/stats"
)

// proven is what the first bytes have shown.
type proven struct {
	route *Route // nil: no messenger
	name  string // the server that the greeting asked for, if it names one
	first []byte // the bytes read so far, to be passed on
}

const (
	// firstBuffer is how many bytes are read at once while looking. Every
	// greeting but a large ClientHello fits.
	firstBuffer = 1024

	// mostLooks is how often bytes may arrive before they are judged: a large
	// ClientHello in single bytes, and no more, because each look costs time.
	mostLooks = 4096
)

// look finds out which messenger a connection speaks. On ports with a web site
// net/http owns the connection until that is proven; elsewhere bytes that no
// messenger sends end it, without a word. Networks that are not admitted are
// strangers whatever they send.
func (s *Server) look(client relay.Conn, session *tls.Conn, port *Port, admitted bool) (proven, stats.Outcome) {
	if port.Site() {
		if !admitted {
			return proven{}, s.site.serve(session)
		}
		return s.site.look(session, port, s.logCrash)
	}
	if !admitted {
		client.Reset()
		return proven{}, stats.NotAdmitted
	}
	client.SetReadDeadline(time.Now().Add(HandshakeTime))
	defer client.SetReadDeadline(time.Time{})
	buffer := make([]byte, firstBuffer)
	var first []byte
	for range mostLooks {
		n, err := client.Read(buffer)
		first = append(first, buffer[:n]...)
		verdict, route, name := port.judge(first)
		switch {
		case n > 0 && verdict == sniff.Yes:
			return proven{route: route, name: name, first: first}, ""
		case n > 0 && verdict == sniff.No:
			return proven{}, stats.Stranger
		case err != nil:
			return proven{}, stats.Silent
		}
	}
	return proven{}, stats.Stranger
}
