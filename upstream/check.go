package upstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// ErrNotPublic says that an address was refused before it was dialed.
var ErrNotPublic = errors.New("not a public address")

// special is a block of addresses that are not public, from the IANA registries
// of special-purpose addresses (RFC 6890).
type special struct {
	prefix netip.Prefix
	kind   string
}

var special4 = []special{
	{netip.MustParsePrefix("0.0.0.0/8"), "this network"},
	{netip.MustParsePrefix("10.0.0.0/8"), "private"},
	{netip.MustParsePrefix("100.64.0.0/10"), "shared by a carrier"},
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local"},
	{netip.MustParsePrefix("172.16.0.0/12"), "private"},
	{netip.MustParsePrefix("192.0.0.0/24"), "protocol assignment"},
	{netip.MustParsePrefix("192.0.2.0/24"), "documentation"},
	{netip.MustParsePrefix("192.88.99.0/24"), "6to4 relay"},
	{netip.MustParsePrefix("192.168.0.0/16"), "private"},
	{netip.MustParsePrefix("198.18.0.0/15"), "benchmark"},
	{netip.MustParsePrefix("198.51.100.0/24"), "documentation"},
	{netip.MustParsePrefix("203.0.113.0/24"), "documentation"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved"},
}

// global6 is all of IPv6 that is assigned for public unicast (RFC 4291): loopback,
// unique local, link-local, site-local, multicast, discard, IPv4-compatible and
// local translation (64:ff9b:1::/48) are outside.
var global6 = netip.MustParsePrefix("2000::/3")

var special6 = []special{
	{netip.MustParsePrefix("2001::/23"), "protocol assignment"}, // Teredo, benchmark, ORCHID
	{netip.MustParsePrefix("2001:db8::/32"), "documentation"},
	{netip.MustParsePrefix("3fff::/20"), "documentation"},
}

// carriers are IPv6 blocks that lead to the IPv4 address within.
var carriers = []struct {
	prefix netip.Prefix
	at     int // byte where the IPv4 address begins
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12}, // NAT64 (RFC 6052)
	{netip.MustParsePrefix("2002::/16"), 2},     // 6to4 (RFC 3056)
}

// Check returns nil for a public unicast address, and otherwise an error that
// wraps ErrNotPublic and says what kind of address it is. An IPv4 address in an
// IPv6 one (mapped, NAT64, 6to4) has to be public itself.
func Check(addr netip.Addr) error {
	if !addr.IsValid() {
		return refuse("invalid")
	}
	if addr.Zone() != "" {
		return refuse("link-local")
	}
	addr = target(addr)
	blocks := special6
	if addr.Is4() {
		blocks = special4
	}
	for _, block := range blocks {
		if block.prefix.Contains(addr) {
			return refuse(block.kind)
		}
	}
	if addr.Is6() && !global6.Contains(addr) {
		return refuse("outside of public IPv6")
	}
	return nil
}

// target returns the IPv4 address that an IPv6 address leads to, or addr.
func target(addr netip.Addr) netip.Addr {
	for _, carrier := range carriers {
		if carrier.prefix.Contains(addr) {
			b := addr.As16()
			return netip.AddrFrom4([4]byte(b[carrier.at : carrier.at+4]))
		}
	}
	return addr.Unmap()
}

func refuse(kind string) error { return fmt.Errorf("%w: %s", ErrNotPublic, kind) }

// check is Check with what this Dialer knows: its own addresses, and whether
// private ones are allowed.
func (d *Dialer) check(addr netip.Addr) error {
	if !d.AllowPrivate {
		if err := Check(addr); err != nil {
			return err
		}
		if slices.Contains(d.ownAddrs(), target(addr)) {
			return refuse("of this machine")
		}
		return nil
	}
	addr = target(addr.WithZone(""))
	if !addr.IsValid() || addr.IsUnspecified() || addr.IsMulticast() || addr == broadcast {
		return refuse("unspecified or multicast")
	}
	return nil
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// dialAddr checks an address and opens a connection to it. The real dialing
// checks it once more, as the system gets it.
func (d *Dialer) dialAddr(ctx context.Context, addr netip.AddrPort) (net.Conn, error) {
	if err := d.check(addr.Addr()); err != nil {
		return nil, err
	}
	if d.DialAddr != nil {
		return d.DialAddr(ctx, addr)
	}
	dialer := net.Dialer{
		KeepAlive: -1, // the caller sets its own
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			actual, err := netip.ParseAddrPort(address)
			if err != nil {
				return refuse("invalid")
			}
			return d.check(actual.Addr())
		},
	}
	return dialer.DialContext(ctx, "tcp", addr.String())
}

// ownFresh is how long the list of own addresses is used before it is read
// again: reading it asks the kernel.
const ownFresh = 10 * time.Second

func (d *Dialer) ownAddrs() []netip.Addr {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.ownAt.IsZero() && time.Since(d.ownAt) < ownFresh {
		return d.own
	}
	read := d.Own
	if read == nil {
		read = interfaceAddrs
	}
	d.own = nil
	for _, addr := range read() {
		d.own = append(d.own, addr.Unmap().WithZone(""))
	}
	if d.Public.IsValid() {
		d.own = append(d.own, d.Public.Unmap())
	}
	d.ownAt = time.Now()
	return d.own
}

// interfaceAddrs lists the addresses of the network interfaces. Where the
// system does not tell them, the list is empty.
func interfaceAddrs() []netip.Addr {
	var addrs []netip.Addr
	networks, _ := net.InterfaceAddrs()
	for _, network := range networks {
		if prefix, err := netip.ParsePrefix(network.String()); err == nil {
			addrs = append(addrs, prefix.Addr())
		}
	}
	return addrs
}
