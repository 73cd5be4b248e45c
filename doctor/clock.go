package doctor

import (
	"sync"
	"time"
)

const setClock = "set the clock of this computer by the network: certificates cannot be judged by a wrong one"

func (e clockError) found(now time.Time) string {
	return "the certificate is right but for its dates: this computer's clock says " + date(now) +
		", the certificate holds from " + date(e.window.from) + " to " + date(e.window.to)
}

func date(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// clock gathers what others' certificates say about the time. Several steps
// may use it at once.
type clock struct {
	mu sync.Mutex

	// One for each proof, so no more than there are steps. Those of the web's
	// authorities are firm. WhatsApp's own are loose: no client enforces them,
	// so they may be out of date and nobody would notice.
	firm, loose []window
}

func (c *clock) saw(w window, firm bool) {
	if w.from.IsZero() || w.to.IsZero() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if firm {
		c.firm = append(c.firm, w)
		return
	}
	c.loose = append(c.loose, w)
}

// check holds now against the build date (zero if not known) and against every
// window that was seen; a loose one counts only where there is no firm one.
func (c *clock) check(now, built time.Time) Check {
	const name = "clock"
	c.mu.Lock()
	defer c.mu.Unlock()
	says := "this computer's clock says " + date(now)
	if now.Before(built) {
		return Check{name, Broken, says + ", before this program was built on " + date(built), setClock}
	}
	seen, state := c.firm, Broken
	if len(seen) == 0 {
		seen, state = c.loose, Warning
	}
	for _, w := range seen {
		if !w.holds(now) {
			return Check{name, state, says + ", but a server of the messenger shows a certificate for " +
				date(w.from) + " to " + date(w.to), setClock}
		}
	}
	if len(seen) == 0 {
		return Check{name, OK, says + "; no server was reached to compare it with", ""}
	}
	return Check{name, OK, says + ", which fits the messengers' certificates", ""}
}
