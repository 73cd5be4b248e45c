package actor

import (
	"bufio"
	"context"
	"fmt"
	"net"

	"causeway/lab/record"
	"causeway/lab/standin"
)

// ServiceSetup says where the service listens (host:port; port 0 picks one).
type ServiceSetup struct {
	Chat  []string `json:"chat"`
	Media []string `json:"media"`
}

// Facts is what the world may know about a service.
type Facts struct {
	Root  [32]byte `json:"root"`
	CA    []byte   `json:"ca"`    // PEM
	Chat  []string `json:"chat"`  // addresses
	Media []string `json:"media"` // addresses
}

// Service is the messaging service in a process of its own.
type Service struct {
	*Actor
	Facts Facts
}

// StartService starts a messaging service.
func StartService(ctx context.Context, at Place, setup ServiceSetup) (*Service, error) {
	a, err := start("service", at, setup)
	if err != nil {
		return nil, err
	}
	s := &Service{Actor: a}
	if err := a.call(ctx, "facts", message{}, &s.Facts); err != nil {
		a.Kill()
		return nil, err
	}
	return s, nil
}

// Seen returns the connections that reached the service.
func (s *Service) Seen(ctx context.Context) ([]standin.Seen, error) {
	var seen []standin.Seen
	err := s.call(ctx, "seen", message{}, &seen)
	return seen, err
}

// FindText searches what the service saw.
func (s *Service) FindText(ctx context.Context, text string) (record.Answer, error) {
	return findText(ctx, s.Actor, text)
}

// FindPieces searches what the service saw.
func (s *Service) FindPieces(ctx context.Context, data []byte, size int) (record.Answer, error) {
	return findPieces(ctx, s.Actor, data, size)
}

// playService is the service's process.
func playService(lines *bufio.Reader) (map[string]handler, func(), error) {
	var setup ServiceSetup
	if err := readSetup(lines, &setup); err != nil {
		return nil, nil, err
	}
	s, err := standin.New()
	if err != nil {
		return nil, nil, err
	}
	facts := Facts{Root: s.Root(), CA: s.CAPEM()}
	if facts.Chat, err = listen(setup.Chat, s.Chat); err != nil {
		return nil, nil, err
	}
	if facts.Media, err = listen(setup.Media, s.Media); err != nil {
		return nil, nil, err
	}
	handlers := map[string]handler{
		"facts": with(func(context.Context, message) (any, error) { return facts, nil }),
		"seen":  with(func(context.Context, message) (any, error) { return s.Seen(), nil }),
	}
	addSearch(handlers, s.Tape)
	return handlers, func() { s.Close() }, nil
}

func listen(addresses []string, serve func(net.Listener)) ([]string, error) {
	var bound []string
	for _, address := range addresses {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return nil, fmt.Errorf("listening: %w", err)
		}
		serve(l)
		bound = append(bound, l.Addr().String())
	}
	return bound, nil
}
