package upstream

import (
	"context"
	"errors"
	"net"
	"strings"
	"syscall"
)

var (
	errNoEndpoints  = errors.New("no servers to dial")
	errNoAddress    = errors.New("no usable address")
	errNoHost       = errors.New("no such host")
	errLookup       = errors.New("the resolver does not answer")
	errUnknown      = errors.New("unknown error")
	errTooManyHosts = errors.New("too many host names")
)

// failure is why one server was not reached. It keeps no address.
type failure struct {
	to    Endpoint
	cause error
}

func (f failure) Error() string { return f.to.String() + ": " + f.cause.Error() }

func (f failure) Unwrap() error { return f.cause }

// failures is why no server was reached.
type failures []error

func (f failures) Error() string {
	texts := make([]string, len(f))
	for i, err := range f {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}

func (f failures) Unwrap() []error { return f }

// timedOut stands for every kind of time-out.
type timedOut struct{}

func (timedOut) Error() string        { return "timed out" }
func (timedOut) Timeout() bool        { return true }
func (timedOut) Is(target error) bool { return target == context.DeadlineExceeded }

// cause returns what in err can be told: errors of package net hold addresses
// of the server, of this machine and of its resolver.
func cause(err error) error {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return causeOfLookup(dns)
	}
	var number syscall.Errno
	if errors.As(err, &number) {
		return number
	}
	for _, plain := range []error{context.Canceled, net.ErrClosed, ErrNotPublic, errNoAddress} {
		if errors.Is(err, plain) {
			return plain
		}
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return timedOut{}
	}
	return errUnknown
}

func causeOfLookup(err *net.DNSError) error {
	if err.IsNotFound {
		return errNoHost
	}
	if err.IsTimeout {
		return timedOut{}
	}
	return errLookup
}
