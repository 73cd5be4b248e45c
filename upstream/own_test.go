package upstream

import (
	"net/netip"
	"slices"
	"testing"
)

func TestInterfaceAddrs(t *testing.T) {
	loopback := netip.MustParseAddr("127.0.0.1")
	if got := new(Dialer).ownAddrs(); !slices.Contains(got, loopback) {
		t.Errorf("got %v, want %v among them", got, loopback)
	}
}
