package admission

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func TestWhichNetworkAVisitorIsIn(t *testing.T) {
	for _, c := range []struct {
		name, opened, called string
		bits4, bits6         int
		want                 bool
	}{
		{"the same address", "203.0.113.5", "203.0.113.5", 0, 0, true},
		{"the same IPv4 /24", "203.0.113.5", "203.0.113.250", 0, 0, true},
		{"the next IPv4 /24", "203.0.113.5", "203.0.112.5", 0, 0, false},
		{"opened over v4-mapped IPv6", "::ffff:203.0.113.5", "203.0.113.6", 0, 0, true},
		{"called over v4-mapped IPv6", "203.0.113.5", "::ffff:203.0.113.6", 0, 0, true},
		{"the same IPv6 /48", "2001:db8:1::1", "2001:db8:1:ffff::2", 0, 0, true},
		{"the next IPv6 /48", "2001:db8:1::1", "2001:db8:2::1", 0, 0, false},
		{"with a zone", "fe80::1%eth0", "fe80::2", 0, 0, true},
		{"IPv6 with the bytes of an IPv4 address", "203.0.113.5", "cb00:7105::", 0, 0, false},
		{"IPv6 that embeds an IPv4 address", "203.0.113.5", "::203.0.113.5", 0, 0, false},
		{"loopback", "127.0.0.1", "127.0.0.9", 0, 0, true},
		{"a home network", "192.168.1.7", "192.168.1.9", 0, 0, true},
		{"another home network", "192.168.1.7", "192.168.2.7", 0, 0, false},
		{"IPv4 /32: its neighbour", "203.0.113.5", "203.0.113.6", 32, 0, false},
		{"IPv4 /16", "203.0.113.5", "203.0.200.1", 16, 0, true},
		{"IPv6 /64", "2001:db8:1::1", "2001:db8:1:1::1", 0, 64, false},
		{"prefix lengths that cannot be", "203.0.113.5", "203.0.113.5", 33, 0, false},
	} {
		l := List{Bits4: c.bits4, Bits6: c.bits6}
		l.Admit(addr(c.opened), "a", 0)
		if got := l.Renew(addr(c.called)); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
	var l List
	if got := l.Admit(netip.Addr{}, "a", 0); got != Refused || l.Renew(netip.Addr{}) {
		t.Errorf("no address: got %v", got)
	}
}

func TestAnAdmissionLastsAsLongAsItIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := List{For: 14 * 24 * time.Hour}
		l.Admit(addr("203.0.113.5"), "a", 0)
		for range 10 {
			time.Sleep(14*24*time.Hour - 1)
			if !l.Renew(addr("203.0.113.5")) {
				t.Fatal("it was used, and ended")
			}
		}
		time.Sleep(14 * 24 * time.Hour)
		if l.Renew(addr("203.0.113.5")) {
			t.Error("it was not used, and goes on")
		}
		if l.Renew(addr("203.0.113.5")) {
			t.Error("being refused renewed it")
		}
		if got := l.Networks("a"); got != 0 {
			t.Errorf("%d networks are counted, want 0", got)
		}
		if len(l.networks) != 0 || len(l.invitations) != 0 || l.grants != 0 {
			t.Error("what expired is still remembered")
		}
	})
}

func TestWhatExpiredIsForgottenWithoutVisitors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := List{For: time.Hour}
		l.Admit(addr("203.0.113.5"), "a", 0)
		l.Admit(addr("198.51.100.5"), "b", 0)
		time.Sleep(time.Hour)
		l.Sweep()
		if len(l.networks) != 0 || len(l.invitations) != 0 || l.grants != 0 {
			t.Error("what expired is still remembered")
		}
	})
}

func TestRevoking(t *testing.T) {
	var l List
	l.Admit(addr("203.0.113.5"), "a", 0)
	l.Admit(addr("198.51.100.5"), "a", 0)
	l.Admit(addr("198.51.100.6"), "b", 0) // a carrier's network: two people, two invitations
	l.Revoke("a")
	l.Revoke("never seen")
	if l.Renew(addr("203.0.113.5")) {
		t.Error("a network of the revoked invitation is still admitted")
	}
	if !l.Renew(addr("198.51.100.5")) {
		t.Error("a network that another invitation admitted too is not")
	}
	if got := l.Admit(addr("203.0.113.5"), "a", 0); got != Refused || l.Renew(addr("203.0.113.5")) {
		t.Errorf("opening a revoked invitation: got %v, want it refused", got)
	}
	if a, b := l.Networks("a"), l.Networks("b"); a != 0 || b != 1 {
		t.Errorf("got %d and %d networks, want 0 and 1", a, b)
	}
}

func TestAnExpiredNetworkComesBackForItsNewInvitationOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := List{For: time.Hour}
		l.Admit(addr("203.0.113.5"), "old", 0)
		time.Sleep(time.Hour + time.Minute)
		l.swept = l.since() // no sweep comes in between
		l.Admit(addr("203.0.113.5"), "new", 0)
		l.Revoke("new")
		if l.Renew(addr("203.0.113.5")) {
			t.Error("the expired invitation admits again")
		}
	})
}

func TestOneInvitationAdmitsSoManyNetworks(t *testing.T) {
	var l List
	for i, want := range []Outcome{Added, Added, Refused} {
		if got := l.Admit(addr(fmt.Sprintf("203.0.%d.1", i)), "a", 2); got != want {
			t.Errorf("network %d: got %v, want %v", i+1, got, want)
		}
	}
	if got := l.Admit(addr("203.0.1.77"), "a", 2); got != Renewed {
		t.Errorf("opened again: got %v, want %v", got, Renewed)
	}
	if got := l.Admit(addr("203.0.2.1"), "b", 2); got != Added {
		t.Errorf("another invitation: got %v, want %v", got, Added)
	}
}

func TestAFullListDropsWhatExpiresFirstOfTheLargestInvitation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := List{Max: 4}
		open := func(a, id string) {
			time.Sleep(time.Minute)
			l.Admit(addr(a), id, 0)
		}
		open("192.0.2.1", "friends")
		open("10.0.1.1", "leaked")
		open("10.0.2.1", "leaked")
		open("10.0.3.1", "leaked")
		time.Sleep(time.Minute)
		l.Renew(addr("10.0.1.1")) // used: now 10.0.2.0/24 expires first
		open("10.0.4.1", "leaked")
		open("198.51.100.1", "friends")
		for _, c := range []struct {
			addr string
			want bool
		}{
			{"192.0.2.1", true}, {"198.51.100.1", true}, {"10.0.1.1", true}, {"10.0.4.1", true},
			{"10.0.2.1", false}, {"10.0.3.1", false},
		} {
			if got := l.Renew(addr(c.addr)); got != c.want {
				t.Errorf("%s: got %v, want %v", c.addr, got, c.want)
			}
		}
	})
}

func TestTheHashIsHMAC(t *testing.T) {
	k := newKey()
	visitor := addr("2001:db8:1:2:3:4:5:6").As16()
	mac := hmac.New(sha256.New, k[:])
	mac.Write([]byte{6})
	mac.Write(visitor[:])
	if got, want := k.mac(6, &visitor), binary.BigEndian.Uint64(mac.Sum(nil)); got != want {
		t.Errorf("got %x, want %x", got, want)
	}
	if k == newKey() {
		t.Error("two keys are the same")
	}
}

func TestAskingAllocatesNothing(t *testing.T) {
	var l List
	inside4, inside6, outside := addr("203.0.113.5"), addr("2001:db8::1"), addr("::ffff:198.51.100.1")
	l.Admit(inside4, "a", 0)
	l.Admit(inside6, "a", 0)
	if got := testing.AllocsPerRun(1000, func() {
		if !l.Renew(inside4) || !l.Renew(inside6) || l.Renew(outside) {
			t.Error("wrong answer")
		}
	}); got != 0 {
		t.Errorf("got %v allocations, want 0", got)
	}
}

func TestManyAtOnce(t *testing.T) {
	l := List{Max: 50}
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 300 {
				visitor := netip.AddrFrom4([4]byte{10, byte(g), byte(i), 1})
				l.Admit(visitor, fmt.Sprint(i%7), 20)
				l.Renew(visitor)
				l.Networks(fmt.Sprint(i % 7))
				if i%100 == 99 {
					l.Sweep()
				}
			}
			l.Revoke(fmt.Sprint(g % 3))
		})
	}
	all.Wait()
	if l.grants > 50 || len(l.networks) > 50 {
		t.Errorf("%d networks remembered, want at most 50", l.grants)
	}
	for _, id := range []string{"0", "1", "2"} {
		if got := l.Networks(id); got != 0 {
			t.Errorf("%d networks of a revoked invitation", got)
		}
	}
}

func BenchmarkAdmitted(b *testing.B) {
	var l List
	for i := range MaxNetworks {
		l.Admit(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1}), fmt.Sprint(i%100), 0)
	}
	visitor := addr("10.7.7.7")
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			l.Renew(visitor)
		}
	})
}

func BenchmarkAdmitWhenFull(b *testing.B) {
	var l List
	i := 0
	for b.Loop() {
		i++
		l.Admit(netip.AddrFrom4([4]byte{byte(i >> 16), byte(i >> 8), byte(i), 1}), fmt.Sprint(i%1000), 0)
	}
}

func TestOnlyUseRenews(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	l := &List{For: time.Hour, Now: func() time.Time { return now }}
	visitor := addr("203.0.113.5")
	l.Admit(visitor, "a", 0)
	now = now.Add(50 * time.Minute)
	if !l.Admitted(visitor) {
		t.Fatal("not admitted within the hour")
	}
	now = now.Add(20 * time.Minute)
	if l.Admitted(visitor) {
		t.Error("asking has renewed it")
	}
}
