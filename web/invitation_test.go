package web

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"causeway/invite"
	"causeway/language"
)

const secretPath = "/i/7x3kq9m2w8"

var (
	phone     = http.Header{"User-Agent": {"Mozilla/5.0 (Linux; Android 13; SM-A146B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Mobile Safari/537.36"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}, "Sec-Fetch-Site": {"none"}, "Accept-Language": {"fa-IR,fa;q=0.9"}}
	oldPhone  = http.Header{"User-Agent": {"Mozilla/5.0 (iPhone; CPU iPhone OS 14_8 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/14.1.2 Mobile/15E148 Safari/604.1"}, "Accept-Language": {"ru"}}
	operaMini = http.Header{"User-Agent": {"Opera/9.80 (Android; Opera Mini/36.2/191.310; U; en) Presto/2.12.423 Version/12.16"}}
)

// with returns header with one more or another field.
func with(header http.Header, name, value string) http.Header {
	changed := header.Clone()
	changed.Set(name, value)
	return changed
}

// guests counts who was admitted.
type guests struct {
	Invitation
	admitted []netip.Addr
	seen     []string // paths that the site was asked for
	full     bool
}

func newGuests(t *testing.T) *guests {
	link, err := invite.NewLink("203.0.113.45", 443, 587, true)
	if err != nil {
		t.Fatal(err)
	}
	g := &guests{}
	site := SiteBuiltIn([]byte("site"))
	g.Invitation = Invitation{
		Site: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			g.seen = append(g.seen, r.RequestURI+" "+r.URL.String()+" "+r.Header.Get("Referer"))
			site.ServeHTTP(w, r)
		}),
		Known: func(path string) bool { return path == secretPath },
		Open: func(path string, visitor netip.Addr) bool {
			if path != secretPath {
				t.Errorf("got the path %q", path)
			}
			g.admitted = append(g.admitted, visitor)
			return !g.full
		},
		Link: func() invite.Link { return link },
	}
	return g
}

func (g *guests) ask(method, target string, header http.Header) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, target, nil)
	request.RemoteAddr = "[::ffff:198.51.100.7]:1234"
	request.Header = header.Clone()
	recorder := httptest.NewRecorder()
	g.ServeHTTP(recorder, request)
	return recorder
}

func TestAPersonIsAdmittedAndSeesTheLink(t *testing.T) {
	for _, c := range []struct {
		name, method string
		header       http.Header
		language     string
	}{
		{"a phone of today", "GET", phone, "fa"},
		{"an old phone that pressed the button", "POST", oldPhone, "ru"},
		{"Opera Mini that pressed the button", "POST", operaMini, "en"},
		{"a Cubot", "GET", with(phone, "User-Agent", "Mozilla/5.0 (Linux; Android 10; CUBOT NOTE 20) AppleWebKit/537.36 Chrome/124.0.0.0 Mobile Safari/537.36"), "fa"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGuests(t)
			answer := g.ask(c.method, secretPath, c.header)
			body := answer.Body.String()
			if answer.Code != 200 || len(g.admitted) != 1 || g.admitted[0] != netip.MustParseAddr("198.51.100.7") {
				t.Fatalf("got %d, admitted %v", answer.Code, g.admitted)
			}
			if !strings.Contains(body, `href="https://wa.me/proxy?host=203.0.113.45&amp;chatPort=443&amp;mediaPort=587&amp;chatTLS=true"`) {
				t.Error("the link is missing")
			}
			if !strings.Contains(body, `<html lang="`+c.language+`"`) || len(g.seen) != 0 {
				t.Errorf("not in %q, or the site was asked: %q", c.language, g.seen)
			}
		})
	}
}

func TestAnOldBrowserIsAskedFirst(t *testing.T) {
	for _, header := range []http.Header{oldPhone, operaMini, with(phone, "Sec-Fetch-Mode", "")} {
		g := newGuests(t)
		answer := g.ask("GET", secretPath, header)
		body := answer.Body.String()
		if answer.Code != 200 || len(g.admitted) != 0 || !strings.Contains(body, `<form method="post">`) {
			t.Errorf("got %d, admitted %v", answer.Code, g.admitted)
		}
		for _, told := range []string{"203.0.113", "wa.me", "WhatsApp", "svg", "587", "Signal"} {
			if _, content, _ := strings.Cut(body, "<body>"); strings.Contains(content, told) {
				t.Errorf("the page with the button holds %q", told)
			}
		}
	}
}

// Each name is as its maker publishes it.
var previews = []string{
	"WhatsApp/2.23.20.0 A", "WhatsApp/2", "TelegramBot (like TwitterBot)", "Signal-Android/6.0", "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) Version/9.0.1 Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0",
	"Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "Slack-ImgProxy 0.19 (+https://api.slack.com/robots)", "Twitterbot/1.0", "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
	"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)", "LinkedInBot/1.0 (compatible; Mozilla/5.0)",
	"Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com", "Mozilla/5.0 (compatible; vkShare; +http://vk.com/dev/Share)", "Viber/13.3.0",
	"meta-externalagent/1.1", "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0) Chrome/116 Safari/537.36",
	"Synapse (bot; +https://github.com/matrix-org/synapse)", "Go-http-client/2.0", "curl/8.5.0", "python-requests/2.31", "okhttp/4.12.0", "",
}

func TestWhatFetchesPreviewsMeetsTheSite(t *testing.T) {
	type visit struct {
		name, method string
		header       http.Header
	}
	visits := []visit{
		{"HEAD", "HEAD", phone}, {"PUT", "PUT", phone}, {"OPTIONS", "OPTIONS", phone}, {"PROPFIND", "PROPFIND", phone},
		{"Purpose: prefetch", "GET", with(phone, "Purpose", "prefetch")},
		{"Sec-Purpose", "GET", with(phone, "Sec-Purpose", "prefetch;prerender")},
		{"X-Moz", "GET", with(phone, "X-Moz", "prefetch")},
		{"X-Purpose", "GET", with(phone, "X-Purpose", "preview")},
		{"in a frame", "GET", with(phone, "Sec-Fetch-Dest", "iframe")},
		{"by a script", "GET", with(with(phone, "Sec-Fetch-Dest", "empty"), "Sec-Fetch-Mode", "cors")},
		{"as a picture", "GET", with(phone, "Sec-Fetch-Dest", "image")},
	}
	for _, name := range previews {
		visits = append(visits, visit{name, "GET", with(phone, "User-Agent", name)}, visit{name + " with POST", "POST", with(phone, "User-Agent", name)})
	}
	for _, v := range visits {
		t.Run(v.name, func(t *testing.T) {
			g := newGuests(t)
			got := g.ask(v.method, secretPath+"?lang=fa", with(v.header, "Referer", "https://x"+secretPath))
			want := g.ask(v.method, "/x/no-such-page", v.header)
			if got.Code != want.Code || got.Body.String() != want.Body.String() || len(got.Header()) != len(want.Header()) {
				t.Errorf("got %d %q, want %d %q", got.Code, got.Body, want.Code, want.Body)
			}
			for name := range want.Header() {
				if got.Header().Get(name) != want.Header().Get(name) {
					t.Errorf("%s: got %q, want %q", name, got.Header().Get(name), want.Header().Get(name))
				}
			}
			if len(g.admitted) != 0 || strings.Contains(strings.Join(g.seen, " "), secretPath) {
				t.Errorf("admitted %v; the site saw %q", g.admitted, g.seen)
			}
		})
	}
}

func TestOtherPathsAreTheSites(t *testing.T) {
	g := newGuests(t)
	for _, path := range []string{"/", "/i/", "/i/7x3kq9m2w", "/other" + secretPath, "/very/long/" + strings.Repeat("a", 100) + "/path.html"} {
		before := len(g.seen)
		g.ask("GET", path, phone)
		if len(g.seen) != before+1 || !strings.HasPrefix(g.seen[before], path+" ") {
			t.Errorf("%s: the site saw %q", path, g.seen[before:])
		}
	}
	if len(g.admitted) != 0 {
		t.Errorf("admitted %v", g.admitted)
	}
}

func TestAFullInvitationSaysSoAndNoMore(t *testing.T) {
	g := newGuests(t)
	g.full = true
	answer := g.ask("GET", secretPath, phone)
	if answer.Code != http.StatusForbidden || strings.Contains(answer.Body.String(), "203.0.113") || strings.Contains(answer.Body.String(), "wa.me") {
		t.Errorf("got %d, %s", answer.Code, answer.Body)
	}
	if !strings.Contains(answer.Body.String(), language.Match("fa").Text("full")) {
		t.Error("it does not say that the invitation is full")
	}
}

func TestThePageLeavesNoTrace(t *testing.T) {
	for _, header := range []http.Header{phone, oldPhone} {
		answer := newGuests(t).ask("GET", secretPath, header)
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "Set-Cookie": "", "Last-Modified": "", "Etag": "",
		} {
			if got := answer.Header().Get(name); got != want {
				t.Errorf("%s: got %q, want %q", name, got, want)
			}
		}
		if policy := answer.Header().Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") || strings.Contains(policy, "unsafe") {
			t.Errorf("got the policy %q", policy)
		}
	}
}

func TestEveryLanguage(t *testing.T) {
	const most = 150_000 // bytes of the page with everything in it
	for _, l := range language.All() {
		g := newGuests(t)
		g.SignalHost = func() string { return "proxy.example.org" }
		g.Page = invite.Address{Host: "203.0.113.45", Port: 443}.Page
		body := g.ask("GET", secretPath+"?lang="+l.Code, phone).Body.String()
		for _, want := range []string{`<html lang="` + l.Code + `" dir="` + l.Direction() + `">`, `dir="ltr">203.0.113.45</bdi>`, `dir="ltr">443</bdi>`, `dir="ltr">587</bdi>`, "https://signal.tube/#proxy.example.org"} {
			if !strings.Contains(body, want) {
				t.Errorf("%s: %q is missing", l.Code, want)
			}
		}
		for _, refused := range []string{"<script", "<img", "<iframe", "@import", "url(", "src=", "<link", "style=", "ZgotmplZ"} {
			if strings.Contains(body, refused) {
				t.Errorf("%s: holds %q", l.Code, refused)
			}
		}
		for _, other := range language.All() {
			if switched := strings.Contains(body, `href="?lang=`+other.Code+`"`); switched != (other.Code != l.Code) {
				t.Errorf("%s: the switch to %s is there: %t", l.Code, other.Code, switched)
			}
		}
		if marked := strings.Contains(body, "<footer>"); marked == l.Reviewed {
			t.Errorf("%s: marked as unreviewed: %t", l.Code, marked)
		}
		if len(body) > most {
			t.Errorf("%s: got %d bytes, want at most %d", l.Code, len(body), most)
		}
	}
}

func TestSignalIsShownOnlyWhereItIsServed(t *testing.T) {
	g := newGuests(t)
	for _, host := range []func() string{nil, func() string { return "" }} {
		g.SignalHost = host
		if strings.Contains(g.ask("GET", secretPath, phone).Body.String(), "signal.tube") {
			t.Error("got a link for Signal")
		}
	}
}

// beforeAnotherSite serves invitations before a site that is another server's, and
// keeps what that is asked for.
func beforeAnotherSite(t *testing.T) (server *httptest.Server, asked *[]string) {
	asked = new([]string)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked = append(*asked, r.RequestURI)
		http.NotFound(w, r)
	}))
	t.Cleanup(other.Close)
	site, err := SiteProxy(other.URL)
	if err != nil {
		t.Fatal(err)
	}
	g := newGuests(t)
	g.Site = site
	server = httptest.NewServer(&g.Invitation)
	t.Cleanup(server.Close)
	return server, asked
}

func TestASiteThatIsAnotherServersDoesNotLearnThePath(t *testing.T) {
	server, asked := beforeAnotherSite(t)
	response := fetch(t, server, secretPath+"?lang=fa", http.Header{"User-Agent": {"TelegramBot"}})
	if _, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode != 404 {
		t.Fatalf("got %d, %v", response.StatusCode, err)
	}
	got, err := url.Parse(strings.Join(*asked, ""))
	if err != nil || got.Path == secretPath || len(got.Path) != len(secretPath) || got.RawQuery != "" {
		t.Errorf("the other site was asked for %q", *asked)
	}
}

func TestASiteThatIsAnotherServersDoesNotLearnAPathWithSomethingBehindIt(t *testing.T) {
	server, asked := beforeAnotherSite(t)
	near := []string{strings.ToUpper(secretPath)}
	for _, behind := range []string{".", ",", ")", "/", "/favicon.ico", "/a/b/c", "...", "%0A", "x", "xyz", "%D9%AB"} {
		near = append(near, secretPath+behind)
	}
	for _, path := range near {
		fetch(t, server, path, phone)
	}
	if len(*asked) != len(near) || strings.Contains(strings.ToLower(strings.Join(*asked, " ")), secretPath) {
		t.Errorf("the other site was asked for %q", *asked)
	}
	*asked = nil
	fetch(t, server, "/an/ordinary.page", phone)
	if len(*asked) != 1 || (*asked)[0] != "/an/ordinary.page" {
		t.Errorf("the other site was asked for %q", *asked)
	}
}
