package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"causeway/certificate"
	"causeway/limit"
	"causeway/proxy"
	"causeway/scrub"
	"causeway/stats"
	"causeway/system"
	"causeway/upstream"
	"causeway/web"
)

func newServe(w world) *cobra.Command {
	options := &serveOptions{}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run a proxy on this machine and print the link to share",
		Long: "Runs a volunteer's proxy: connections of the official apps are carried to the\n" +
			"messenger's own servers and nowhere else; everyone else sees a web site.\n\n" +
			"Ctrl-C (SIGTERM) stops taking connections and lets open ones go on for --drain;\n" +
			"a second one stops at once. SIGHUP reads the certificate files and the invitations again.",
		Example: "  causeway serve\n" +
			"  causeway serve --host proxy.example --cert fullchain.pem --key key.pem\n" +
			"  causeway serve --ports official --trust-proxy 10.0.0.0/8\n" +
			"  causeway serve --port-offset 8000",
		Args: atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := options.checkRunning(); err != nil {
				return err
			}
			p, err := options.check()
			if err != nil {
				return err
			}
			p.world = w
			p.portsGiven = cmd.Flags().Changed("ports") || cmd.Flags().Changed("port-offset")
			p.adminGiven = cmd.Flags().Changed("admin")
			return p.serve(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	options.register(cmd.Flags())
	options.registerRunning(cmd.Flags())
	return cmd
}

// serve is a volunteer's proxy from start to stop.
func (p *plan) serve(ctx context.Context, stdout, stderr io.Writer) error {
	log := slog.New(scrub.Handler(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: p.level})))
	harden(log)
	stop, kill, reload, forget := signals(ctx)
	defer forget()

	listeners, err := p.bind(ctx, stderr)
	if err != nil {
		return err
	}
	defer closeAll(listeners)
	source, err := p.certificate(log)
	if err != nil {
		return err
	}
	fits := p.room(log)
	dialer := &upstream.Dialer{AllowPrivate: p.allowPrivate, Lookup: p.world.lookup, DialAddr: p.world.dialAddr, Public: p.publicAddr(), Log: log}
	defer dialer.Close()
	guests, hangUp, err := p.welcome(ctx, log)
	if err != nil {
		return err
	}
	defer hangUp()
	site, err := p.webSite(guests, source, log)
	if err != nil {
		return err
	}
	server := p.server(dialer, site, source, guests, fits, log)
	p.warn(log, fits)
	closeAdmin, err := p.serveAdmin(ctx, server.Stats, log)
	if err != nil {
		return err
	}
	defer closeAdmin()
	if !p.quiet {
		p.announce(stdout, fits, source)
	}
	var keeping sync.WaitGroup
	keeping.Go(func() { p.reload(reload, source, guests, log) })
	keeping.Go(func() { source.Keep(stop) })
	keeping.Go(func() { guests.tend(stop) })
	defer context.AfterFunc(stop, hangUp)()
	server.Run(stop, kill, listeners)
	forget()
	keeping.Wait()
	if !p.quiet {
		fmt.Fprintln(stdout, "Stopped.")
	}
	return nil
}

// server puts the proxy together.
func (p *plan) server(dialer *upstream.Dialer, site http.Handler, source *certificate.Source, guests *guests, fits room, log *slog.Logger) *proxy.Server {
	server := &proxy.Server{
		Certificate: source.GetCertificate,
		Challenge:   source.ChallengeConfig,
		Upstream:    dialer,
		Site:        site,
		Stats:       stats.New(version),
		Log:         log,
		SendHeader:  p.sendHeader,
		TrustHeader: p.trust,
		Public:      p.publicAddr(),
		Limits:      limit.Limiter{Total: fits.connections, PerNetwork: p.maxPerNetwork},
		Idle:        p.idle,
		Drain:       p.drain,
	}
	if p.access == accessInvited {
		server.Admitted = guests.list.Admitted
		server.Proven = func(visitor netip.Addr) { guests.list.Renew(visitor) }
	}
	server.Stats.Certificate(source.NotAfter)
	return server
}

// signals ends stop at the first SIGINT or SIGTERM and kill at the second, or
// both at a signal that would make the runtime print stacks. reload gets one
// value for each SIGHUP until forget. A reader of the output that has gone is no
// reason to stop.
func signals(ctx context.Context) (stop, kill context.Context, reload <-chan os.Signal, forget func()) {
	stop, endStop := context.WithCancel(ctx)
	kill, endKill := context.WithCancel(ctx)
	ends, hangups := make(chan os.Signal, 2), make(chan os.Signal, 1)
	signal.Notify(ends, os.Interrupt, syscall.SIGTERM)
	signal.Notify(ends, system.StackSignals()...)
	signal.Notify(hangups, syscall.SIGHUP)
	signal.Ignore(syscall.SIGPIPE)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case got := <-ends:
				if stop.Err() != nil || slices.Contains(system.StackSignals(), got) {
					endKill()
				}
				endStop()
			case <-done:
				return
			}
		}
	}()
	return stop, kill, hangups, sync.OnceFunc(func() {
		signal.Stop(ends)
		signal.Stop(hangups)
		signal.Reset(syscall.SIGPIPE)
		close(done)
		close(hangups)
		endStop()
		endKill()
	})
}

// serveAdmin answers on the admin address until the returned function is
// called. A default address that is taken costs the figures, not the proxy.
func (p *plan) serveAdmin(ctx context.Context, figures *stats.Stats, log *slog.Logger) (func(), error) {
	if p.admin == "off" {
		return func() {}, nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", p.admin)
	if err != nil && p.adminGiven {
		return nil, hint(fmt.Errorf("opening the admin address: %w", err), "--admin 127.0.0.1:8200, or --admin off")
	}
	if err != nil {
		log.Warn("no /metrics and /healthz: their address is taken; choose another with --admin")
		p.admin = "off"
		return func() {}, nil
	}
	if tcp, ok := listener.Addr().(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		log.Warn("--admin is open to other machines: whoever reaches it sees how many connections there are")
	}
	admin := web.Admin{Metrics: figures.Gatherer(), Official: p.ports == "official", Upstreams: func() []web.Upstream { return p.health(figures) }}
	server := admin.Server(log)
	go server.Serve(listener)
	return func() { closeServer(server) }, nil
}

func closeServer(server *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	server.Shutdown(ctx)
	server.Close()
}

// health lists the upstreams of the open ports.
func (p *plan) health(figures *stats.Stats) []web.Upstream {
	var all []web.Upstream
	for _, m := range p.carry {
		for _, route := range m.Routes {
			if !p.serves(m.Name, route.Name) {
				continue
			}
			all = append(all, web.Upstream{Messenger: m.Name, Route: route.Name, Healthy: figures.Route(m.Name, route.Name).Healthy()})
		}
	}
	return all
}

func (p *plan) serves(messenger, route string) bool {
	for i := range p.open {
		if p.open[i].Serves(messenger, route) {
			return true
		}
	}
	return false
}
