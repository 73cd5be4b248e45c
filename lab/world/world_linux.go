package world

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"causeway/lab/actor"
)

// censorTable is the routing table that traffic out of the country meets.
const censorTable = 66

// World is the network that New made. It ends with its process.
type World struct {
	folder string
	cables map[string]cable
}

// cable leads from the router to one place.
type cable struct {
	near, far string // interface names: at the router, at the place
	router    string // the router's address on it, CIDR
	net       actor.Net
}

func cables() map[string]cable {
	lead := func(name, router, gateway string, addresses ...string) cable {
		return cable{"to-" + name, "at-" + name, router, actor.Net{Cable: "at-" + name, Addresses: addresses, Gateway: gateway}}
	}
	return map[string]cable{
		PhoneA:      lead("a", "10.66.1.1/24", "10.66.1.1", PhoneA+"/24"),
		PhoneB:      lead("b", "10.66.2.1/24", "10.66.2.1", PhoneB+"/24"),
		Volunteer:   lead("volunteer", "198.51.100.1/24", "198.51.100.1", Volunteer+"/24"),
		ServiceChat: lead("service", "203.0.113.1/24", "203.0.113.1", ServiceChat+"/24", ServiceMedia+"/24"),
	}
}

// separate asks for the namespaces. In the new user namespace we are root.
func separate(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:                 unix.CLONE_NEWUSER | unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWPID,
		UidMappings:                []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings:                []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		GidMappingsEnableSetgroups: false,
	}
	return nil
}

// New makes the world in a process started by Command. The error is ErrForbidden
// if the system does not allow it.
func New() (*World, error) {
	folder, err := os.MkdirTemp("", "causeway-world-")
	if err != nil {
		return nil, fmt.Errorf("making a folder: %w", err)
	}
	w := &World{folder: folder, cables: cables()}
	if err := w.build(); err != nil {
		w.Close()
		return nil, fmt.Errorf("%w: %w", ErrForbidden, err)
	}
	return w, nil
}

// Close removes what New left on disk.
func (w *World) Close() error { return os.RemoveAll(w.folder) }

func (w *World) build() error {
	if err := w.names(); err != nil {
		return err
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("finding lo: %w", err)
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return fmt.Errorf("setting lo up: %w", err)
	}
	for _, setting := range []struct{ name, value string }{
		{"ip_forward", "1"},
		{"icmp_ratelimit", "0"}, // every blocked connection hears of it at once
	} {
		if err := os.WriteFile("/proc/sys/net/ipv4/"+setting.name, []byte(setting.value), 0); err != nil {
			return fmt.Errorf("setting the router's %s: %w", setting.name, err)
		}
	}
	for _, c := range w.cables {
		if err := c.lay(); err != nil {
			return err
		}
	}
	return nil
}

// names covers the system's hosts file and resolver settings, in this mount
// namespace only, so that nothing ever asks a real name server.
func (w *World) names() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making the mounts private: %w", err)
	}
	for path, content := range map[string]string{
		"/etc/hosts":         Hosts,
		"/etc/resolv.conf":   "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
		"/etc/nsswitch.conf": "hosts: files\n",
	} {
		if _, err := os.Stat(path); err != nil {
			continue
		}
		own := filepath.Join(w.folder, filepath.Base(path))
		if err := os.WriteFile(own, []byte(content), 0o644); err != nil {
			return fmt.Errorf("writing %s: %w", own, err)
		}
		if err := unix.Mount(own, path, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("covering %s: %w", path, err)
		}
	}
	return nil
}

// lay makes the cable and connects its near end to the router.
func (c cable) lay() error {
	veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: c.near}, PeerName: c.far}
	if err := netlink.LinkAdd(veth); err != nil {
		return fmt.Errorf("making cable %s: %w", c.near, err)
	}
	address, err := netlink.ParseAddr(c.router)
	if err != nil {
		return fmt.Errorf("reading %q: %w", c.router, err)
	}
	if err := netlink.AddrAdd(veth, address); err != nil {
		return fmt.Errorf("adding %s: %w", c.router, err)
	}
	if err := netlink.LinkSetUp(veth); err != nil {
		return fmt.Errorf("setting %s up: %w", c.near, err)
	}
	return nil
}

// Place returns where an actor lives; address is one of PhoneA, PhoneB,
// Volunteer and ServiceChat. Each place holds one actor at a time; the cable of
// one that ended is laid anew.
func (w *World) Place(address string) actor.Place {
	c := w.cables[address]
	return actor.Place{
		Net: &c.net,
		Plug: func(pid int) error {
			far, err := netlink.LinkByName(c.far)
			if err != nil {
				if err := c.again(); err != nil {
					return err
				}
				far, err = netlink.LinkByName(c.far)
			}
			if err != nil {
				return fmt.Errorf("finding %s: %w", c.far, err)
			}
			return netlink.LinkSetNsPid(far, pid)
		},
	}
}

// again lays the cable anew, whether or not the kernel has already taken the
// old one away together with its namespace.
func (c cable) again() error {
	if near, err := netlink.LinkByName(c.near); err == nil {
		if err := netlink.LinkDel(near); err != nil {
			return fmt.Errorf("removing %s: %w", c.near, err)
		}
	}
	return c.lay()
}

// Block makes the censor's router turn away everything that comes out of the
// country unless it is meant for one of the addresses left open.
func (w *World) Block(open ...string) error {
	out := &netlink.Route{Table: censorTable, Type: unix.RTN_PROHIBIT, Dst: everywhere()}
	if err := netlink.RouteReplace(out); err != nil {
		return fmt.Errorf("closing the border: %w", err)
	}
	for _, address := range open {
		far, err := netlink.LinkByName(w.cables[address].near)
		if err != nil {
			return fmt.Errorf("finding the way to %s: %w", address, err)
		}
		host := &net.IPNet{IP: net.ParseIP(address).To4(), Mask: net.CIDRMask(32, 32)}
		if err := netlink.RouteReplace(&netlink.Route{Table: censorTable, LinkIndex: far.Attrs().Index, Dst: host}); err != nil {
			return fmt.Errorf("leaving %s open: %w", address, err)
		}
	}
	for _, phone := range []string{PhoneA, PhoneB} {
		rule := netlink.NewRule()
		rule.IifName = w.cables[phone].near
		rule.Table = censorTable
		rule.Priority = censorTable
		if err := netlink.RuleAdd(rule); err != nil {
			return fmt.Errorf("making the censor's rule: %w", err)
		}
	}
	return nil
}

func everywhere() *net.IPNet {
	return &net.IPNet{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)}
}
