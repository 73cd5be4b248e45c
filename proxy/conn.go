package proxy

import (
	"context"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"time"

	"causeway/proxyproto"
	"causeway/relay"
	"causeway/stats"
	"causeway/system"
	"causeway/upstream"
)

// serve takes a connection from accept to its end, and counts it.
func (s *Server) serve(raw net.Conn, port *Port) {
	findWhenDead(raw)
	client := relay.TCP(raw)
	defer client.Close()
	defer context.AfterFunc(s.ctx, func() { client.Close() })()
	counted, outcome := s.Stats.Nobody, stats.Crashed
	defer func() {
		if fault := recover(); fault != nil {
			s.logCrash()
		}
		counted.Ended(outcome)
	}()
	counted, outcome = s.carry(client, port)
}

// carry is the life of one connection, from its first byte to its last.
func (s *Server) carry(client relay.Conn, port *Port) (*stats.Route, stats.Outcome) {
	// Who is it? Behind a trusted load balancer the PROXY header says so.
	from, to := addrPort(client.RemoteAddr()), s.public(addrPort(client.LocalAddr()))
	if port.Header {
		header, err := s.readHeader(client, from)
		if err != nil {
			client.Reset()
			return s.Stats.Nobody, stats.BadHeader
		}
		if header.Source.IsValid() {
			from, to = header.Source, header.Destination
		}
	}
	leave := s.Limits.EnterNetwork(from.Addr())
	if leave == nil {
		return s.Stats.Nobody, stats.Full
	}
	defer leave()

	if port.TLS {
		session, err := s.handshake(client)
		if err != nil {
			return s.Stats.Nobody, stats.NoHandshake
		}
		client = relay.TLS(session, client)
		defer client.Close()
	}

	// Which messenger does it speak? Nothing is dialed before that is proven.
	proven, outcome := s.look(client, port)
	if proven.route == nil {
		return s.Stats.Nobody, outcome
	}
	route := proven.route
	counted := s.Stats.Route(route.Messenger.Name, route.Name)

	server, err := s.dial(proven)
	if err == nil || proven.name == "" { // one of many hosts says nothing of the others
		counted.SetHealthy(err == nil)
	}
	if err != nil {
		s.Log.Debug("no server answered", "messenger", route.Messenger.Name, "route", route.Name, "err", err)
		return counted, stats.NoUpstream
	}
	defer server.Close()

	var greeting []byte
	if route.SendHeader {
		greeting = proxyproto.AppendHeader(greeting, s.SendHeader, from, to)
	}
	greeting = append(greeting, proven.first...)
	proven.first = nil
	if _, err := server.Write(greeting); err != nil {
		client.Reset()
		return counted, stats.CarriedReset
	}

	counted.Current.Add(1)
	defer counted.Current.Add(-1)
	flow := relay.Flow{Client: client, Upstream: server, Idle: s.Idle, Up: &counted.Up, Down: &counted.Down}
	return counted, outcomes[flow.Run(s.ctx)]
}

var outcomes = map[relay.End]stats.Outcome{
	relay.Done:    stats.Carried,
	relay.Reset:   stats.CarriedReset,
	relay.Idle:    stats.CarriedIdle,
	relay.Stopped: stats.CarriedToStop,
}

// readHeader reads the PROXY header that a trusted load balancer sends.
func (s *Server) readHeader(client relay.Conn, sender netip.AddrPort) (proxyproto.Header, error) {
	if !slices.ContainsFunc(s.TrustHeader, func(p netip.Prefix) bool { return p.Contains(sender.Addr()) }) {
		return proxyproto.Header{}, errUntrusted
	}
	client.SetReadDeadline(time.Now().Add(HeaderTime))
	defer client.SetReadDeadline(time.Time{})
	return proxyproto.Read(client)
}

// dial connects to one of the route's own servers, never to anything that the
// client named: a name in the greeting only picks from the route's list.
func (s *Server) dial(to proven) (relay.Conn, error) {
	list := to.route.Upstreams
	if to.name != "" {
		i := slices.IndexFunc(list, func(e upstream.Endpoint) bool { return e.Host == to.name })
		if i < 0 {
			return nil, errNotListed
		}
		list = list[i : i+1]
	}
	conn, err := s.Upstream.Dial(s.ctx, list)
	if err != nil {
		return nil, err
	}
	findWhenDead(conn)
	return relay.TCP(conn), nil
}

// findWhenDead makes a connection fail soon after its peer has vanished. What
// the system does not offer is missed only by a connection that is idle anyway.
func findWhenDead(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		system.DeadPeer(tcp)
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

// logCrash says where this program is at fault: function names and lines only,
// since a panic's text and arguments may hold what a person sent.
func (s *Server) logCrash() {
	var callers [16]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(3, callers[:])])
	for {
		frame, more := frames.Next()
		s.Log.Error("a connection crashed", "in", frame.Function, "line", frame.Line)
		if !more {
			return
		}
	}
}
