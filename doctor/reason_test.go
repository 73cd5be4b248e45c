package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"testing"

	"causeway/noise"
	"causeway/system"
	"causeway/upstream"
)

func TestReason(t *testing.T) {
	at := func(err error) error {
		from := &net.TCPAddr{IP: net.IPv4(198, 51, 100, 7), Port: 40000}
		return fmt.Errorf("dialing: %w", &net.OpError{Op: "read", Net: "tcp", Source: from, Addr: from, Err: err})
	}
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"refused", at(os.NewSyscallError("connect", system.ErrRefused)), "refused"},
		{"reset", at(os.NewSyscallError("read", system.ErrReset)), "reset"},
		{"deadline of a connection", at(os.ErrDeadlineExceeded), "no answer in time"},
		{"deadline of a dial", at(context.DeadlineExceeded), "no answer in time"},
		{"time-out of a name server", at(&net.DNSError{IsTimeout: true}), "the name cannot be looked up"},
		{"no such name", at(&net.DNSError{IsNotFound: true}), "the name does not exist"},
		{"closed", io.EOF, "closed without an answer"},
		{"cut off", fmt.Errorf("reading: %w", noise.ErrTruncated), "cut off in the middle of the answer"},
		{"not Noise", fmt.Errorf("%w: a frame of 0 bytes", noise.ErrNotNoise), "the answer is not WhatsApp's protocol"},
		{"not TLS", tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, "the answer is not TLS"},
		{"alert", refusedHandshake(t), "TLS was refused"},
		{"private address", fmt.Errorf("g.whatsapp.net: %w", upstream.ErrNotPublic), "its name leads to an address where it cannot be"},
		{"anything else", at(errors.New("198.51.100.7 is odd")), "the connection failed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := reason(c.err); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// refusedHandshake returns what a client sees of a server that wants none.
func refusedHandshake(t *testing.T) error {
	t.Helper()
	client, server := net.Pipe()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		tls.Server(server, &tls.Config{}).Handshake() // no certificate: alert 80
		server.Close()
	})
	defer client.Close()
	return tls.Client(client, &tls.Config{ServerName: "x", InsecureSkipVerify: true}).Handshake()
}
