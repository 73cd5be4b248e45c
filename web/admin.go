package web

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"causeway/scrub"
)

// Upstream is one of the messengers' groups of servers and whether it answers.
type Upstream struct {
	Messenger, Route string
	Healthy          bool
}

// Admin is the operator's address: figures and health, for scripts.
type Admin struct {
	Metrics   prometheus.Gatherer
	Upstreams func() []Upstream
	Official  bool // also answer what the official container's health check asks
}

// Server returns the web server for the admin address, which tells its troubles
// to log without addresses. The caller serves and closes it.
func (a *Admin) Server(log *slog.Logger) *http.Server {
	return &http.Server{
		ErrorLog:          slog.NewLogLogger(scrub.Handler(log.Handler()), slog.LevelDebug),
		Handler:           a.Handler(),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
}

// Handler answers /metrics, /healthz and, where Official, /;csv.
func (a *Admin) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.Metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", a.healthz)
	if a.Official {
		mux.HandleFunc("GET /;csv", a.csv)
	}
	return ownHostOnly(mux)
}

// healthz says how every route is. The code is 503 when a route of the first
// messenger is down: one more messenger that cannot be reached must not take a
// proxy out of service that works for the first.
func (a *Admin) healthz(w http.ResponseWriter, _ *http.Request) {
	code := http.StatusOK
	var body strings.Builder
	upstreams := a.Upstreams()
	for _, u := range upstreams {
		state := "ok"
		if !u.Healthy {
			state = "its servers do not answer"
		}
		if !u.Healthy && u.Messenger == upstreams[0].Messenger {
			code = http.StatusServiceUnavailable
		}
		fmt.Fprintf(&body, "%s %s: %s\n", u.Messenger, u.Route, state)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	io.WriteString(w, body.String())
}

// ownHostOnly refuses requests that name another host than the one connected
// to: a web page whose name was made to point here (DNS rebinding).
func ownHostOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		if !ownHost(r.Host, local) {
			http.Error(w, "this address answers under its own IP address or localhost only", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func ownHost(host string, local net.Addr) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	if strings.EqualFold(name, "localhost") {
		return true
	}
	asked, err := netip.ParseAddr(strings.Trim(name, "[]"))
	tcp, ok := local.(*net.TCPAddr)
	return err == nil && ok && asked.Unmap() == tcp.AddrPort().Addr().Unmap()
}
