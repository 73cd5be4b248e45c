package upstream_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"regexp"
	"syscall"
	"testing"
	"time"

	"causeway/upstream"
)

func TestErrorsHaveNoAddress(t *testing.T) {
	dns := func(e net.DNSError) error {
		e.Name, e.Server = "g.example", "192.0.2.53:53"
		return fmt.Errorf("lookup: %w", &e)
	}
	tests := []struct {
		name   string
		lookup error
		dial   error
		want   string
		is     error
	}{
		{"refused", nil, nil, "g.example:5222: connection refused", syscall.ECONNREFUSED},
		{"no route", nil, os.NewSyscallError("connect", syscall.EHOSTUNREACH), "g.example:5222: no route to host", syscall.EHOSTUNREACH},
		{"not our own error", nil, errors.New("157.240.0.1 is angry"), "g.example:5222: unknown error", nil},
		{"an address that is wrong", nil, &net.AddrError{Err: "bad", Addr: a4}, "g.example:5222: unknown error", nil},
		{"time-out", nil, &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, "g.example:5222: timed out", context.DeadlineExceeded},
		{"closed", nil, net.ErrClosed, "g.example:5222: use of closed network connection", net.ErrClosed},
		{"no such host", dns(net.DNSError{Err: "no such host", IsNotFound: true}), nil, "g.example:5222: looking up the name: no such host", nil},
		{"resolver hangs", dns(net.DNSError{Err: "i/o timeout", IsTimeout: true}), nil, "g.example:5222: looking up the name: timed out", context.DeadlineExceeded},
		{"resolver refuses", dns(net.DNSError{Err: "read udp 10.0.0.1:5->192.0.2.53:53: refused", UnwrapErr: syscall.ECONNREFUSED}), nil,
			"g.example:5222: looking up the name: the resolver does not answer", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := &world{
				names:   map[string]name{"g.example": {addrs: []string{a4}, err: test.lookup}},
				servers: map[string]server{on(a4, 5222): {err: test.dial}},
			}
			inWorld(t, w, func(t *testing.T, d *upstream.Dialer) {
				var log bytes.Buffer
				d.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
				err := fails(t, d, one, 0)
				d.Close()
				if err.Error() != test.want {
					t.Errorf("got %q, want %q", err, test.want)
				}
				if test.is != nil && !errors.Is(err, test.is) {
					t.Errorf("%v does not wrap %v", err, test.is)
				}
				everything := fmt.Sprintf("%v %+v %#v %s", err, err, err, regexp.MustCompile(`time=\S+`).ReplaceAllString(log.String(), ""))
				if leak := regexp.MustCompile(`[0-9]+\.[0-9]+\.[0-9]+|::`).FindString(everything); leak != "" {
					t.Errorf("%q is in the error or the log: %s", leak, everything)
				}
				var op *net.OpError
				var lookup *net.DNSError
				if errors.As(err, &op) || errors.As(err, &lookup) {
					t.Errorf("%v wraps an error of package net", err)
				}
			})
		})
	}
}

func TestErrorNamesEveryServer(t *testing.T) {
	w := &world{
		names:   map[string]name{"g.example": {addrs: []string{a6, a4}}, "g-fallback.example": {err: errDown}},
		servers: map[string]server{on(a4, 443): {silent: true}},
	}
	inWorld(t, w, func(t *testing.T, d *upstream.Dialer) {
		to := append(upstream.Endpoints(443, "g.example"), both...)
		warm(t, w, d)
		want := "g-fallback.example:5222: looking up the name: unknown error; g.example:443: connection refused; " +
			"g.example:5222: connection refused; g.example:443: timed out"
		if err := fails(t, d, to, 5*time.Second); err.Error() != want {
			t.Errorf("got %q, want %q", err, want)
		}
	})
}
