// Package stats counts what a volunteer may know: how many connections, how
// many bytes, how they ended. Its labels come from closed lists, so that there
// is no place to put a person.
package stats

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Outcome says what became of a connection; the list below is all there is.
type Outcome string

// The outcomes, in the order of a connection's life.
const (
	Full          Outcome = "over_limit"      // no place for one more
	BadHeader     Outcome = "bad_header"      // no proper PROXY header, or not from a trusted sender
	NotAdmitted   Outcome = "not_admitted"    // on a port without a web site, from a network that is not admitted
	NoHandshake   Outcome = "no_handshake"    // TLS did not come about
	Silent        Outcome = "silent"          // no first bytes within their deadline
	Stranger      Outcome = "stranger"        // first bytes of no messenger
	Site          Outcome = "site"            // served as a web site
	NoUpstream    Outcome = "no_upstream"     // the messenger's servers did not answer
	Carried       Outcome = "carried"         // carried until both sides were done
	CarriedReset  Outcome = "carried_reset"   // carried until one side broke off
	CarriedIdle   Outcome = "carried_idle"    // carried until nothing moved any more
	CarriedToStop Outcome = "carried_to_stop" // carried until this process stopped
	Crashed       Outcome = "crashed"         // a fault of this program
)

// A connection that is proven to be a messenger's ends in one of carried, any
// other in one of the rest; a crash may happen to both.
var (
	nobodys = []Outcome{Full, BadHeader, NotAdmitted, NoHandshake, Silent, Stranger, Site, Crashed}
	carried = []Outcome{NoUpstream, Carried, CarriedReset, CarriedIdle, CarriedToStop, Crashed}
)

// Route counts the connections of one route of one messenger.
type Route struct {
	Current  atomic.Int64 // being carried now
	Up, Down atomic.Int64 // bytes from the app and to it
	healthy  atomic.Bool

	outcomes map[Outcome]*atomic.Int64 // never changes after it is made
}

// Ended counts a connection of this route by what became of it.
func (r *Route) Ended(outcome Outcome) { r.outcomes[outcome].Add(1) }

// Count returns how many connections ended that way.
func (r *Route) Count(outcome Outcome) int64 { return r.outcomes[outcome].Load() }

// SetHealthy says whether the messenger's servers answer.
func (r *Route) SetHealthy(ok bool) { r.healthy.Store(ok) }

// Healthy returns what SetHealthy was last told.
func (r *Route) Healthy() bool { return r.healthy.Load() }

// nobody is the label of what belongs to no messenger.
const nobody = "none"

// Stats is everything that is counted. Use New.
type Stats struct {
	// Nobody counts the connections that never showed what they wanted.
	Nobody *Route

	registry *prometheus.Registry

	mu     sync.RWMutex
	routes map[[2]string]*Route // by messenger and route
}

// New makes an empty set of counters for this build.
func New(version string) *Stats {
	s := &Stats{registry: prometheus.NewRegistry(), routes: map[[2]string]*Route{}}
	s.Nobody = s.Route(nobody, nobody)
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "causeway_build_info",
		Help:        "Always 1; the labels say which build this is.",
		ConstLabels: prometheus.Labels{"version": version, "go": runtime.Version()},
	})
	build.Set(1)
	s.registry.MustRegister(build)
	return s
}

// Gatherer gives the figures in Prometheus' form.
func (s *Stats) Gatherer() prometheus.Gatherer { return s.registry }

// Route returns the counters of one route, new at its first call. Names must
// come from a messenger's literal.
func (s *Stats) Route(messenger, route string) *Route {
	key := [2]string{messenger, route}
	s.mu.RLock()
	r := s.routes[key]
	s.mu.RUnlock()
	if r != nil {
		return r
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.routes[key] == nil {
		s.routes[key] = s.newRoute(messenger, route)
	}
	return s.routes[key]
}

func (s *Stats) newRoute(messenger, route string) *Route {
	r := &Route{outcomes: map[Outcome]*atomic.Int64{}}
	labels := prometheus.Labels{"messenger": messenger, "route": route}
	outcomes := carried
	if messenger == nobody {
		outcomes = nobodys
	}
	for _, outcome := range outcomes {
		count := new(atomic.Int64)
		r.outcomes[outcome] = count
		s.counter("causeway_connections_total", "Connections by what became of them.", with(labels, "outcome", string(outcome)), count)
	}
	if messenger != nobody {
		s.counter("causeway_bytes_total", "Bytes carried; up is from the app.", with(labels, "direction", "up"), &r.Up)
		s.counter("causeway_bytes_total", "Bytes carried; up is from the app.", with(labels, "direction", "down"), &r.Down)
		s.gauge("causeway_connections_current", "Connections being carried now.", labels, func() float64 { return float64(r.Current.Load()) })
		s.gauge("causeway_upstream_up", "Whether the messenger's servers answered at the last try.", labels, func() float64 {
			if r.Healthy() {
				return 1
			}
			return 0
		})
	}
	return r
}

// Open publishes how many connections of any kind are open.
func (s *Stats) Open(open func() int) {
	s.gauge("causeway_connections_open", "Open connections of any kind.", nil, func() float64 { return float64(open()) })
}

// Certificate publishes the days until the certificate ends.
func (s *Stats) Certificate(notAfter func() time.Time) {
	s.gauge("causeway_certificate_days_left", "Days until the certificate on the TLS ports ends.", nil, func() float64 {
		return time.Until(notAfter()).Hours() / 24
	})
}

func (s *Stats) counter(name, help string, labels prometheus.Labels, value *atomic.Int64) {
	s.registry.MustRegister(prometheus.NewCounterFunc(
		prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels},
		func() float64 { return float64(value.Load()) }))
}

func (s *Stats) gauge(name, help string, labels prometheus.Labels, value func() float64) {
	s.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels}, value))
}

func with(labels prometheus.Labels, name, value string) prometheus.Labels {
	all := prometheus.Labels{name: value}
	for k, v := range labels {
		all[k] = v
	}
	return all
}
