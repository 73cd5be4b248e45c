// Package doctor checks, step by step, that a volunteer's machine can help and
// that a proxy really reaches the messenger behind it; each finding comes with
// what to do next.
package doctor

import (
	"context"
	"crypto/x509"
	"sync"
	"time"

	"causeway/noise"
)

// State is how a check turned out.
type State string

// The states, and the exit codes that they lead to.
const (
	OK      State = "ok"      // 0
	Skipped State = "skipped" // 0: nothing to look at, or nothing that has to be
	Warning State = "warning" // 1: works, but not as it should
	Broken  State = "broken"  // 2: people cannot connect, or should not
)

// Check is one line of a report. What and Try may hold text from the network;
// WriteLine makes it harmless for a terminal.
type Check struct {
	Name  string `json:"name"`          // what was looked at, the same in every run
	State State  `json:"state"`         // how it is
	What  string `json:"what"`          // what was found, one line
	Try   string `json:"try,omitempty"` // what to do next, one line, empty if all is well
}

// Report is the list of all checks of one run, in the order of their names'
// first appearance on the screen.
type Report struct {
	Checks []Check
}

// Worst returns the worst state of the report, OK if there is nothing to mend.
func (r Report) Worst() State {
	worst := OK
	for _, c := range r.Checks {
		if c.State == Broken {
			return Broken
		}
		if c.State == Warning {
			worst = Warning
		}
	}
	return worst
}

// ExitCode returns 0 if all is well, 1 with a warning, 2 if something is broken.
func (r Report) ExitCode() int {
	switch r.Worst() {
	case Broken:
		return 2
	case Warning:
		return 1
	}
	return 0
}

// World is what checks are held against. The zero value is the real world; no
// flag replaces any of it.
type World struct {
	Root    *[32]byte        // signs WhatsApp's servers; nil is noise.Root
	RootCAs *x509.CertPool   // nil is the system's
	Now     func() time.Time // nil is time.Now
}

func (w World) root() [32]byte {
	if w.Root != nil {
		return *w.Root
	}
	return noise.Root()
}

func (w World) now() time.Time {
	if w.Now != nil {
		return w.Now()
	}
	return time.Now()
}

// stepTime bounds one step: looking up, connecting and all that is said.
const stepTime = 10 * time.Second

// step looks at one thing and returns one or more lines about it.
type step func(context.Context) []Check

// run starts all steps at once, so that one which hangs delays only the lines
// behind its own, and reports in the order of the list.
func run(ctx context.Context, report func(Check), steps []step) Report {
	var wg sync.WaitGroup
	defer wg.Wait()
	results := make([]chan []Check, len(steps))
	for i, look := range steps {
		results[i] = make(chan []Check, 1)
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, stepTime)
			defer cancel()
			results[i] <- look(ctx)
		})
	}
	var all Report
	for _, result := range results {
		for _, c := range <-result {
			all.add(c, report)
		}
	}
	return all
}

func (r *Report) add(c Check, report func(Check)) {
	r.Checks = append(r.Checks, c)
	if report != nil {
		report(c)
	}
}
