package limit

import (
	"net/netip"
	"sync"
	"testing"
)

func TestTheTotalIsNeverExceeded(t *testing.T) {
	l := Limiter{Total: 100}
	var entered, all sync.WaitGroup
	results := make(chan bool, 200)
	entered.Add(1)
	for range 200 {
		all.Go(func() {
			entered.Wait()
			results <- l.Enter()
		})
	}
	entered.Done()
	all.Wait()
	close(results)
	yes := 0
	for ok := range results {
		if ok {
			yes++
		}
	}
	if yes != 100 || l.Open() != 100 {
		t.Fatalf("%d entered and %d are open, want 100", yes, l.Open())
	}
	l.Leave()
	if !l.Enter() {
		t.Fatal("a place that was given back is not free")
	}
}

func TestOneNetworkCannotTakeEveryPlace(t *testing.T) {
	cases := []struct {
		name   string
		addrs  []string
		refuse bool // the third
	}{
		{"the same IPv4 address", []string{"203.0.113.5", "203.0.113.5", "203.0.113.5"}, true},
		{"the same one, once written as IPv6", []string{"203.0.113.5", "::ffff:203.0.113.5", "203.0.113.5"}, true},
		{"neighbours in IPv4", []string{"203.0.113.5", "203.0.113.6", "203.0.113.7"}, false},
		{"one IPv6 /64", []string{"2001:db8::1", "2001:db8::2", "2001:db8::3"}, true},
		{"IPv6 /64s of one provider", []string{"2001:db8::1", "2001:db8:0:1::1", "2001:db8:0:2::1"}, false},
		{"a container bridge", []string{"172.17.0.1", "172.17.0.1", "172.17.0.1"}, false},
		{"loopback", []string{"127.0.0.1", "127.0.0.1", "127.0.0.1"}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			l := Limiter{PerNetwork: 2}
			var leaves []func()
			for i, addr := range c.addrs {
				leave := l.EnterNetwork(netip.MustParseAddr(addr))
				if refused := leave == nil; refused != (i == 2 && c.refuse) {
					t.Fatalf("connection %d: refused is %v", i+1, refused)
				}
				if leave != nil {
					leaves = append(leaves, leave)
				}
			}
			for _, leave := range leaves {
				leave()
			}
			if len(l.networks) != 0 {
				t.Fatalf("%d networks remembered after all left", len(l.networks))
			}
		})
	}
}
