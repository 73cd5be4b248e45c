// Package browser_test opens the pages in a real browser, as a person does.
package browser_test

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

const (
	maxWait = 90 * time.Second // for all that one test does in the browser
	android = "Mozilla/5.0 (Linux; Android 13; SM-A146B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Mobile Safari/537.36"
)

//go:embed testdata/axe.min.js
var axe string

// tab is one tab of a browser that can reach this machine only.
type tab struct {
	context.Context
	t *testing.T

	mu       sync.Mutex
	requests []string // addresses that it asked for
	messages []string // on its console
}

func newTab(t *testing.T) *tab {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is missing: apt-get install chromium")
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(program), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.NoFirstRun, chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("no-proxy-server", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"), chromedp.Flag("hide-scrollbars", false),
	)
	wait, stop := context.WithTimeout(context.Background(), maxWait)
	t.Cleanup(stop)
	allocator, end := chromedp.NewExecAllocator(wait, options...)
	t.Cleanup(end)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		chromedp.Cancel(ctx) // waits for the browser's end
		cancel()
	})
	opened := &tab{Context: ctx, t: t}
	chromedp.ListenTarget(ctx, opened.note)
	opened.do(network.Enable(), runtime.Enable())
	return opened
}

func (b *tab) note(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
	case *runtime.EventConsoleAPICalled:
		b.messages = append(b.messages, fmt.Sprint(e.Type))
	case *runtime.EventExceptionThrown:
		b.messages = append(b.messages, e.ExceptionDetails.Text)
	}
}

// asked returns what was requested since the last call.
func (b *tab) asked() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.requests
	b.requests = nil
	return all
}

func (b *tab) do(actions ...chromedp.Action) {
	b.t.Helper()
	if err := chromedp.Run(b, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// phone makes the tab a phone of the language, width in CSS pixels.
func (b *tab) phone(language string, width int64, dark bool) {
	b.t.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	b.do(
		emulation.SetUserAgentOverride(android),
		network.SetExtraHTTPHeaders(network.Headers{"Accept-Language": language}),
		emulation.SetDeviceMetricsOverride(width, 780, 2, true),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
	)
}

// value returns what a script says, as JSON decodes it.
func value[T any](b *tab, script string) T {
	b.t.Helper()
	var result T
	b.do(chromedp.Evaluate(script, &result, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	return result
}

// screenshot takes what is in view, and keeps it where SCREENSHOTS names a folder.
func (b *tab) screenshot(name string) image.Image {
	b.t.Helper()
	var data []byte
	b.do(chromedp.CaptureScreenshot(&data))
	if dir := os.Getenv("SCREENSHOTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name+".png"), data, 0o644); err != nil {
			b.t.Fatal(err)
		}
	}
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		b.t.Fatal(err)
	}
	return picture
}

// scan reads the code in a picture.
func scan(t *testing.T, picture image.Image) string {
	t.Helper()
	bitmap, err := gozxing.NewBinaryBitmapFromImage(picture)
	if err != nil {
		t.Fatal(err)
	}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		t.Errorf("reading the code: %v", err)
		return ""
	}
	return result.GetText()
}

// checkAccessible runs axe-core with all its rules.
func (b *tab) checkAccessible() {
	b.t.Helper()
	b.do(chromedp.Evaluate(axe+";0", nil))
	found := value[string](b, `axe.run(document, {resultTypes: ["violations"]}).then(r => JSON.stringify({
		passed: r.passes.length,
		violations: r.violations.map(v => v.id + ": " + v.help + " " + v.nodes.map(n => n.target + " " + n.failureSummary).join("; "))}))`)
	var result struct {
		Passed     int
		Violations []string
	}
	if err := json.Unmarshal([]byte(found), &result); err != nil {
		b.t.Fatal(err)
	}
	if result.Passed < 10 {
		b.t.Errorf("axe-core passed %d rules only", result.Passed)
	}
	for _, violation := range result.Violations {
		b.t.Errorf("axe-core: %s", violation)
	}
}

// file shows HTML from a file, as a card is opened.
func (b *tab) file(html []byte) {
	b.t.Helper()
	name := filepath.Join(b.t.TempDir(), "card.html")
	if err := os.WriteFile(name, html, 0o644); err != nil {
		b.t.Fatal(err)
	}
	address := url.URL{Scheme: "file", Path: name}
	b.do(chromedp.Navigate(address.String()))
}

// print returns the PDF that the browser prints at the page's own size.
func (b *tab) print() []byte {
	b.t.Helper()
	var pdf []byte
	b.do(chromedp.ActionFunc(func(ctx context.Context) (err error) {
		pdf, _, err = page.PrintToPDF().WithPreferCSSPageSize(true).WithPrintBackground(true).Do(ctx)
		return err
	}))
	if dir := os.Getenv("SCREENSHOTS"); dir != "" {
		name := strings.ReplaceAll(b.t.Name(), "/", "_") + ".pdf"
		if err := os.WriteFile(filepath.Join(dir, name), pdf, 0o644); err != nil {
			b.t.Fatal(err)
		}
	}
	return pdf
}
