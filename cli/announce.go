package cli

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"

	"causeway/certificate"
	"causeway/invite"
	"causeway/proxy"
	"causeway/system"
)

// announce says what is running and how to share it.
func (p *plan) announce(w io.Writer, fits room, source *certificate.Source) {
	fmt.Fprintf(w, "Causeway %s is up and carries %s.\n\n", version, p.titles())
	for _, port := range p.open {
		fmt.Fprintf(w, "  listening  %-6d %s\n", port.Listen, p.work(&port))
	}
	if len(p.closed) > 0 {
		fmt.Fprintf(w, "  closed     %s: they take PROXY headers, and --trust-proxy names nobody who may send them\n", portList(p.closed))
	}
	if p.admin != "off" {
		fmt.Fprintf(w, "  figures    http://%s/metrics and /healthz\n", p.admin)
	}
	fmt.Fprintf(w, "  room for   %d connections (%s; a phone opens 4 or 5)\n", fits.connections, fits.why)
	fmt.Fprintf(w, "  will       pass encrypted bytes to %s's own servers\n", p.titles())
	fmt.Fprintf(w, "  won't      reach any other place, read a message, or keep an address of anyone who connects\n")
	if p.allowPrivate {
		fmt.Fprintf(w, "\n  WARNING    --allow-private-upstreams is on: names may lead into private networks. For tests only.\n")
	}
	if source.ACME != nil && source.Kind() == certificate.SelfSigned {
		fmt.Fprintf(w, "  meanwhile  an authority is asked to certify %s, which agrees to its terms; such certificates are\n"+
			"             published, so this name or address becomes known (--acme-ca off: none is asked).\n", p.host)
	}
	if p.access == accessInvited {
		p.announceInvited(w)
	} else {
		p.announceLink(w, source)
	}
	fmt.Fprintf(w, "\nCtrl-C stops: open connections may go on for %v; a second Ctrl-C ends them.\n", p.drain)
}

func (p *plan) titles() string {
	var all []string
	for _, m := range p.carry {
		all = append(all, m.Title)
	}
	return strings.Join(all, " and ")
}

// work says in a few words what a port does.
func (p *plan) work(port *proxy.Port) string {
	var routes []string
	for _, r := range port.Routes {
		name := r.Messenger.Title
		if len(r.Messenger.Routes) > 1 {
			name += " " + r.Name
		}
		routes = append(routes, name)
	}
	text := strings.Join(routes, " and ")
	if port.TLS {
		text += " over TLS; a web site to everyone else"
	}
	if port.Header {
		text += "; from load balancers of --trust-proxy only"
	}
	return text
}

// announceInvited says how people get in.
func (p *plan) announceInvited(w io.Writer) {
	fmt.Fprintf(w, "\nOnly networks that have opened an invitation page get in. Make one for each circle of people:\n\n"+
		"  %s\n", p.inviteCommand())
	if p.pageAddress() == (invite.Address{}) {
		fmt.Fprintf(w, "\n  note       no invitation can be opened yet: give this machine's address with --host, and open port 443\n")
	}
}

// inviteCommand makes an invitation of this proxy.
func (p *plan) inviteCommand() string {
	command := "causeway invite new --label family"
	if p.state != system.StateDir() {
		command += " --state " + p.state
	}
	return command
}

// announceLink prints the share link and its QR code, or why there is none.
func (p *plan) announceLink(w io.Writer, source *certificate.Source) {
	host, note := p.linkHost()
	link, err := p.link(host)
	if err != nil {
		fmt.Fprintf(w, "\nNo link to share yet: %v\n", err)
		return
	}
	fmt.Fprintf(w, "\nShare this link, best with people you know. It opens WhatsApp's own proxy screen:\n\n  %s\n", link)
	if note != "" {
		fmt.Fprintf(w, "\n  note       %s\n", note)
	}
	if !link.ChatTLS {
		fmt.Fprintf(w, "\n  note       chat is not wrapped in TLS on port %d, so a censor recognises it: better open 443\n", link.ChatPort)
	}
	fmt.Fprintf(w, "\n%s\n", qr(w, link.String()))
	fmt.Fprintf(w, "By hand: Settings > Storage and data > Proxy > Use proxy, host %s, chat port %d, media port %d, TLS %s.\n",
		link.Host, link.ChatPort, link.MediaPort, onOff(link.ChatTLS))
	if source.Kind() != certificate.SelfSigned && p.serves("signal", "tls") && link.ChatPort == 443 {
		fmt.Fprintf(w, "Signal: %s\n", invite.SignalLink(link.Host))
	}
}

// qr draws in colors on a terminal, unless NO_COLOR asks for none.
func qr(w io.Writer, text string) string {
	if colors(w) {
		return invite.TerminalQR(text)
	}
	return invite.PlainQR(text)
}

// colors says whether w is a terminal that may be written to in colors.
func colors(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// link is the share link for the open ports, TLS before plain.
func (p *plan) link(host string) (invite.Link, error) {
	chat := p.bestPort("chat")
	media := p.bestPort("media")
	if chat == nil || media == nil {
		return invite.Link{}, fmt.Errorf("a link needs a port for WhatsApp chat and one for media; open 443 and 587")
	}
	if host == "" {
		return invite.Link{}, fmt.Errorf("this machine's public address is not known; give it with --host NAME or --host IP")
	}
	return invite.NewLink(host, chat.Listen, media.Listen, chat.TLS)
}

func (p *plan) bestPort(route string) *proxy.Port {
	var best *proxy.Port
	for i := range p.open {
		port := &p.open[i]
		if port.Serves("whatsapp", route) && !port.Header && (best == nil || port.TLS && !best.TLS) {
			best = port
		}
	}
	return best
}

// linkHost is the host for the link, with what the volunteer should know of it.
func (p *plan) linkHost() (host, note string) {
	if p.host != "" {
		return p.host, ""
	}
	if addr, err := netip.ParseAddr(p.listen); err == nil && addr.Unmap().Is4() && !addr.IsUnspecified() {
		return addr.Unmap().String(), ""
	}
	public, private := ownIPv4()
	switch {
	case public.IsValid():
		return public.String(), "this is the address of a network interface; check from elsewhere: causeway doctor " + public.String()
	case private.IsValid():
		return private.String(), "this address works in your own network only. People outside need your public address and both ports forwarded to this machine; then give it with --host"
	}
	return "127.0.0.1", "this machine has no network address, so the link works on it alone. Give the public address with --host"
}

// ownIPv4 finds this machine's addresses; the app takes no IPv6 address.
func ownIPv4() (public, private netip.Addr) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return
	}
	for _, a := range addrs {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil || !prefix.Addr().Is4() || !prefix.Addr().IsGlobalUnicast() {
			continue
		}
		addr := prefix.Addr()
		switch {
		case addr.IsPrivate() || carrierNAT.Contains(addr):
			if !private.IsValid() {
				private = addr
			}
		case !public.IsValid():
			public = addr
		}
	}
	return public, private
}

// carrierNAT is the shared address space of RFC 6598.
var carrierNAT = netip.MustParsePrefix("100.64.0.0/10")

// certificateNames are what the self-signed certificate is made for: the host,
// and what the official image's SSL_DNS and SSL_IP ask for.
func (p *plan) certificateNames() []string {
	var names []string
	for _, list := range []string{p.host, os.Getenv("SSL_DNS"), os.Getenv("SSL_IP")} {
		for name := range strings.SplitSeq(list, ",") {
			name = strings.TrimSpace(name)
			if name != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// publicAddr is the address that PROXY headers give as the one connected to,
// as the official image does with PUBLIC_IP; zero when the host is a name.
func (p *plan) publicAddr() netip.Addr {
	addr, err := netip.ParseAddr(p.host)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap()
}
