package doctor

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"strconv"
)

// Remote checks a proxy from outside, as the app and as a stranger meet it.
type Remote struct {
	World
	Target Target

	// Dial is a net.Dialer's DialContext, which nil stands for.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Run looks at chat and media separately, then at what strangers see, and
// calls report (which may be nil) for each line as soon as it is due. It takes
// no longer than a step, 10 s.
func (r Remote) Run(ctx context.Context, report func(Check)) Report {
	return run(ctx, report, []step{r.link, r.chat, r.media, r.signal, r.site, r.stats})
}

func (r Remote) dial(ctx context.Context, port uint16) (net.Conn, error) {
	address := net.JoinHostPort(r.Target.Host, number(port))
	if r.Dial != nil {
		return r.Dial(ctx, "tcp", address)
	}
	return new(net.Dialer).DialContext(ctx, "tcp", address)
}

func (r Remote) link(context.Context) []Check { return r.Target.checks() }

// number writes a port.
func number(port uint16) string { return strconv.Itoa(int(port)) }

// The names of the lines about chat and media.
const (
	chatPort        = "chat port"
	chatCertificate = "chat certificate"
	chatProof       = "chat to WhatsApp"
	mediaPort       = "media port"
	mediaProof      = "media to WhatsApp"
)

func (r Remote) chat(ctx context.Context) []Check {
	conn, err := r.dial(ctx, r.Target.ChatPort)
	if err != nil {
		return []Check{unreached(chatPort, r.Target.ChatPort, err), skipped(chatCertificate), skipped(chatProof)}
	}
	defer conn.Close()
	lines := []Check{reached(chatPort, r.Target.ChatPort)}
	if !r.Target.ChatTLS {
		lines = append(lines, Check{chatCertificate, Skipped, "chat goes without TLS here", ""})
		return append(lines, r.prove(ctx, conn, chatProof, whatsappChat))
	}
	outer, chain, err := r.outer(ctx, conn)
	if err != nil {
		return append(lines, Check{chatCertificate, Broken, "no TLS on the chat port: " + reason(err),
			"check the port; if the proxy takes chat without TLS, the link must say chatTLS=false"}, skipped(chatProof))
	}
	defer outer.Close()
	lines = append(lines, remoteCertificate(chatCertificate, chain, r.Target.Host, r.World))
	return append(lines, r.prove(ctx, outer, chatProof, whatsappChat))
}

func (r Remote) media(ctx context.Context) []Check {
	conn, err := r.dial(ctx, r.Target.MediaPort)
	if err != nil {
		return []Check{unreached(mediaPort, r.Target.MediaPort, err), skipped(mediaProof)}
	}
	defer conn.Close()
	return []Check{
		reached(mediaPort, r.Target.MediaPort),
		r.prove(ctx, conn, mediaProof, whatsappMedia),
	}
}

// signal is about a second messenger, which a proxy for WhatsApp need not
// carry: nothing that it finds is a fault.
func (r Remote) signal(ctx context.Context) []Check {
	none := []Check{{"Signal", Skipped, "not carried here, as far as can be seen", ""}}
	if !r.Target.ChatTLS {
		return none
	}
	conn, err := r.dial(ctx, r.Target.ChatPort)
	if err != nil {
		return []Check{skipped("Signal")}
	}
	defer conn.Close()
	outer, chain, err := r.outer(ctx, conn)
	if err != nil {
		return none
	}
	defer outer.Close()
	if _, err := signalTLS.prove(ctx, outer, r.World); err != nil {
		return none
	}
	if kindOf(chain, r.Target.Host, r.World) != verifies {
		return []Check{{"Signal", Skipped, "carried, but Signal's app refuses the proxy's certificate",
			"for Signal, give the proxy a host name and a certificate from a public authority"}}
	}
	return []Check{{"Signal", OK, signalTLS.found, ""}}
}

// outer makes the TLS that ends at the proxy, where any certificate will do.
func (r Remote) outer(ctx context.Context, conn net.Conn) (net.Conn, []*x509.Certificate, error) {
	var chain []*x509.Certificate
	outer, err := handshake(ctx, conn, r.Target.Host, func(got []*x509.Certificate) error {
		chain = got
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	return outer, chain, nil
}

// prove runs one proof through the proxy, and words what came of it.
func (r Remote) prove(ctx context.Context, conn net.Conn, name string, p proof) Check {
	_, err := p.prove(ctx, conn, r.World)
	var clock clockError
	switch {
	case err == nil:
		return Check{name, OK, p.found, ""}
	case errors.As(err, &clock):
		return Check{name, Warning, clock.found(r.now()), setClock}
	case errors.Is(err, errImpostor):
		return Check{name, Broken, "somebody else answers in WhatsApp's place",
			"do not use this proxy: it, or something between it and WhatsApp, is not what it says"}
	case name == mediaProof:
		return Check{name, Broken, "no answer from WhatsApp's media servers: " + reason(err),
			"try media port 7777, or another network: some cut media by the name that it shows; the volunteer can run causeway doctor"}
	}
	return Check{name, Broken, "no answer from WhatsApp: " + reason(err),
		"if the proxy is by invitation, open its invitation page first; otherwise ask the volunteer to run causeway doctor"}
}

func reached(name string, port uint16) Check {
	return Check{name, OK, "port " + number(port) + " takes connections", ""}
}

func unreached(name string, port uint16, err error) Check {
	why := reason(err)
	try := "open TCP port " + number(port) + " in the firewall and the provider's panel; if others reach it, this network blocks it"
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		try = "check the spelling; if it is right, this network may block the name: use the proxy's IP address"
	case why == refused:
		try = "start the proxy, or correct the port in the link: nothing listens there"
	}
	return Check{name, Broken, "port " + number(port) + " cannot be reached: " + why, try}
}

func skipped(name string) Check {
	return Check{name, Skipped, "needs the connection that failed", ""}
}
