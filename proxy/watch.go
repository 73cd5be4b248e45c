package proxy

import (
	"context"
	"math/rand/v2"
	"time"
)

// The official proxy checks its servers every 60 s and, while they are down,
// every 3 s.
const (
	checkInterval     = 60 * time.Second
	checkIntervalDown = 3 * time.Second
)

// watch connects to a route's servers now and then, so that the volunteer
// learns of an outage before a person does. It logs changes only.
func (s *Server) watch(ctx context.Context, route Route) {
	counted := s.Stats.Route(route.Messenger.Name, route.Name)
	known, healthy := false, false
	for {
		err := s.Upstream.Probe(ctx, route.Upstreams)
		if ctx.Err() != nil {
			return
		}
		now := err == nil
		counted.SetHealthy(now)
		log := s.Log.With("messenger", route.Messenger.Name, "route", route.Name)
		switch {
		case known && now == healthy:
		case now:
			log.Info("the messenger's servers answer")
		default:
			log.Warn("the messenger's servers do not answer; causeway doctor says more")
			log.Debug("the messenger's servers do not answer", "err", err)
		}
		known, healthy = true, now
		if !s.untilNextCheck(ctx, counted.Healthy) {
			return
		}
	}
}

// untilNextCheck waits for the next check; it returns false when ctx ends. A
// connection that found the servers down brings the check forward.
func (s *Server) untilNextCheck(ctx context.Context, healthy func() bool) bool {
	due := time.Now().Add(checkInterval - checkInterval/10 + rand.N(checkInterval/5))
	for time.Now().Before(due) {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(checkIntervalDown):
		}
		if !healthy() {
			return true
		}
	}
	return true
}
