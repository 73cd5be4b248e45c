package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"

	"causeway/proxy"
	"causeway/scrub"
	"causeway/system"
)

// bind opens the ports. Where none were asked for and the system does not let
// this user open those below 1024, it takes others and says so: the link
// carries the numbers.
func (p *plan) bind(ctx context.Context, stderr io.Writer) ([]proxy.Listener, error) {
	listeners, err := proxy.Listen(ctx, p.listen, p.open)
	var failed *proxy.BindError
	if !p.portsGiven && errors.Is(err, system.ErrForbidden) && errors.As(err, &failed) {
		p.portOffset = fallbackOffset
		if err := p.planPorts(); err != nil {
			return nil, err
		}
		fmt.Fprintf(stderr, "note: this user may not open port %d, so these are open instead: %s. The link carries them.\n"+
			"      For the usual ports: %s\n", failed.Port, portList(p.open), privilegedHint())
		listeners, err = proxy.Listen(ctx, p.listen, p.open)
	}
	if err == nil {
		return listeners, nil
	}
	if !errors.As(err, &failed) {
		return nil, err
	}
	return nil, p.explainBind(failed)
}

// explainBind says who is in the way of a port, and what to do about it.
func (p *plan) explainBind(failed *proxy.BindError) error {
	switch {
	case errors.Is(failed.Err, system.ErrForbidden):
		return hint(fmt.Errorf("this user may not open port %d", failed.Port), "%s; or other ports: causeway serve --port-offset %d", privilegedHint(), fallbackOffset)
	case errors.Is(failed.Err, system.ErrInUse):
		holder := "another program"
		if name, pid, ok := system.PortHolder(failed.Port); ok {
			holder = fmt.Sprintf("%s (process %d)", name, pid)
		}
		return hint(fmt.Errorf("port %d is taken by %s", failed.Port, holder), "stop it, or take other ports: causeway serve --port-offset %d", fallbackOffset)
	case errors.Is(failed.Err, system.ErrNotOurs):
		return hint(fmt.Errorf("--listen %s is not an address of this machine", p.listen), "leave --listen out to listen on all addresses")
	}
	return fmt.Errorf("opening port %d: %w", failed.Port, scrub.Error(failed.Err))
}

func closeAll(listeners []proxy.Listener) {
	for _, l := range listeners {
		l.Close()
	}
}

// privilegedHint is how this system lets an ordinary user open ports below 1024.
func privilegedHint() string {
	if runtime.GOOS == "linux" {
		return "sudo sysctl net.ipv4.ip_unprivileged_port_start=80"
	}
	return "run it as an administrator"
}
