package doctor

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func line(name string, state State) Check { return Check{Name: name, State: state} }

func TestWorstAndExitCode(t *testing.T) {
	for _, c := range []struct {
		name   string
		states []State
		worst  State
		code   int
	}{
		{"nothing", nil, OK, 0},
		{"all well", []State{OK, OK}, OK, 0},
		{"skipped is no fault", []State{OK, Skipped}, OK, 0},
		{"a warning", []State{OK, Warning, Skipped}, Warning, 1},
		{"broken before a warning", []State{Broken, Warning}, Broken, 2},
		{"broken after a warning", []State{Warning, OK, Broken}, Broken, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r Report
			for _, state := range c.states {
				r.add(line("x", state), nil)
			}
			if got := r.Worst(); got != c.worst {
				t.Errorf("worst: got %q, want %q", got, c.worst)
			}
			if got := r.ExitCode(); got != c.code {
				t.Errorf("exit code: got %d, want %d", got, c.code)
			}
		})
	}
}

// after returns a step that takes that long, or as long as it may.
func after(wait time.Duration, name string) step {
	return func(ctx context.Context) []Check {
		select {
		case <-time.After(wait):
			return []Check{line(name, OK)}
		case <-ctx.Done():
			return []Check{line(name, Broken)}
		}
	}
}

func TestRunReportsInOrderAndAsSoonAsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var names []string
		var at []time.Duration
		report := func(c Check) {
			names = append(names, c.Name+" "+string(c.State))
			at = append(at, time.Since(start))
		}
		all := run(t.Context(), report, []step{
			after(time.Second, "a"), after(time.Minute, "hangs"), after(2*time.Second, "c"),
		})
		if want := []string{"a ok", "hangs broken", "c ok"}; !slices.Equal(names, want) {
			t.Errorf("got %q, want %q", names, want)
		}
		if want := []time.Duration{time.Second, stepTime, stepTime}; !slices.Equal(at, want) {
			t.Errorf("got lines at %v, want %v", at, want)
		}
		if len(all.Checks) != 3 {
			t.Errorf("got %d checks, want 3", len(all.Checks))
		}
	})
}

func TestRunEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		run(ctx, nil, []step{after(time.Minute, "a"), after(time.Minute, "b")})
		if got := time.Since(start); got != time.Second {
			t.Errorf("took %v, want 1s", got)
		}
	})
}
