package system

import (
	"net"
	"testing"
	"time"
)

func TestAPeerIsGoneWhenBytesStayUnanswered(t *testing.T) {
	const s = time.Second
	type ask struct {
		at      time.Duration
		queue   queue
		gone    bool
		waiting bool
	}
	sent := func(lastAnswer time.Duration) queue { return queue{true, true, lastAnswer} }
	cases := []struct {
		name string
		asks []ask
	}{
		{"nothing was sent", []ask{{0, queue{}, false, false}, {60 * s, queue{}, false, false}}},
		{"answered each time", []ask{{0, sent(0), false, true}, {20 * s, sent(1 * s), false, true}, {40 * s, sent(1 * s), false, true}, {60 * s, sent(1 * s), false, true}}},
		{"never answered", []ask{{0, sent(0), false, true}, {20 * s, sent(20 * s), false, true}, {25 * s, sent(25 * s), true, true}}},
		{"sent after a long rest", []ask{{0, sent(100 * s), false, true}, {5 * s, sent(105 * s), false, true}, {25 * s, sent(125 * s), true, true}}},
		{"answered late", []ask{{0, sent(0), false, true}, {20 * s, sent(2 * s), false, true}, {40 * s, sent(22 * s), false, true}, {45 * s, sent(27 * s), true, true}}},
		{"a shut window", []ask{{0, queue{waiting: true}, false, true}, {100 * s, queue{waiting: true}, false, true}}},
		{"answered in the end", []ask{{0, sent(0), false, true}, {20 * s, queue{}, false, false}, {40 * s, sent(20 * s), false, true}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var now queue
			p := &Peer{queue: func() queue { return now }}
			start := time.Now()
			for _, a := range c.asks {
				now = a.queue
				gone, waiting := p.Gone(start.Add(a.at))
				if gone != a.gone || waiting != a.waiting {
					t.Errorf("at %v: got gone %v and waiting %v, want %v and %v", a.at, gone, waiting, a.gone, a.waiting)
				}
			}
		})
	}
}

func TestOfOtherConnectionsNothingIsKnown(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if gone, waiting := NewPeer(a).Gone(time.Now()); gone || waiting {
		t.Errorf("got %v and %v", gone, waiting)
	}
}
