package invite

import (
	"bytes"
	"encoding/xml"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestPNG(t *testing.T) {
	const want = "https://proxy.example/notes/0123456789abcdefghjkmnpqrs"
	data, err := PNG(want)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if got := decoded(t, img); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

var (
	viewBox = regexp.MustCompile(`viewBox="0 0 (\d+) (\d+)"`)
	run     = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`)
)

func TestSVG(t *testing.T) {
	const want = "https://proxy.example/notes/0123456789abcdefghjkmnpqrs"
	text, err := SVG(want)
	if err != nil {
		t.Fatal(err)
	}
	if err := xml.Unmarshal([]byte(text), new(struct{})); err != nil {
		t.Errorf("it is no XML: %v", err)
	}
	if strings.Contains(text, "proxy") || len(text) > 20_000 {
		t.Errorf("%d bytes, or they hold the link", len(text))
	}
	size := number(viewBox.FindStringSubmatch(text)[1])
	const module = 4
	img := image.NewGray(image.Rect(0, 0, size*module, size*module))
	draw.Draw(img, img.Bounds(), image.White, image.Point{}, draw.Src)
	runs := run.FindAllStringSubmatch(text, -1)
	for _, r := range runs {
		x, y, n := number(r[1]), number(r[2]), number(r[3])
		draw.Draw(img, image.Rect(x*module, y*module, (x+n)*module, (y+1)*module), image.NewUniform(color.Black), image.Point{}, draw.Src)
	}
	if got := decoded(t, img); got != want {
		t.Errorf("got %q, want %q, from %d runs", got, want, len(runs))
	}
}

func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

func TestPicturesOfTooMuch(t *testing.T) {
	long := strings.Repeat("x", 3000)
	if _, err := SVG(long); err == nil {
		t.Error("SVG: got no error")
	}
	if _, err := PNG(long); err == nil {
		t.Error("PNG: got no error")
	}
}
