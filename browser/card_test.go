package browser_test

import (
	"bytes"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"testing"

	"github.com/chromedp/cdproto/emulation"

	"causeway/language"
	"causeway/web"
)

func TestCards(t *testing.T) {
	const invitation = "https://203.0.113.145:8443/garden/fruit-7x3kq9m2w80c4t5hjw1e6r9pnv.html" // as long as they get
	for _, c := range []struct {
		lang          string
		page          string
		eight         bool
		width, height float64 // millimetres
	}{
		{"en", "", false, 105, 148},
		{"fa", "", false, 105, 148},
		{"fa", invitation, false, 105, 148},
		{"ru", invitation, false, 105, 148},
		{"en", invitation, true, 210, 297},
		{"fa", invitation, true, 210, 297},
		{"ru", invitation, true, 210, 297},
		{"ar", "", true, 210, 297},
		{"zh", invitation, true, 210, 297},
	} {
		name := fmt.Sprintf("card-%s-page_%t-eight_%t", c.lang, c.page != "", c.eight)
		t.Run(name, func(t *testing.T) {
			l, _ := language.Get(c.lang)
			var html bytes.Buffer
			if err := (web.Card{Lang: l, Link: link, Page: c.page, Eight: c.eight}).WriteHTML(&html); err != nil {
				t.Fatal(err)
			}
			b := newTab(t)
			b.file(html.Bytes())
			if got := value[string](b, `getComputedStyle(document.body).direction`); got != l.Direction() {
				t.Errorf("got %q, want %q", got, l.Direction())
			}
			checkPaper(t, b.print(), c.width, c.height)
			pixels := func(mm float64) int64 { return int64(math.Ceil(mm / 25.4 * 96)) }
			b.do(emulation.SetEmulatedMedia().WithMedia("print"), emulation.SetDeviceMetricsOverride(pixels(c.width), pixels(c.height), 2, false))
			cut := value[[]string](b, `[...document.querySelectorAll(".card")].flatMap(card => {
				const box = card.getBoundingClientRect();
				return [...card.querySelectorAll("*")].filter(e => { const r = e.getBoundingClientRect();
					return r.top < box.top || r.bottom > box.bottom + .5 || r.left < box.left || r.right > box.right + .5 }).map(e => e.outerHTML)})`)
			if len(cut) > 0 {
				t.Errorf("cut off: %q", cut)
			}
			b.checkAccessible()
			picture := b.screenshot(name)
			want := link.String()
			if c.page != "" {
				want = c.page
			}
			if c.eight {
				return // the reader takes one code at a time
			}
			if got := scan(t, picture); got != want {
				t.Errorf("the code holds %q, want %q", got, want)
			}
			if asked := b.asked(); len(asked) != 1 {
				t.Errorf("the card asked for %q", asked)
			}
		})
	}
}

var mediaBox = regexp.MustCompile(`/MediaBox \[0 0 ([0-9.]+) ([0-9.]+)\]`)

// checkPaper wants one sheet of the size; PDF counts in points, 72 to an inch.
func checkPaper(t *testing.T, pdf []byte, width, height float64) {
	t.Helper()
	boxes := mediaBox.FindAllSubmatch(pdf, -1)
	if len(boxes) != 1 {
		t.Fatalf("got %d sheets, want 1", len(boxes))
	}
	for i, want := range []float64{width, height} {
		points, err := strconv.ParseFloat(string(boxes[0][i+1]), 64)
		if got := points / 72 * 25.4; err != nil || math.Abs(got-want) > 1 {
			t.Errorf("got %.1f mm, want %.1f", got, want)
		}
	}
}
