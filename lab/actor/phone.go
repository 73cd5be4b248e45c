package actor

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"

	"causeway/lab/phone"
	"causeway/lab/record"
)

// PhoneSetup says whose phone it is, whom it believes and whom it may dial.
type PhoneSetup struct {
	Number string   `json:"number"`
	Name   string   `json:"name"`
	Root   [32]byte `json:"root"` // signs chat certificates
	CA     []byte   `json:"ca"`   // PEM; issues media certificates
}

// Phone is a phone in a process of its own.
type Phone struct{ *Actor }

// StartPhone starts a phone.
func StartPhone(at Place, setup PhoneSetup) (*Phone, error) {
	a, err := start("phone", at, setup)
	if err != nil {
		return nil, err
	}
	return &Phone{a}, nil
}

type message struct {
	Route   phone.Route `json:"route"`
	Number  string      `json:"number,omitempty"`
	Text    string      `json:"text,omitempty"`
	Data    []byte      `json:"data,omitempty"`
	Address string      `json:"address,omitempty"`
	Open    []string    `json:"open,omitempty"`
	Size    int         `json:"size,omitempty"`
}

// Connect connects the phone over route and waits for the login.
func (p *Phone) Connect(ctx context.Context, route phone.Route) error {
	return p.call(ctx, "connect", message{Route: route}, nil)
}

// Disconnect ends the phone's connection.
func (p *Phone) Disconnect(ctx context.Context) error {
	return p.call(ctx, "disconnect", message{}, nil)
}

// SendText sends text to a number.
func (p *Phone) SendText(ctx context.Context, number, text string) error {
	return p.call(ctx, "sendText", message{Number: number, Text: text}, nil)
}

// SendPicture sends a PNG with a caption to a number.
func (p *Phone) SendPicture(ctx context.Context, number, caption string, png []byte) error {
	return p.call(ctx, "sendPicture", message{Number: number, Text: caption, Data: png}, nil)
}

// WaitText returns the next text that arrives.
func (p *Phone) WaitText(ctx context.Context) (phone.Text, error) {
	var got phone.Text
	err := p.call(ctx, "waitText", message{}, &got)
	return got, err
}

// WaitPicture returns the next picture that arrives.
func (p *Phone) WaitPicture(ctx context.Context) (phone.Picture, error) {
	var got phone.Picture
	err := p.call(ctx, "waitPicture", message{}, &got)
	return got, err
}

// Dial tries a bare TCP connection from where the phone is.
func (p *Phone) Dial(ctx context.Context, address string) error {
	return p.call(ctx, "dial", message{Address: address}, nil)
}

// Browse opens an address in the phone's browser.
func (p *Phone) Browse(ctx context.Context, address string) (phone.Page, error) {
	var got phone.Page
	err := p.call(ctx, "browse", message{Address: address}, &got)
	return got, err
}

// Block makes the phone's dialer refuse everything but the open addresses
// (host:port): the block, where the kernel cannot be asked for one.
func (p *Phone) Block(ctx context.Context, open ...string) error {
	return p.call(ctx, "block", message{Open: open}, nil)
}

// Leak writes secret in the clear on the chat's way.
func (p *Phone) Leak(ctx context.Context, route phone.Route, secret []byte) error {
	return p.call(ctx, "leak", message{Route: route, Data: secret}, nil)
}

// FindText searches what passed between the phone and the volunteer.
func (p *Phone) FindText(ctx context.Context, text string) (record.Answer, error) {
	return findText(ctx, p.Actor, text)
}

// FindPieces searches what passed between the phone and the volunteer.
func (p *Phone) FindPieces(ctx context.Context, data []byte, size int) (record.Answer, error) {
	return findPieces(ctx, p.Actor, data, size)
}

func findText(ctx context.Context, a *Actor, text string) (record.Answer, error) {
	var got record.Answer
	err := a.call(ctx, "findText", message{Text: text}, &got)
	return got, err
}

func findPieces(ctx context.Context, a *Actor, data []byte, size int) (record.Answer, error) {
	var got record.Answer
	err := a.call(ctx, "findPieces", message{Data: data, Size: size}, &got)
	return got, err
}

// playPhone is the phone's process.
func playPhone(lines *bufio.Reader) (map[string]handler, func(), error) {
	var setup PhoneSetup
	if err := readSetup(lines, &setup); err != nil {
		return nil, nil, err
	}
	phone.Trust(setup.Root)
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(setup.CA) {
		return nil, nil, errors.New("no certificate in the authority's PEM")
	}
	tape := &record.Tape{}
	border := &border{}
	p, err := phone.New(phone.Config{Number: setup.Number, Name: setup.Name, CA: pool, Dial: border.dial, Tape: tape})
	if err != nil {
		return nil, nil, err
	}
	handlers := map[string]handler{
		"connect":    with(func(ctx context.Context, m message) (any, error) { return nil, p.Connect(ctx, m.Route) }),
		"disconnect": with(func(context.Context, message) (any, error) { p.Disconnect(); return nil, nil }),
		"sendText":   with(func(ctx context.Context, m message) (any, error) { return nil, p.SendText(ctx, m.Number, m.Text) }),
		"sendPicture": with(func(ctx context.Context, m message) (any, error) {
			return nil, p.SendPicture(ctx, m.Number, m.Text, m.Data)
		}),
		"waitText":    with(func(ctx context.Context, _ message) (any, error) { return p.WaitText(ctx) }),
		"waitPicture": with(func(ctx context.Context, _ message) (any, error) { return p.WaitPicture(ctx) }),
		"leak":        with(func(ctx context.Context, m message) (any, error) { return nil, p.Leak(ctx, m.Route, m.Data) }),
		"block":       with(func(_ context.Context, m message) (any, error) { border.block(m.Open); return nil, nil }),
		"browse":      with(func(ctx context.Context, m message) (any, error) { return p.Browse(ctx, m.Address) }),
		"dial": with(func(ctx context.Context, m message) (any, error) {
			conn, err := border.dial(ctx, "tcp", m.Address)
			if err != nil {
				return nil, err
			}
			return nil, conn.Close()
		}),
	}
	addSearch(handlers, tape)
	return handlers, p.Disconnect, nil
}

// addSearch adds the operations that search a tape.
func addSearch(handlers map[string]handler, tape *record.Tape) {
	handlers["findText"] = with(func(_ context.Context, m message) (any, error) { return tape.FindText(m.Text), nil })
	handlers["findPieces"] = with(func(_ context.Context, m message) (any, error) { return tape.FindPieces(m.Data, m.Size), nil })
}

// with decodes the arguments of an operation.
func with(do func(context.Context, message) (any, error)) handler {
	return func(ctx context.Context, args json.RawMessage) (any, error) {
		var m message
		if err := json.Unmarshal(args, &m); err != nil {
			return nil, fmt.Errorf("decoding the arguments: %w", err)
		}
		return do(ctx, m)
	}
}

// border is a dialer that can be told to refuse.
type border struct {
	mu      sync.Mutex
	blocked bool
	open    []string
}

func (b *border) block(open []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.blocked, b.open = true, open
}

func (b *border) dial(ctx context.Context, network, address string) (net.Conn, error) {
	b.mu.Lock()
	refused := b.blocked && !slices.Contains(b.open, address)
	b.mu.Unlock()
	if refused {
		return nil, errors.New("blocked: this network lets nothing through but the volunteer")
	}
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}
