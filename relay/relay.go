// Package relay moves bytes between a phone and a messenger's server until
// both have said that they are done.
package relay

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// DefaultIdle ends a flow in which nothing moved either way: the official
	// proxy's client and server time-outs.
	DefaultIdle = 200 * time.Second

	// DefaultHalfClosed is the same after one side has said EOF. The official
	// proxy waits 1 s and loses later answers; answers of up to 30 s must arrive.
	DefaultHalfClosed = 35 * time.Second

	smallBuffer = 512      // bytes, held by a direction that waits
	largeBuffer = 32 << 10 // bytes, borrowed while a direction is busy
)

// End says how a flow ended.
type End string

// The ways in which a flow ends.
const (
	Done    End = "done"    // both sides said EOF
	Reset   End = "reset"   // one side broke off, the other was told so by an RST
	Idle    End = "idle"    // nothing moved for the idle time
	Stopped End = "stopped" // the context ended
)

// Flow is one connection carried between two sides.
type Flow struct {
	Client, Upstream Conn

	Idle       time.Duration // 0 means DefaultIdle
	HalfClosed time.Duration // 0 means DefaultHalfClosed

	// Up and Down count bytes as they are passed on, from the client and to it.
	Up, Down *atomic.Int64
}

// Run carries the flow to its end and leaves both sides closed.
func (f *Flow) Run(ctx context.Context) End {
	r := run{Flow: f, limit: or(f.Idle, DefaultIdle)}
	r.moved()
	r.mu.Lock()
	r.timer = time.AfterFunc(r.limit, r.checkIdle)
	r.mu.Unlock()
	stop := context.AfterFunc(ctx, func() { r.finish(Stopped) })
	defer stop()

	var up sync.WaitGroup
	up.Go(func() { r.half(f.Upstream, f.Client, f.Up) })
	r.half(f.Client, f.Upstream, f.Down)
	up.Wait()
	r.finish(Done)
	return r.end
}

func or(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

// run is a flow under way.
type run struct {
	*Flow
	last atomic.Int64 // when bytes last moved, Unix nanoseconds

	mu    sync.Mutex
	limit time.Duration // how long the flow may be idle now
	timer *time.Timer
	end   End // "" while under way
}

func (r *run) moved() { r.last.Store(time.Now().UnixNano()) }

// half passes one direction on, and its end: EOF as EOF, anything else as RST.
func (r *run) half(dst, src Conn, count *atomic.Int64) {
	if err := r.copyHalf(dst, src, count); err != nil {
		r.finish(Reset)
		return
	}
	dst.CloseWrite()
	r.halfClosed()
}

// copyHalf moves bytes until src says EOF. A waiting direction holds a small
// buffer only; a large one is borrowed while bytes come faster than that.
func (r *run) copyHalf(dst, src Conn, count *atomic.Int64) error {
	small := make([]byte, smallBuffer)
	buffer := small
	var borrowed *[largeBuffer]byte
	defer func() { giveBack(borrowed) }()
	for {
		n, err := src.Read(buffer)
		if n > 0 {
			r.moved()
			written, writeErr := dst.Write(buffer[:n])
			count.Add(int64(written))
			if writeErr != nil {
				return writeErr
			}
			r.moved()
		}
		// A phone that closes without close_notify has said EOF all the same.
		if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch {
		case borrowed == nil && n == len(buffer):
			borrowed = borrow()
			buffer = borrowed[:]
		case borrowed != nil && n < smallBuffer:
			giveBack(borrowed)
			borrowed = nil
			buffer = small
		}
	}
}

// halfClosed shortens the idle time: one side has nothing more to say.
func (r *run) halfClosed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.moved()
	r.limit = min(r.limit, or(r.HalfClosed, DefaultHalfClosed))
	if r.end == "" {
		r.timer.Reset(r.limit)
	}
}

func (r *run) checkIdle() {
	r.mu.Lock()
	idle := time.Since(time.Unix(0, r.last.Load()))
	if left := r.limit - idle; left > 0 && r.end == "" {
		r.timer.Reset(left)
		r.mu.Unlock()
		return
	}
	r.mu.Unlock()
	r.finish(Idle)
}

// finish closes both sides once; the first reason is the one that counts.
func (r *run) finish(end End) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.end != "" {
		return
	}
	r.end = end
	r.timer.Stop()
	if end == Reset {
		r.Client.Reset()
		r.Upstream.Reset()
		return
	}
	r.Client.Close()
	r.Upstream.Close()
}

var buffers = sync.Pool{New: func() any { return new([largeBuffer]byte) }}

func borrow() *[largeBuffer]byte { return buffers.Get().(*[largeBuffer]byte) }

func giveBack(b *[largeBuffer]byte) {
	if b != nil {
		buffers.Put(b)
	}
}
