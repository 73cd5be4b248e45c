package admission

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// model is the list as one would write it without caring for time or memory.
type model struct {
	until   map[byte]time.Time
	by      map[byte]map[string]bool
	revoked map[string]bool
}

func (m *model) count(id string) (n int) {
	for _, ids := range m.by {
		if ids[id] {
			n++
		}
	}
	return n
}

func (m *model) forget(now time.Time) {
	for n, until := range m.until {
		if !until.After(now) || len(m.by[n]) == 0 {
			delete(m.until, n)
			delete(m.by, n)
		}
	}
}

// TestAgainstAModel does what can be done in any order, with room for all.
func TestAgainstAModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1e9, 0)
		const lifetime, most = 10 * time.Hour, 3
		l := List{For: lifetime, Now: func() time.Time { return now }}
		m := model{map[byte]time.Time{}, map[byte]map[string]bool{}, map[string]bool{}}
		network := rapid.ByteRange(0, 5)
		invited := rapid.SampledFrom([]string{"a", "b", "c"})
		visitor := func(n byte) netip.Addr { return netip.AddrFrom4([4]byte{203, 0, n, 1}) }
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) {
				m.forget(now)
				for _, id := range []string{"a", "b", "c"} {
					if got, want := l.Networks(id), m.count(id); got != want {
						t.Fatalf("invitation %s has %d networks, want %d", id, got, want)
					}
				}
			},
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(1, 400).Draw(t, "minutes")) * time.Minute)
			},
			"admit": func(t *rapid.T) {
				n, id := network.Draw(t, "network"), invited.Draw(t, "invitation")
				want := Added
				switch {
				case m.revoked[id]:
					want = Refused
				case m.by[n][id]:
					want = Renewed
				case m.count(id) >= most:
					want = Refused
				}
				if got := l.Admit(visitor(n), id, most); got != want {
					t.Fatalf("got %v, want %v", got, want)
				}
				if want == Refused {
					return
				}
				if m.by[n] == nil {
					m.by[n] = map[string]bool{}
				}
				m.by[n][id], m.until[n] = true, now.Add(lifetime)
			},
			"call": func(t *rapid.T) {
				n := network.Draw(t, "network")
				_, want := m.until[n]
				if got := l.Renew(visitor(n)); got != want {
					t.Fatalf("got %v, want %v", got, want)
				}
				if want {
					m.until[n] = now.Add(lifetime)
				}
			},
			"revoke": func(t *rapid.T) {
				if !rapid.Bool().Draw(t, "really") {
					return
				}
				id := invited.Draw(t, "invitation")
				l.Revoke(id)
				m.revoked[id] = true
				for _, ids := range m.by {
					delete(ids, id)
				}
			},
			"sweep": func(*rapid.T) { l.Sweep() },
		})
	})
}

// TestNeverMoreThanTheBound does it with room for few.
func TestNeverMoreThanTheBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1e9, 0)
		l := List{For: time.Hour, Max: rapid.IntRange(1, 6).Draw(t, "max"), Now: func() time.Time { return now }}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "minutes")) * time.Minute)
			visitor := netip.AddrFrom4([4]byte{203, 0, rapid.ByteRange(0, 9).Draw(t, "network"), 1})
			id := fmt.Sprint(rapid.IntRange(0, 3).Draw(t, "invitation"))
			if rapid.Bool().Draw(t, "opens") {
				l.Admit(visitor, id, 0)
				if !l.Renew(visitor) {
					t.Fatal("just admitted, and not admitted")
				}
			}
			l.Renew(visitor)
			listed := 0
			for _, by := range l.invitations {
				listed += len(by.grants)
			}
			if l.grants > l.Max || len(l.networks) > l.Max || listed != l.grants {
				t.Fatalf("%d networks, %d grants, %d listed, want at most %d", len(l.networks), l.grants, listed, l.Max)
			}
		}
	})
}
