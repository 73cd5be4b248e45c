package browser_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"causeway/invite"
	"causeway/language"
	"causeway/web"
)

const secretPath = "/garden/fruit-7x3kq9m2w80c4t5hjw1e6r9pnv"

var link = invite.Link{Host: "203.0.113.45", ChatPort: 443, MediaPort: 587, ChatTLS: true}

// serve shows an invitation on this machine and counts who is admitted.
func serve(t *testing.T, change func(*web.Invitation)) (address string, admitted *atomic.Int32) {
	admitted = new(atomic.Int32)
	invitation := &web.Invitation{
		Site:  web.SiteBuiltIn([]byte("browser")),
		Known: func(path string) bool { return path == secretPath },
		Open: func(string, netip.Addr) bool {
			admitted.Add(1)
			return true
		},
		Link: func() invite.Link { return link },
	}
	if change != nil {
		change(invitation)
	}
	server := httptest.NewServer(invitation)
	t.Cleanup(server.Close)
	return server.URL + secretPath, admitted
}

func TestAPersonOpensTheInvitationOnAPhone(t *testing.T) {
	address, admitted := serve(t, nil)
	b := newTab(t)
	b.phone("fa-IR,fa;q=0.9", 360, false)
	b.do(chromedp.Navigate(address))
	if got := admitted.Load(); got != 1 {
		t.Errorf("admitted %d times, want once and without a tap more", got)
	}
	if got := value[string](b, `document.documentElement.dir + " " + document.documentElement.lang + " " + getComputedStyle(document.body).direction`); got != "rtl fa rtl" {
		t.Errorf("got %q, want rtl fa rtl", got)
	}
	if got := value[string](b, `document.querySelector("#open").href`); got != link.String() {
		t.Errorf("the button leads to %q, want %q", got, link)
	}
	if bottom := value[float64](b, `document.querySelector("#open").getBoundingClientRect().bottom`); bottom > 640 {
		t.Errorf("the button ends at %v pixels, below the first screen of a small phone", bottom)
	}
	b.screenshot("page-fa-light")
	b.do(chromedp.Click("#phone>summary", chromedp.ByQuery), chromedp.ScrollIntoView("#phone .code", chromedp.ByQuery))
	if got := scan(t, b.screenshot("page-fa-code")); got != link.String() {
		t.Errorf("the code holds %q, want %q", got, link)
	}
	// A browser that opens any page asks for its icon.
	others := slices.DeleteFunc(b.asked(), func(asked string) bool { return asked == address || strings.HasSuffix(asked, "/favicon.ico") })
	if len(others) != 0 {
		t.Errorf("the page asked for %q", others)
	}
	if cookies := value[string](b, `document.cookie`); cookies != "" || len(b.messages) != 0 {
		t.Errorf("got the cookies %q, console %q", cookies, b.messages)
	}
}

func TestTheCodeLeadsToThisPageWhereItHasAnAddress(t *testing.T) {
	own := invite.Address{Host: "a-long-name-of-a-proxy.example.org", Port: 8443}
	want := "https://a-long-name-of-a-proxy.example.org:8443" + secretPath
	address, _ := serve(t, func(i *web.Invitation) { i.Page = own.Page })
	b := newTab(t)
	b.phone("en", 360, true)
	b.do(chromedp.Navigate(address), chromedp.Click("#phone>summary", chromedp.ByQuery), chromedp.ScrollIntoView("#phone .code", chromedp.ByQuery))
	if got := scan(t, b.screenshot("page-en-code-dark")); got != want {
		t.Errorf("the code holds %q, want %q", got, want)
	}
}

func TestAnOldBrowserTapsOnceMore(t *testing.T) {
	address, admitted := serve(t, nil)
	old := withoutFetchMetadata(t, address)
	b := newTab(t)
	b.phone("ru", 360, false)
	b.do(chromedp.Navigate(old.URL + secretPath))
	if asks := value[int](b, `document.querySelectorAll("form").length`); asks != 1 || admitted.Load() != 0 || value[int](b, `document.querySelectorAll("#open").length`) != 0 {
		t.Error("admitted without a tap")
	}
	b.screenshot("page-ru-ask")
	b.checkAccessible()
	b.do(chromedp.Click("button", chromedp.ByQuery), chromedp.WaitVisible("#open", chromedp.ByQuery))
	if admitted.Load() != 1 {
		t.Errorf("admitted %d times after the tap, want once", admitted.Load())
	}
}

// withoutFetchMetadata is the server at address as a browser of 2018 sees it.
func withoutFetchMetadata(t *testing.T, address string) *httptest.Server {
	site, err := web.SiteProxy(strings.TrimSuffix(address, secretPath))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name := range r.Header {
			if strings.HasPrefix(name, "Sec-") {
				r.Header.Del(name)
			}
		}
		site.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server
}

func TestEveryPageIsAccessible(t *testing.T) {
	address, _ := serve(t, func(i *web.Invitation) {
		i.SignalHost = func() string { return "proxy.example.org" }
	})
	b := newTab(t)
	for _, l := range language.All() {
		for _, dark := range []bool{false, true} {
			b.phone("en", 360, dark)
			b.do(chromedp.Navigate(address + "?lang=" + l.Code))
			b.checkAccessible()
			value[int](b, `document.querySelectorAll("details").forEach(d => d.open = true), 0`)
			b.checkAccessible()
			small := value[[]string](b, `[...document.querySelectorAll("a,button,summary")].filter(e => {
				const r = e.getBoundingClientRect(); return r.height < 44 || r.width < 44 }).map(e => e.outerHTML)`)
			if len(small) > 0 {
				t.Errorf("%s: smaller than 44 pixels: %q", l.Code, small)
			}
			if dark && l.Code != "en" {
				continue
			}
			b.phone("en", 320, dark)
			if wide := value[int](b, `document.documentElement.scrollWidth`); wide > 320 {
				t.Errorf("%s: %d pixels wide on a screen of 320", l.Code, wide)
			}
			name := "page-" + l.Code + "-all"
			if dark {
				name += "-dark"
			}
			b.do(emulation.SetDeviceMetricsOverride(320, 2600, 1, true))
			b.screenshot(name)
		}
	}
}

func TestALanguageIsChosenByALink(t *testing.T) {
	address, _ := serve(t, nil)
	b := newTab(t)
	b.phone("de", 360, false)
	b.do(chromedp.Navigate(address))
	for _, l := range language.All() {
		if value[string](b, `document.documentElement.lang`) != l.Code {
			b.do(chromedp.Click(`nav a[lang="`+l.Code+`"]`, chromedp.ByQuery), chromedp.WaitVisible(`html[lang="`+l.Code+`"] #open`, chromedp.ByQuery))
		}
		if got, want := value[string](b, `document.querySelector("h1").textContent`), l.Text("heading"); got != want {
			t.Errorf("%s: got %q, want %q", l.Code, got, want)
		}
	}
}
