package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"causeway/noise"
	"causeway/system"
	"causeway/upstream"
)

// Words that are looked for in what reason returns.
const (
	refused = "refused"
	unknown = "the connection failed"
)

// reason says in plain words why a connection came to nothing. The words are a
// closed list: net's own errors carry addresses.
func reason(err error) string {
	for _, known := range reasons {
		if errors.Is(err, known.err) {
			return known.words
		}
	}
	var name *net.DNSError
	if errors.As(err, &name) {
		if name.IsNotFound {
			return "the name does not exist"
		}
		return "the name cannot be looked up"
	}
	var wait net.Error
	if errors.As(err, &wait) && wait.Timeout() {
		return "no answer in time"
	}
	var record tls.RecordHeaderError
	if errors.As(err, &record) {
		return "the answer is not TLS"
	}
	var remote *net.OpError
	if errors.As(err, &remote) && remote.Op == "remote error" { // crypto/tls, for an alert
		return "TLS was refused"
	}
	return unknown
}

var reasons = []struct {
	err   error
	words string
}{
	{noise.ErrTruncated, "cut off in the middle of the answer"},
	{noise.ErrNotNoise, "the answer is not WhatsApp's protocol"},
	{upstream.ErrNotPublic, "its name leads to an address where it cannot be"},
	{context.Canceled, "stopped before it was done"},
	{context.DeadlineExceeded, "no answer in time"},
	{os.ErrDeadlineExceeded, "no answer in time"},
	{system.ErrRefused, refused},
	{system.ErrReset, "reset"},
	{syscall.ENETUNREACH, "no route to it"},
	{syscall.EHOSTUNREACH, "no route to it"},
	{io.ErrUnexpectedEOF, "cut off in the middle of the answer"},
	{io.EOF, "closed without an answer"},
	{syscall.EPIPE, "closed without an answer"},
	{net.ErrClosed, "closed without an answer"},
}
