package proxy

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"causeway/sniff"
	"causeway/stats"
)

// visitor is a connection that net/http serves as long as nothing is proven.
// net/http reads from one goroutine at a time.
type visitor struct {
	*tls.Conn
	port    *Port
	crashed func()
	found   chan proven   // gets at most one
	over    chan struct{} // closed when net/http has closed a visitor
	once    sync.Once

	defect atomic.Bool // a messenger's: net/http's calls do nothing any more
	silent atomic.Bool // it left without a byte
	broken atomic.Bool // judging it crashed

	// HTTP/2 speaks first, and an app that took it for granted that nobody would
	// must not hear it: so nothing is sent before the visitor is judged.
	writing sync.Mutex
	judged  bool
	held    []byte

	// Of the reader alone.
	looks   int    // how often bytes were judged
	buffer  []byte // while not judged
	first   []byte // bytes that net/http has not been given
	failure error  // what ended the reading of first
}

// mostHeld bounds what HTTP/2 may have to say before it is spoken to, in bytes.
const mostHeld = 64 << 10

func newVisitor(session *tls.Conn, port *Port, crashed func()) *visitor {
	return &visitor{Conn: session, port: port, crashed: crashed,
		found: make(chan proven, 1), over: make(chan struct{})}
}

// judgement is what became of a visitor that net/http has let go, which may
// have been in the moment in which a messenger was proven.
func (v *visitor) judgement() (proven, stats.Outcome) {
	select {
	case found := <-v.found:
		return found, ""
	default:
		return proven{}, v.outcome()
	}
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
	for !v.isJudged() {
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
			v.first, v.failure = nil, errCrashed
			v.release()
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
	if verdict == sniff.More && err == nil && v.looks < mostLooks {
		return
	}
	v.buffer = nil
	if verdict == sniff.Yes {
		v.defect.Store(true)
		v.Conn.SetDeadline(time.Time{})
		first := v.first
		v.first = nil
		v.release()
		v.found <- proven{route: route, name: name, first: first}
		return
	}
	v.silent.Store(v.looks == 1 && n == 0)
	v.failure = err
	v.release()
}

func (v *visitor) isJudged() bool {
	v.writing.Lock()
	defer v.writing.Unlock()
	return v.judged
}

// release ends the judging, and sends a stranger what was held back.
func (v *visitor) release() {
	v.writing.Lock()
	defer v.writing.Unlock()
	v.judged = true
	if len(v.held) > 0 && !v.defect.Load() {
		v.Conn.Write(v.held) // net/http finds out with its next write
	}
	v.held = nil
}

// Write is net/http's answer to a stranger.
func (v *visitor) Write(p []byte) (int, error) {
	if v.defect.Load() {
		return 0, net.ErrClosed
	}
	v.writing.Lock()
	if !v.judged && len(v.held)+len(p) <= mostHeld {
		v.held = append(v.held, p...)
		v.writing.Unlock()
		return len(p), nil
	}
	v.writing.Unlock()
	if v.defect.Load() { // proven meanwhile: an app must not read this
		return 0, net.ErrClosed
	}
	return v.Conn.Write(p)
}

// Close is net/http's; a messenger's connection lives on.
func (v *visitor) Close() error {
	if v.defect.Load() {
		return nil
	}
	v.release()
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
