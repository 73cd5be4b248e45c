package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"slices"
	"time"

	"causeway/proxyproto"
	"causeway/relay"
	"causeway/stats"
	"causeway/system"
	"causeway/upstream"
)

// greetingTime is how long a messenger's server may take for the first bytes.
const greetingTime = 10 * time.Second

var (
	errUntrusted = errors.New("a PROXY header from a sender that is not trusted")
	errNotListed = errors.New("a server that is not on the messenger's list")
)

// serve takes a connection from accept to its end, and counts it.
func (s *Server) serve(raw net.Conn, port *Port) {
	defer raw.Close()
	defer s.closeAtEnd(raw)()
	counted, outcome := s.Stats.Nobody, stats.Crashed
	defer func() {
		if recover() != nil {
			s.logCrash()
		}
		counted.Ended(outcome)
	}()
	counted, outcome = s.carry(raw, port)
}

// carry is the life of one connection, from its first byte to its last.
func (s *Server) carry(raw net.Conn, port *Port) (*stats.Route, stats.Outcome) {
	keepAlive(raw)
	client := relay.TCP(raw)

	// Who is it? Behind a trusted load balancer the PROXY header says so.
	from, to, err := s.addresses(client, port)
	if err != nil {
		client.Reset()
		return s.Stats.Nobody, stats.BadHeader
	}
	leave := s.Limits.EnterNetwork(from.Addr())
	if leave == nil {
		return s.Stats.Nobody, stats.Full
	}
	defer leave()

	admitted := s.Admitted == nil || s.Admitted(from.Addr())
	var session *tls.Conn
	if port.TLS {
		wire := newWire(client, from, admitted)
		session, err = s.handshake(wire)
		if err != nil {
			return s.Stats.Nobody, stats.NoHandshake
		}
		client = relay.TLS(session, wire)
		defer client.Close()
	}

	// Which messenger does it speak? Nothing is dialed before that is proven.
	proven, outcome := s.look(client, session, port, admitted)
	if proven.route == nil {
		return s.Stats.Nobody, outcome
	}
	if s.Proven != nil {
		s.Proven(from.Addr())
	}
	counted := s.Stats.Route(proven.route.Messenger.Name, proven.route.Name)

	dialed, err := s.dial(proven, counted)
	if err != nil {
		return counted, stats.NoUpstream
	}
	defer dialed.Close()
	defer s.closeAtEnd(dialed)()
	server := relay.TCP(dialed)
	if err := s.greet(server, proven, from, to); err != nil {
		client.Reset()
		return counted, stats.CarriedReset
	}
	counted.Up.Add(int64(len(proven.first)))

	counted.Current.Add(1)
	defer counted.Current.Add(-1)
	flow := relay.Flow{Client: client, Upstream: server, Idle: s.Idle, Up: &counted.Up, Down: &counted.Down, Gone: gone(raw, dialed)}
	proven.first = nil // a flow lasts for hours
	return counted, s.ended(flow.Run(s.ctx))
}

// addresses returns the connection's ends, as the PROXY header says on ports
// that want one.
func (s *Server) addresses(client relay.Conn, port *Port) (from, to netip.AddrPort, err error) {
	from, to = addrPort(client.RemoteAddr()), s.public(addrPort(client.LocalAddr()))
	if !port.Header {
		return from, to, nil
	}
	if !slices.ContainsFunc(s.TrustHeader, func(p netip.Prefix) bool { return p.Contains(from.Addr()) }) {
		return from, to, errUntrusted
	}
	client.SetReadDeadline(time.Now().Add(HeaderTime))
	defer client.SetReadDeadline(time.Time{})
	header, err := proxyproto.Read(client)
	if err == nil && header.Source.IsValid() {
		from, to = header.Source, header.Destination
	}
	return from, to, err
}

// dial connects to one of the route's own servers, never to anything that the
// client named: a name in the greeting only picks from the route's list.
func (s *Server) dial(to proven, counted *stats.Route) (net.Conn, error) {
	list := to.route.Upstreams
	if to.name != "" {
		i := slices.IndexFunc(list, func(e upstream.Endpoint) bool { return e.Host == to.name })
		if i < 0 {
			return nil, errNotListed
		}
		list = list[i : i+1]
	}
	conn, err := s.Upstream.Dial(s.ctx, list)
	if err == nil || len(list) == len(to.route.Upstreams) { // one of many hosts says nothing of the others
		counted.SetHealthy(err == nil)
	}
	if err != nil {
		s.Log.Debug("no server answered", "messenger", to.route.Messenger.Name, "route", to.route.Name, "err", err)
		return nil, err
	}
	keepAlive(conn)
	return conn, nil
}

// greet sends the PROXY header, where these servers take one, and the bytes
// that have been looked at.
func (s *Server) greet(server relay.Conn, proven proven, from, to netip.AddrPort) error {
	var greeting []byte
	if proven.route.SendHeader {
		greeting = proxyproto.AppendHeader(greeting, s.SendHeader, from, to)
	}
	server.SetWriteDeadline(time.Now().Add(greetingTime))
	defer server.SetWriteDeadline(time.Time{})
	_, err := server.Write(append(greeting, proven.first...))
	return err
}

// ended says what became of a flow.
func (s *Server) ended(end relay.End) stats.Outcome {
	switch end {
	case relay.Reset:
		return stats.CarriedReset
	case relay.Idle:
		return stats.CarriedIdle
	case relay.Stopped:
		return stats.CarriedToStop
	case relay.Crashed:
		s.Log.Error("a connection crashed", "in", "relay")
		return stats.Crashed
	}
	return stats.Carried
}

// closeAtEnd closes a connection when all must end, unless undone before.
func (s *Server) closeAtEnd(c net.Conn) (undo func()) {
	stop := context.AfterFunc(s.ctx, func() { c.Close() })
	return func() { stop() }
}

// keepAlive makes a connection at rest fail soon after its peer has vanished.
func keepAlive(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		system.KeepAlive(tcp)
	}
}

// gone watches both ends of a flow for one that vanishes with bytes on their way.
func gone(client, server net.Conn) func(time.Time) (gone, waiting bool) {
	ends := []*system.Peer{system.NewPeer(client), system.NewPeer(server)}
	return func(now time.Time) (gone, waiting bool) {
		for _, end := range ends {
			g, w := end.Gone(now)
			gone, waiting = gone || g, waiting || w
		}
		return gone, waiting
	}
}

// public replaces this machine's own address by the public one, if it is known
// and of the same family: behind NAT only that tells the messenger's servers
// which proxy it was.
func (s *Server) public(own netip.AddrPort) netip.AddrPort {
	if s.Public.IsValid() && s.Public.BitLen() == own.Addr().BitLen() {
		return netip.AddrPortFrom(s.Public, own.Port())
	}
	return own
}

// addrPort is the address of one end; the zero value if it has none.
func addrPort(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := tcp.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}
