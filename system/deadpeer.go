package system

import (
	"net"
	"time"
)

// A peer that vanished without a word is found within 35 s: in silence by three
// keepalive probes from the 15th second on, and with bytes on their way by
// [Peer.Gone].
const (
	KeepAliveIdle     = 15 * time.Second
	KeepAliveInterval = 5 * time.Second
	KeepAliveCount    = 3

	// UnansweredFor is how long a peer may leave bytes unacknowledged. Whoever
	// asks every CheckEvery finds a dead one in 35 s at most.
	UnansweredFor = 25 * time.Second
	CheckEvery    = 5 * time.Second
)

// KeepAlive makes c fail soon after its peer has vanished, as long as no bytes
// are on their way to it. An error leaves c usable.
func KeepAlive(c *net.TCPConn) error {
	return c.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: KeepAliveIdle, Interval: KeepAliveInterval, Count: KeepAliveCount})
}

// Peer watches whether the other end of a connection still answers. It is for
// one goroutine at a time.
//
// TCP_USER_TIMEOUT would be less work, but Linux takes it for the time that a
// window may stay shut, too: it resets a phone that answers and only pauses.
type Peer struct {
	queue func() queue // nil: nothing is known
	since time.Time    // since when bytes are known to be unanswered
}

// NewPeer watches a *net.TCPConn; of any other connection nothing is known.
func NewPeer(c net.Conn) *Peer {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return &Peer{}
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return &Peer{}
	}
	return &Peer{queue: func() queue { return queueOf(raw) }}
}

// Gone says whether the peer has left bytes unanswered for UnansweredFor, and
// whether any are waiting to be sent or answered, so that it is worth asking
// again. Only Linux knows; elsewhere both are false.
func (p *Peer) Gone(now time.Time) (gone, waiting bool) {
	if p.queue == nil {
		return false, false
	}
	queue := p.queue()
	answered := !p.since.IsZero() && queue.lastAnswer < now.Sub(p.since)
	if !queue.unanswered || answered || p.since.IsZero() {
		p.since = time.Time{}
		if queue.unanswered {
			p.since = now
		}
		return false, queue.waiting
	}
	return now.Sub(p.since) >= UnansweredFor, true
}

// queue is what a connection still has to bring to its peer.
type queue struct {
	waiting    bool          // bytes were not sent, or not acknowledged
	unanswered bool          // something was sent that asks for an answer
	lastAnswer time.Duration // how long ago the peer last acknowledged anything
}

// WasReset says whether an EOF on c, whose own direction is still open, was
// really a reset: the system tells of a reset once, and a write in another
// goroutine may have been told. Only Linux knows; elsewhere it is false.
func WasReset(c net.Conn) bool {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return false
	}
	raw, err := tcp.SyscallConn()
	return err == nil && wasReset(raw)
}
