package proxy

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"causeway/relay"
	"causeway/sniff"
	"causeway/stats"
)

// visitor is a connection that net/http serves as long as nothing is proven.
// net/http reads from one goroutine at a time.
type visitor struct {
	relay.Conn
	port    *Port
	crashed func()
	found   chan proven   // gets at most one
	over    chan struct{} // closed when net/http has closed a visitor
	once    sync.Once

	defect atomic.Bool // a messenger's: net/http's calls do nothing any more
	silent atomic.Bool // it left without a byte
	broken atomic.Bool // judging it crashed

	// Of the reader alone.
	judged  bool   // a stranger's: what net/http reads is what comes
	looks   int    // how often bytes were judged
	buffer  []byte // while not judged
	first   []byte // bytes that net/http has not been given
	failure error  // what ended the reading of first
}

var errCrashed = errors.New("judging the first bytes crashed")

// outcome says what a visitor was that is over.
func (v *visitor) outcome() stats.Outcome {
	switch {
	case v.broken.Load():
		return stats.Crashed
	case v.silent.Load():
		return stats.Silent
	}
	return stats.Site
}

// Read gives net/http what a stranger sends. While the bytes may still become
// a greeting it waits for more, under the deadline that net/http has set.
func (v *visitor) Read(p []byte) (int, error) {
	for !v.judged {
		v.judge()
	}
	if v.defect.Load() {
		return 0, io.EOF
	}
	if len(v.first) > 0 {
		n := copy(p, v.first)
		v.first = v.first[n:]
		return n, nil
	}
	v.first = nil
	if v.failure != nil {
		err := v.failure
		v.failure = nil
		return 0, err
	}
	return v.Conn.Read(p)
}

// judge reads once more and judges all that came.
func (v *visitor) judge() {
	defer func() {
		if recover() != nil { // before net/http does, whose log has the panic's text
			v.broken.Store(true)
			v.judged, v.first, v.failure = true, nil, errCrashed
			v.crashed()
		}
	}()
	if v.buffer == nil {
		v.buffer = make([]byte, firstBuffer)
	}
	n, err := v.Conn.Read(v.buffer)
	v.first = append(v.first, v.buffer[:n]...)
	v.looks++
	verdict, route, name := sniff.More, (*Route)(nil), ""
	if n > 0 {
		verdict, route, name = v.port.judge(v.first)
	}
	if verdict == sniff.Yes {
		v.defect.Store(true)
		v.Conn.SetDeadline(time.Time{})
		v.found <- proven{route: route, name: name, first: v.first}
		v.first = nil
	}
	if verdict == sniff.More && err == nil && v.looks < mostLooks {
		return
	}
	v.silent.Store(v.looks == 1 && n == 0)
	v.judged, v.buffer, v.failure = true, nil, err
}

// Write is net/http's answer to a stranger.
func (v *visitor) Write(p []byte) (int, error) {
	if v.defect.Load() {
		return 0, net.ErrClosed
	}
	return v.Conn.Write(p)
}

// Close is net/http's; a messenger's connection lives on.
func (v *visitor) Close() error {
	if v.defect.Load() {
		return nil
	}
	err := v.Conn.Close()
	v.once.Do(func() { close(v.over) })
	return err
}

// CloseWrite is how net/http ends an answer before it closes: with TLS's own
// close_notify alone, the FIN comes with Close.
func (v *visitor) CloseWrite() error {
	if v.defect.Load() {
		return nil
	}
	if session, ok := v.Conn.(interface{ CloseNotify() error }); ok {
		return session.CloseNotify()
	}
	return v.Conn.CloseWrite()
}

// SetDeadline is net/http's clock for strangers.
func (v *visitor) SetDeadline(t time.Time) error {
	if v.defect.Load() {
		return nil
	}
	return v.Conn.SetDeadline(t)
}

// SetReadDeadline is net/http's clock for strangers.
func (v *visitor) SetReadDeadline(t time.Time) error {
	if v.defect.Load() {
		return nil
	}
	return v.Conn.SetReadDeadline(t)
}

// SetWriteDeadline is net/http's clock for strangers.
func (v *visitor) SetWriteDeadline(t time.Time) error {
	if v.defect.Load() {
		return nil
	}
	return v.Conn.SetWriteDeadline(t)
}
