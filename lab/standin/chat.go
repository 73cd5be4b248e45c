package standin

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/pires/go-proxyproto"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"

	"causeway/lab/record"
)

const (
	maxDevices = 64  // people that one service knows
	maxOffline = 256 // stanzas kept for somebody who is away
)

// device is one paired client as the service knows it. It lives on while the
// client is away.
type device struct {
	jid    types.JID
	static []byte // the Noise key that the first login bound to the number

	mu      sync.Mutex
	session *session
	offline []waBinary.Node
	keys    keyBundle
}

// session is one logged-in connection.
type session struct {
	service *Service
	device  *device
	frames  *frames
	stream  string // its name on the tape
}

// serveChat is the life of one chat connection: the optional PROXY header, the
// greeting, the handshake, the login, then stanzas until it ends.
func (s *Service) serveChat(raw net.Conn, stream string) {
	conn := &record.Conn{Conn: raw, Tape: s.Tape, In: stream + " as it came", Out: stream + " as it went"}
	read := bufio.NewReader(conn)
	seen := Seen{Route: "chat"}
	session, err := s.login(conn, read, &seen)
	if err != nil {
		if !seen.Silent {
			seen.Problem = err.Error()
		}
		s.saw(seen)
		return
	}
	s.saw(seen)
	session.stream = stream + " after the service's decryption"
	if err := session.welcome(); err != nil {
		return
	}
	defer session.leave()
	for {
		plain, err := session.frames.next()
		if err != nil {
			return
		}
		if err := session.take(plain); err != nil {
			return
		}
	}
}

// login runs everything up to the moment at which it is known who is there.
func (s *Service) login(conn net.Conn, read *bufio.Reader, seen *Seen) (*session, error) {
	if err := conn.SetReadDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return nil, err
	}
	if _, err := read.Peek(1); err != nil {
		seen.Silent = true
		return nil, err
	}
	header, err := proxyproto.Read(read)
	if err != nil && !errors.Is(err, proxyproto.ErrNoProxyProtocol) {
		return nil, fmt.Errorf("reading the PROXY header: %w", err)
	}
	if header != nil {
		seen.Header = int(header.Version)
		if header.SourceAddr != nil {
			seen.Source = header.SourceAddr.String()
		}
	}
	if seen.Routed, err = greet(read); err != nil {
		return nil, fmt.Errorf("reading the greeting: %w", err)
	}
	f, static, payload, err := s.shake(conn, read)
	if err != nil {
		return nil, fmt.Errorf("shaking hands: %w", err)
	}
	jid := types.JID{
		User:   strconv.FormatUint(payload.GetUsername(), 10),
		Device: uint16(payload.GetDevice()),
		Server: types.DefaultUserServer,
	}
	seen.User = jid.User
	d, err := s.admit(jid, static)
	if err != nil {
		refusal := waBinary.Node{Tag: "failure", Attrs: waBinary.Attrs{"reason": "401"}}
		return nil, errors.Join(err, sendNode(f, refusal))
	}
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		return nil, err
	}
	return &session{service: s, device: d, frames: f}, nil
}

// admit finds or makes the device. The first login binds the number to its
// Noise key; pairing happened on the clients' side.
func (s *Service) admit(jid types.JID, static []byte) (*device, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.devices[jid.String()]
	if d == nil && len(s.devices) >= maxDevices {
		return nil, errors.New("too many devices")
	}
	if d == nil {
		d = &device{jid: jid, static: static}
		s.devices[jid.String()] = d
	}
	if !bytes.Equal(d.static, static) {
		return nil, errors.New("another key for a known number")
	}
	return d, nil
}

func (s *Service) device(jid types.JID) *device {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.devices[jid.String()]
}

// devicesOf returns all devices of one person.
func (s *Service) devicesOf(user string) []*device {
	s.mu.Lock()
	defer s.mu.Unlock()
	var own []*device
	for _, d := range s.devices {
		if d.jid.User == user {
			own = append(own, d)
		}
	}
	return own
}

// welcome says that the login stands and delivers what has been kept.
func (c *session) welcome() error {
	now := strconv.FormatInt(time.Now().Unix(), 10)
	if err := c.send(waBinary.Node{Tag: "success", Attrs: waBinary.Attrs{"t": now}}); err != nil {
		return err
	}
	c.device.mu.Lock()
	defer c.device.mu.Unlock()
	c.device.session = c
	for _, node := range c.device.offline {
		if err := c.send(node); err != nil {
			return err
		}
	}
	c.device.offline = nil
	return nil
}

func (c *session) leave() {
	c.device.mu.Lock()
	defer c.device.mu.Unlock()
	if c.device.session == c {
		c.device.session = nil
	}
}

// deliver sends node to the device now, or keeps it until it comes back.
func (d *device) deliver(node waBinary.Node) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.session != nil && d.session.send(node) == nil {
		return
	}
	if len(d.offline) < maxOffline {
		d.offline = append(d.offline, node)
	}
}

func (c *session) send(node waBinary.Node) error {
	plain, err := waBinary.Marshal(node)
	if err != nil {
		return fmt.Errorf("encoding a stanza: %w", err)
	}
	c.service.Tape.Add(c.stream, plain)
	return c.frames.send(plain)
}

func sendNode(f *frames, node waBinary.Node) error {
	plain, err := waBinary.Marshal(node)
	if err != nil {
		return fmt.Errorf("encoding a stanza: %w", err)
	}
	return f.send(plain)
}
