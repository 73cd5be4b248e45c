package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"

	"causeway/proxy"
	"causeway/system"
)

// ports tries to open each port, and closes it again.
func (l Local) ports(context.Context) []Check {
	var lines []Check
	for _, port := range l.Ports {
		lines = append(lines, l.port(port.Listen))
	}
	return lines
}

func (l Local) port(port uint16) Check {
	name := fmt.Sprintf("port %d", port)
	listen := l.Listen
	if listen == nil {
		listen = net.Listen
	}
	listener, err := listen("tcp", net.JoinHostPort(l.Address, number(port)))
	switch {
	case err == nil:
		listener.Close()
		return Check{name, OK, "free", ""}
	case errors.Is(err, system.ErrForbidden):
		return forbidden(name, port)
	case errors.Is(err, system.ErrInUse):
		return l.taken(name, port)
	}
	return Check{name, Broken, "cannot be opened on this address", "give --listen an address of this machine"}
}

func (l Local) taken(name string, port uint16) Check {
	find := l.Holder
	if find == nil {
		find = system.PortHolder
	}
	who, pid, ok := find(port)
	if ok && who == "causeway" {
		return Check{name, OK, fmt.Sprintf("held by causeway itself (process %d)", pid), ""}
	}
	holder := "another program"
	if ok {
		holder = fmt.Sprintf("%s (process %d)", who, pid)
	}
	return Check{name, Broken, "held by " + holder,
		"stop that program, or take another port with --ports or --port-offset: the link will carry it"}
}

// forbidden is a warning only: serve takes high ports then, unless it is told
// which ones.
func forbidden(name string, port uint16) Check {
	try := "run it as an administrator"
	if runtime.GOOS == "linux" {
		try = "sudo setcap cap_net_bind_service=+ep " + os.Args[0]
	}
	return Check{name, Warning, "this user may not open it",
		fmt.Sprintf("%s; or serve with --port-offset 8000: the link will carry port %d", try, 8000+int(port))}
}

// exposure says what strangers could reach.
func (l Local) exposure(context.Context) []Check {
	const name = "what is exposed"
	var open, extra []string
	for _, port := range l.Ports {
		open = append(open, number(port.Listen)+" "+purpose(port))
		if !l.forApps(port.Number) {
			extra = append(extra, number(port.Listen))
		}
	}
	what := "to everyone: " + strings.Join(open, ", ")
	if loopback(l.Address) {
		return []Check{{name, Warning, "nothing: only this machine itself can connect", "leave --listen out, so that phones can connect"}}
	}
	lines := []Check{{name, OK, what, ""}}
	if len(extra) > 0 {
		lines[0] = Check{name, Warning, what, "serve with --ports app unless people need " + strings.Join(extra, ", ") +
			": together, such ports tell a censor what this is"}
	}
	host, _, err := net.SplitHostPort(l.Admin)
	if err == nil && !loopback(host) {
		lines = append(lines, Check{"metrics", Warning, "the metrics are open to the network", "serve with --admin 127.0.0.1:8199"})
	}
	return lines
}

// purpose words what a port carries: "(WhatsApp chat, Signal tls; TLS ends here)".
func purpose(port proxy.Port) string {
	var carries []string
	for _, r := range port.Routes {
		carries = append(carries, r.Messenger.Title+" "+r.Name)
	}
	if port.Site() {
		carries = append(carries, "web site")
	}
	return "(" + strings.Join(carries, ", ") + ")"
}

// forApps says whether some app uses the port without being told.
func (l Local) forApps(number uint16) bool {
	for _, m := range l.Messengers {
		for _, p := range m.Ports {
			if p.Number == number && p.App {
				return true
			}
		}
	}
	return false
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}
