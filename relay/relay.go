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

	"causeway/system"
)

const (
	// DefaultIdle ends a flow in which nothing moved either way: the official
	// proxy's client and server time-outs.
	DefaultIdle = 200 * time.Second

	// DefaultHalfClosed is the same after one side has said EOF. The official
	// proxy waits 1 s and loses later answers; answers of up to 30 s must arrive.
	DefaultHalfClosed = 35 * time.Second

	// CheckEvery is how often a flow that is not at rest is looked after.
	CheckEvery = system.CheckEvery

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
	Crashed End = "crashed" // a fault of this program
)

// Flow is one connection carried between two sides.
type Flow struct {
	Client, Upstream Conn

	Idle       time.Duration // 0 means DefaultIdle
	HalfClosed time.Duration // 0 means DefaultHalfClosed

	// Up and Down count bytes as they are passed on, from the client and to it.
	Up, Down *atomic.Int64

	// Gone says whether a side has vanished without a word, and whether bytes
	// are still waiting to reach one, so that it is worth asking again. It is
	// asked every CheckEvery while bytes move or wait. nil never finds anything.
	Gone func(now time.Time) (gone, waiting bool)
}

// Run carries the flow to its end and leaves both sides closed.
func (f *Flow) Run(ctx context.Context) End {
	r := run{Flow: f, limit: or(f.Idle, DefaultIdle)}
	r.last.Store(time.Now().UnixNano())
	r.mu.Lock()
	r.timer = time.AfterFunc(min(CheckEvery, r.limit), r.check)
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
	last  atomic.Int64 // when bytes last moved, Unix nanoseconds
	quiet atomic.Bool  // the timer waits for the idle time alone

	mu      sync.Mutex
	limit   time.Duration // how long the flow may be idle now
	timer   *time.Timer
	checked int64 // last at the latest check
	end     End   // "" while under way
}

// moved notes that bytes move, and wakes the check of a flow that was at rest.
func (r *run) moved() {
	r.last.Store(time.Now().UnixNano())
	if r.quiet.Load() && r.quiet.Swap(false) {
		r.again(CheckEvery)
	}
}

// again sets the timer of a flow that has not ended.
func (r *run) again(after time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.end == "" {
		r.timer.Reset(min(after, r.limit))
	}
}

// half passes one direction on, and its end: EOF as EOF, anything else as RST.
// A crash over one person's bytes must not end everybody's connections.
func (r *run) half(dst, src Conn, count *atomic.Int64) {
	defer func() {
		if recover() != nil {
			r.finish(Crashed)
		}
	}()
	if err := r.copyHalf(dst, src, count); err != nil {
		r.finish(Reset)
		return
	}
	r.halfClosed(dst)
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

// halfClosed passes an EOF on and shortens the idle time: one side has nothing
// more to say. A flow that has ended gets no EOF between its resets.
func (r *run) halfClosed(dst Conn) {
	r.mu.Lock()
	if r.end != "" {
		r.mu.Unlock()
		return
	}
	r.limit = min(r.limit, or(r.HalfClosed, DefaultHalfClosed))
	dst.CloseWrite()
	r.mu.Unlock()
	r.last.Store(time.Now().UnixNano())
	r.quiet.Store(false)
	r.again(CheckEvery)
}

// check ends a flow that is idle or that has lost a side. It comes again soon
// while bytes move or wait, and at the end of the idle time when all is quiet.
func (r *run) check() {
	now := time.Now()
	last := r.last.Load()
	r.mu.Lock()
	left := r.limit - now.Sub(time.Unix(0, last))
	resting := last == r.checked
	r.checked = last
	r.mu.Unlock()
	if left <= 0 {
		r.finish(Idle)
		return
	}
	if r.Gone != nil {
		gone, waiting := r.Gone(now)
		if gone {
			r.finish(Reset)
			return
		}
		resting = resting && !waiting
	}
	if !resting {
		r.again(min(CheckEvery, left))
		return
	}
	r.quiet.Store(true)
	if r.last.Load() != last { // moved just now, and may not have seen quiet
		r.quiet.Store(false)
		left = CheckEvery
	}
	r.again(left)
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
	if end == Reset || end == Crashed {
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
