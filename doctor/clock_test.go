package doctor

import (
	"testing"
	"time"
)

func TestClock(t *testing.T) {
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	span := func(from, to int) window { return window{now.AddDate(0, 0, from), now.AddDate(0, 0, to)} }
	for _, c := range []struct {
		name        string
		built       time.Time
		firm, loose []window
		state       State
		part        string
	}{
		{"nothing to compare with", time.Time{}, nil, nil, OK, "no server was reached"},
		{"built before now", now.AddDate(0, 0, -1), nil, nil, OK, ""},
		{"built after now", now.AddDate(0, 0, 1), nil, nil, Broken, "built on 2026-06-02"},
		{"fits", time.Time{}, []window{span(-5, 5)}, nil, OK, "fits"},
		{"too early", time.Time{}, []window{span(2, 5)}, nil, Broken, "2026-06-03 to 2026-06-06"},
		{"too late", time.Time{}, []window{span(-5, 5), span(-5, -2)}, nil, Broken, "2026-05-30"},
		{"only WhatsApp's own dates, which nobody enforces", time.Time{}, nil, []window{span(-5, -2)}, Warning, "2026-05-30"},
		{"WhatsApp's own dates against an authority's", time.Time{}, []window{span(-5, 5)}, []window{span(-5, -2)}, OK, "fits"},
		{"no dates given", time.Time{}, nil, []window{{}}, OK, "no server was reached"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var seen clock
			for _, w := range c.firm {
				seen.saw(w, true)
			}
			for _, w := range c.loose {
				seen.saw(w, false)
			}
			expect{"clock": {c.state, c.part}}.compare(t, map[string]Check{"clock": seen.check(now, c.built)})
		})
	}
}
