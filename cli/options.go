package cli

import (
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"causeway/admission"
	"causeway/certificate"
	"causeway/limit"
	"causeway/messenger"
	"causeway/messenger/messengers"
	"causeway/proxy"
	"causeway/proxyproto"
	"causeway/relay"
	"causeway/system"
)

// serveOptions are the flags of serve as given.
type serveOptions struct {
	ports          string
	portOffset     int
	listen         string
	host           string
	messengers     []string
	proxyProtocol  string
	trustProxy     []string
	cert, key      string
	acmeCA, email  string
	keyType        string
	state          string
	access         string
	admitPrefix    []int
	admitFor       time.Duration
	keepAdmissions bool
	site           string
	admin          string
	allowPrivate   bool
	maxConnections int
	maxPerNetwork  int
	idle, drain    time.Duration
	logLevel       string
	quiet          bool
}

// The values of --access.
const (
	accessOpen    = "open"
	accessInvited = "invited"
)

// fallbackOffset is added to the ports when none were asked for and the system
// does not let this user open those below 1024.
const fallbackOffset = 8000

// register adds the flags that say what serve would do; doctor has them too.
func (o *serveOptions) register(f *pflag.FlagSet) {
	f.SortFlags = false
	f.StringVar(&o.ports, "ports", "app", "app (443, 587), official (all of the official proxy), or a list: 443,587,5222; 8444:443 opens 8444 to do the work of 443")
	f.IntVar(&o.portOffset, "port-offset", 0, "add N to every port number; the link carries the real ones")
	f.StringVar(&o.listen, "listen", "", "listen on this address only (default: all of this machine)")
	f.StringVar(&o.host, "host", "", "name or IPv4 address that people reach this machine by (default: found, else $PUBLIC_IP)")
	f.StringSliceVar(&o.messengers, "messengers", []string{"whatsapp", "signal"}, "which messengers to carry")
	f.StringVar(&o.proxyProtocol, "proxy-protocol", "v1", "PROXY header for chat servers, which tells them the phone's address: v1 (as the official proxy), v2 or off")
	f.StringSliceVar(&o.trustProxy, "trust-proxy", nil, "addresses (CIDR) of your load balancers, which may send PROXY headers to 8080, 8443 and 8222")
	f.StringVar(&o.cert, "cert", "", "certificate file (PEM, with chain); default: a self-signed one in the state folder")
	f.StringVar(&o.key, "key", "", "key file of --cert")
	f.StringVar(&o.acmeCA, "acme-ca", "", "ACME directory of the authority that certifies --host, or off (default: Let's Encrypt, for a public --host on port 443)")
	f.StringVar(&o.email, "email", "", "address that the authority may write to")
	f.StringVar(&o.keyType, "key-type", "", "key of that certificate: p256 or rsa2048 (default: rsa2048 with Signal, whose apps failed on others, else p256)")
	f.StringVar(&o.state, "state", "", "state folder (default "+system.StateDir()+")")
	f.StringVar(&o.admin, "admin", "127.0.0.1:8199", "address for /metrics and /healthz, or off")
}

// registerRunning adds the flags of a running proxy.
func (o *serveOptions) registerRunning(f *pflag.FlagSet) {
	f.StringVar(&o.access, "access", accessOpen, "who may use the app ports: open (everybody) or invited (networks that opened an invitation page, see causeway invite)")
	f.DurationVar(&o.admitFor, "admit-for", admission.DefaultFor, "how long an invitation page lets a network in, renewed by use")
	f.IntSliceVar(&o.admitPrefix, "admit-prefix", []int{admission.DefaultBits4, admission.DefaultBits6}, "how large that network is: bits of an IPv4 and of an IPv6 address")
	f.BoolVar(&o.keepAdmissions, "keep-admissions", false, "keep admitted networks over a restart; whoever takes the state folder can then find out which they were")
	f.StringVar(&o.site, "site", "", "the web site for strangers: a folder, or http://… of another site (default: a small made-up one of your own)")
	f.BoolVar(&o.allowPrivate, "allow-private-upstreams", false, "let messenger names resolve to private addresses (tests and labs only)")
	f.IntVar(&o.maxConnections, "max-connections", 0, "most connections at once (default: what descriptors and memory allow)")
	f.IntVar(&o.maxPerNetwork, "max-per-network", limit.DefaultPerNetwork, "most connections of one IPv4 address or IPv6 /64; private addresses are exempt; 0 is no limit")
	f.DurationVar(&o.idle, "idle", relay.DefaultIdle, "close a connection in which nothing moves for so long")
	f.DurationVar(&o.drain, "drain", proxy.DefaultDrain, "when stopping, let open connections go on for so long")
	f.StringVar(&o.logLevel, "log-level", "info", "debug, info, warn or error; no level logs anything about people")
	f.BoolVar(&o.quiet, "quiet", false, "print no link and no QR code, only warnings")
}

// plan is what serve will do: the options, checked.
type plan struct {
	*serveOptions
	world      world
	portsGiven bool // by the user, so that no others are taken instead
	adminGiven bool
	hostGiven  bool // not found, nor in a variable
	carry      []*messenger.Messenger
	open       []proxy.Port
	closed     []proxy.Port // not opened: they need --trust-proxy
	sendHeader proxyproto.Version
	trust      []netip.Prefix
	level      slog.Level
}

// checkRunning checks the flags of registerRunning that check does not.
func (o *serveOptions) checkRunning() error {
	if o.idle <= 0 {
		return usagef("--idle %v: want more than 0", o.idle)
	}
	if o.access != accessOpen && o.access != accessInvited {
		return usagef("--access %q: want %s or %s", o.access, accessOpen, accessInvited)
	}
	if o.admitFor <= 0 {
		return usagef("--admit-for %v: want more than 0", o.admitFor)
	}
	if len(o.admitPrefix) != 2 || o.admitPrefix[0] < 1 || o.admitPrefix[0] > 32 || o.admitPrefix[1] < 1 || o.admitPrefix[1] > 128 {
		return hint(usagef("--admit-prefix wants two numbers: 1 to 32 bits of IPv4, 1 to 128 of IPv6"), "--admit-prefix %d,%d", admission.DefaultBits4, admission.DefaultBits6)
	}
	if o.drain < 0 || o.maxConnections < 0 || o.maxPerNetwork < 0 {
		return usagef("--drain, --max-connections and --max-per-network cannot be negative")
	}
	return nil
}

// check turns the options into a plan, or says which one is wrong.
func (o *serveOptions) check() (*plan, error) {
	p := &plan{serveOptions: o}
	p.hostGiven = o.host != ""
	if o.host == "" {
		o.host = os.Getenv("PUBLIC_IP") // the official image's variable
	}
	if o.state == "" {
		o.state = system.StateDir()
	}
	if o.state == "" {
		return nil, hint(usagef("this user has no home for a state folder"), "--state DIR")
	}
	if (o.cert == "") != (o.key == "") {
		return nil, usagef("--cert and --key go together")
	}
	if !slices.Contains([]string{"", string(certificate.P256), string(certificate.RSA2048)}, o.keyType) {
		return nil, usagef("--key-type %q: want %s or %s", o.keyType, certificate.P256, certificate.RSA2048)
	}
	if o.listen != "" {
		if _, err := netip.ParseAddr(strings.Trim(o.listen, "[]")); err != nil {
			return nil, hint(usagef("--listen %q is not an IP address", o.listen), "--listen 0.0.0.0, or leave it out for all addresses")
		}
		o.listen = strings.Trim(o.listen, "[]")
	}
	if err := p.level.UnmarshalText([]byte(o.logLevel)); o.logLevel != "" && err != nil {
		return nil, usagef("--log-level %q: want debug, info, warn or error", o.logLevel)
	}
	for _, step := range []func() error{p.checkMessengers, p.checkProxyProtocol, p.planPorts} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *plan) checkMessengers() error {
	for _, name := range p.messengers {
		i := slices.IndexFunc(messengers.All, func(m *messenger.Messenger) bool { return m.Name == name })
		if i < 0 {
			var known []string
			for _, m := range messengers.All {
				known = append(known, m.Name)
			}
			return usagef("unknown messenger %q: choose from %s", name, strings.Join(known, ", "))
		}
		if slices.Contains(p.carry, messengers.All[i]) {
			return usagef("--messengers names %s twice", name)
		}
		p.carry = append(p.carry, messengers.All[i])
	}
	if len(p.carry) == 0 {
		return usagef("--messengers is empty: there is nothing to carry")
	}
	return nil
}

func (p *plan) checkProxyProtocol() error {
	version, err := proxyproto.ParseVersion(p.proxyProtocol)
	if err != nil {
		return usagef("--proxy-protocol: %v", err)
	}
	p.sendHeader = version
	for _, item := range p.trustProxy {
		prefix, err := parsePrefix(item)
		if err != nil {
			return hint(usagef("--trust-proxy %q is neither an address nor a network", item), "--trust-proxy 10.0.0.0/8,192.0.2.7")
		}
		p.trust = append(p.trust, prefix)
	}
	return nil
}

// parsePrefix reads "10.0.0.0/8" or a single address.
func parsePrefix(s string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(s); err == nil {
		addr = addr.Unmap().WithZone("")
		return addr.Prefix(addr.BitLen())
	}
	prefix, err := netip.ParsePrefix(s)
	if err == nil && prefix.Addr().Is4In6() && prefix.Bits() >= 96 {
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
	}
	return prefix.Masked(), err
}

// planPorts chooses the ports. Those that want a PROXY header stay closed while
// nobody may send one.
func (p *plan) planPorts() error {
	ports, err := proxy.PlanPorts(p.carry, p.ports, p.portOffset)
	if err != nil {
		return &usageError{err}
	}
	p.open, p.closed = nil, nil
	for _, port := range ports {
		if port.Header && len(p.trust) == 0 {
			p.closed = append(p.closed, port)
			continue
		}
		p.open = append(p.open, port)
	}
	if len(p.open) == 0 {
		return hint(usagef("every chosen port wants PROXY headers, and nobody may send them"), "--trust-proxy CIDR, the addresses of your load balancers")
	}
	return nil
}

func portList(ports []proxy.Port) string {
	var all []string
	for _, port := range ports {
		all = append(all, fmt.Sprint(port.Listen))
	}
	return strings.Join(all, ", ")
}
