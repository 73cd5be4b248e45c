package invite

import (
	"image"
	"image/color"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// rasterised draws terminal text as a camera sees it, a module 4 pixels wide.
// What surrounds the text is dark, as on most terminals.
func rasterised(t *testing.T, text string) image.Image {
	t.Helper()
	const module, margin = 4, 24
	rows := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	width := utf8.RuneCountInString(rows[0])
	img := image.NewGray(image.Rect(0, 0, 2*margin+module*width, 2*margin+module*2*len(rows)))
	fill := func(x, y int) {
		for dy := range module {
			for dx := range module {
				img.SetGray(margin+x*module+dx, margin+y*module+dy, color.Gray{Y: 230})
			}
		}
	}
	for y, row := range rows {
		if got := utf8.RuneCountInString(row); got != width {
			t.Fatalf("row %d: got %d columns, want %d", y, got, width)
		}
		for x, r := range []rune(row) {
			if !strings.ContainsRune(" ▀▄█", r) {
				t.Fatalf("row %d: got %q", y, r)
			}
			if r == '▀' || r == '█' {
				fill(x, 2*y)
			}
			if r == '▄' || r == '█' {
				fill(x, 2*y+1)
			}
		}
	}
	return img
}

func decoded(t *testing.T, img image.Image) string {
	t.Helper()
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		t.Fatal(err)
	}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, nil)
	if err != nil {
		t.Errorf("decoding: %v", err)
		return ""
	}
	return result.GetText()
}

func TestTerminalQR(t *testing.T) {
	domain := strings.Repeat("a", 48) + ".example.org" // 60 bytes
	for _, c := range []struct {
		name, text    string
		columns, rows int
	}{
		{"IPv4", Link{"203.0.113.45", 443, 587, true}.String(), 45, 23},
		{"shortest IPv4", Link{"1.1.1.1", 80, 80, true}.String(), 45, 23},
		{"domain", Link{"proxy.example.org", 443, 587, true}.String(), 45, 23},
		{"odd ports", Link{"203.0.113.245", 54321, 65535, false}.String(), 45, 23},
		{"94 bytes", Link{strings.Repeat("a", 17) + ".example.org", 443, 587, true}.String(), 45, 23},
		{"domain of 60", Link{domain, 443, 587, true}.String(), 45, 23},
		{"domain of 60 and odd ports", Link{domain, 54321, 54322, false}.String(), 45, 23},
		{"Signal", SignalLink("proxy.example.org"), 37, 19},
		{"address alone", "203.0.113.45", 29, 15},
		{"134 bytes, the longest that fits", strings.Repeat("x", 134), 45, 23},
		{"too long for the terminal", strings.Repeat("x", 300), 69, 35},
	} {
		plain := PlainQR(c.text)
		rows := strings.Split(strings.TrimSuffix(plain, "\n"), "\n")
		if got := utf8.RuneCountInString(rows[0]); got != c.columns || len(rows) != c.rows {
			t.Errorf("%s: got %dx%d, want %dx%d", c.name, got, len(rows), c.columns, c.rows)
		}
		if got := decoded(t, rasterised(t, plain)); got != c.text {
			t.Errorf("%s: got %q, want %q", c.name, got, c.text)
		}
		colored := TerminalQR(c.text)
		var bare strings.Builder
		for row := range strings.Lines(colored) {
			inside, found := strings.CutPrefix(row, "\x1b[40;97m")
			inside, ended := strings.CutSuffix(inside, "\x1b[0m\n")
			if !found || !ended {
				t.Fatalf("%s: a row is not black and white: %q", c.name, row)
			}
			bare.WriteString(inside + "\n")
		}
		if bare.String() != plain {
			t.Errorf("%s: TerminalQR draws other modules than PlainQR", c.name)
		}
	}
}

func TestQRLimits(t *testing.T) {
	for _, c := range []struct {
		bytes        int
		page, screen bool
	}{{2331, true, true}, {2332, false, true}, {2953, false, true}, {2954, false, false}} {
		text := strings.Repeat("x", c.bytes)
		if _, err := QR(text); (err == nil) != c.page {
			t.Errorf("%d bytes: QR: got %v", c.bytes, err)
		}
		if got := TerminalQR(text); (got != "") != c.screen {
			t.Errorf("%d bytes: TerminalQR: got %d bytes", c.bytes, len(got))
		}
	}
}

func TestQR(t *testing.T) {
	want := Link{"203.0.113.45", 443, 587, true}.String()
	code, err := QR(want)
	if err != nil {
		t.Fatal(err)
	}
	if code.Size != 37 {
		t.Errorf("got %d modules, want 37", code.Size)
	}
	if got := decoded(t, code.Image()); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
