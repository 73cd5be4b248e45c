package actor

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// isolate gives the process a network namespace of its own if its place has one.
func isolate(cmd *exec.Cmd, at Place) {
	if at.Net == nil {
		return
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}
}

// up sets up the namespace from inside.
func (n *Net) up() error {
	for _, name := range []string{"lo", n.Cable} {
		link, err := netlink.LinkByName(name)
		if err != nil {
			return fmt.Errorf("finding %s: %w", name, err)
		}
		if name == n.Cable {
			if err := addAddresses(link, n.Addresses); err != nil {
				return err
			}
		}
		if err := netlink.LinkSetUp(link); err != nil {
			return fmt.Errorf("setting %s up: %w", name, err)
		}
	}
	gateway := net.ParseIP(n.Gateway)
	if err := netlink.RouteAdd(&netlink.Route{Gw: gateway}); err != nil {
		return fmt.Errorf("adding the default route: %w", err)
	}
	return nil
}

func addAddresses(link netlink.Link, addresses []string) error {
	for _, text := range addresses {
		address, err := netlink.ParseAddr(text)
		if err != nil {
			return fmt.Errorf("reading address %q: %w", text, err)
		}
		if err := netlink.AddrAdd(link, address); err != nil {
			return fmt.Errorf("adding address %q: %w", text, err)
		}
	}
	return nil
}

// become replaces this process by another program without standard input.
func become(path string, args, env []string) error {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	if err := unix.Dup3(int(null.Fd()), 0, 0); err != nil {
		return fmt.Errorf("closing standard input: %w", err)
	}
	return syscall.Exec(path, args, env)
}
