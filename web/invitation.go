package web

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"html/template"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"causeway/invite"
	"causeway/language"
)

var (
	//go:embed pages/page.html
	pageText string
	//go:embed pages/page.css
	pageStyle string

	page       = template.Must(template.New("page").Parse(pageText))
	pagePolicy = policy(pageStyle)
)

// policy lets a page do nothing but show itself in its style and send its form
// to where it came from (Content Security Policy Level 3).
func policy(style string) string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}

// Invitation answers on the site's own address for those who were given the
// path of an invitation, and leaves everything else to the site. It belongs on
// TLS ports only: whoever sees the path can be let in.
type Invitation struct {
	// Site answers everything that is no invitation, and those who fetch one
	// without being a person who opens it.
	Site http.Handler

	// Known says whether a path is that of an invitation that holds. It admits nobody.
	Known func(path string) bool

	// Open admits the visitor's network by the invitation of the path; false
	// says that this takes no one more.
	Open func(path string, visitor netip.Addr) bool

	// Link is what the app is given.
	Link func() invite.Link

	// SignalHost is the name under which Signal is served with a certificate that
	// verifies, "" where it is not; nil is as "".
	SignalHost func() string

	// Page is the whole address of the page at a path without its leading slash,
	// as invite.Address has it. The code for another phone leads there; with nil
	// it holds Link, which serves phones in the same network only.
	Page func(path string) string
}

// ServeHTTP admits a person who opens an invitation and shows how to connect.
//
// What fetches links for previews must neither be admitted nor see the address.
// Programs that say what they are meet the site, as on a path that is none. A
// browser that says that it navigates (Sec-Fetch-Mode, W3C Fetch Metadata) is
// admitted at once: one tap less for nearly everyone. Any other visitor gets a
// page with one button and no word of what is behind it, and is admitted by
// pressing it: an old browser costs a tap, a robot that passes for one learns nothing.
func (i *Invitation) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	if !i.Known(path) {
		if i.near(path) {
			r = elsewhere(r)
		}
		i.Site.ServeHTTP(w, r)
		return
	}
	visitor, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || isRobot(r) {
		i.Site.ServeHTTP(w, elsewhere(r))
		return
	}
	v := view{Lang: chooseLanguage(r), Kind: "ask"}
	if r.Method == http.MethodPost || navigates(r) {
		v.Kind = "full"
		if i.Open(path, visitor.Addr().Unmap()) {
			v.Kind = "open"
			err = i.describe(&v, path)
		}
	}
	var body bytes.Buffer
	if err == nil {
		err = page.Execute(&body, &v)
	}
	if err != nil {
		i.Site.ServeHTTP(w, elsewhere(r))
		return
	}
	send(w, v.Kind, body.Bytes())
}

// mostNear is how many characters, and how many parts, near takes off a path.
const mostNear = 16

// near says whether a path is nearly that of an invitation: typed in capitals, or
// with something behind it, such as a full stop that a messenger took for part of
// the link. A site that is another server's must not learn it.
func (i *Invitation) near(path string) bool {
	path = strings.ToLower(path)
	shorter := path
	for range mostNear {
		if i.Known(shorter) {
			return true
		}
		if shorter = strings.TrimSuffix(shorter, lastRune(shorter)); shorter == "" {
			return false
		}
	}
	for range mostNear { // a browser asks for /invitation/favicon.ico
		end := strings.LastIndexByte(path, '/')
		if end <= 0 {
			return false
		}
		if path = path[:end]; i.Known(path) {
			return true
		}
	}
	return false
}

func lastRune(s string) string {
	_, size := utf8.DecodeLastRuneInString(s)
	return s[len(s)-size:]
}

func send(w http.ResponseWriter, kind string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Robots-Tag", "noindex, nofollow, noarchive")
	if kind == "full" {
		w.WriteHeader(http.StatusForbidden)
	}
	w.Write(body)
}

// describe fills in what only those who are admitted see.
func (i *Invitation) describe(v *view, path string) (err error) {
	v.Link = i.Link()
	if i.SignalHost != nil && i.SignalHost() != "" {
		v.SignalLink = invite.SignalLink(i.SignalHost())
	}
	shown := v.Link.String()
	if i.Page != nil {
		v.Shared = true
		shown = i.Page(strings.TrimPrefix(path, "/"))
	}
	v.Code, err = newCode(shown)
	return err
}

// view is what the template sees.
type view struct {
	Lang       language.Lang
	Kind       string // "ask", "full" or "open"
	Link       invite.Link
	SignalLink string
	Shared     bool // the code leads to this page
	Code       code
}

// code is a QR code as one path of an SVG picture.
type code struct {
	Path string
	Side int // modules with the border
}

func newCode(text string) (code, error) {
	path, side, err := invite.SVGPath(text)
	return code{path, side}, err
}

// Text returns a text in the visitor's language.
func (v *view) Text(key string) string { return v.Lang.Text(key) }

// English returns what a phone that is set to English shows.
func (v *view) English(key string) string {
	english, _ := language.Get("en")
	return english.Text(key)
}

// Languages returns what the visitor may switch to.
func (v *view) Languages() []language.Lang { return language.All() }

// Style returns the style that the policy's hash is of.
func (v *view) Style() template.CSS { return template.CSS(pageStyle) }

func chooseLanguage(r *http.Request) language.Lang {
	if chosen, ok := language.Get(r.URL.Query().Get("lang")); ok {
		return chosen
	}
	return language.Match(r.Header.Get("Accept-Language"))
}

// elsewhere is the request for a path of the same shape that is no invitation,
// so that a site that is another server's does not learn the real one.
func elsewhere(r *http.Request) *http.Request {
	sum := sha256.Sum256([]byte("no invitation " + r.URL.Path))
	letters := hex.EncodeToString(sum[:])
	path := []byte(r.URL.Path)
	for i, c := range path {
		if c != '/' {
			path[i] = letters[i%len(letters)]
		}
	}
	other := r.Clone(r.Context())
	other.URL.Path, other.URL.RawPath, other.URL.RawQuery = string(path), "", ""
	other.RequestURI = string(path)
	other.Header.Del("Referer")
	return other
}

// navigates says whether a browser calls this a page that is being opened in a
// tab. Browsers have said so since 2019 (Chrome), 2021 (Firefox) and 2023 (Safari).
func navigates(r *http.Request) bool {
	return r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}

// robots are parts of the names of programs that fetch links, in lower case.
// Most messengers' say bot; these are what is known not to. Names of apps that
// show pages to people are not among them.
var robots = []string{
	"bot", "crawl", "spider", "slurp", "preview", "facebookexternal", "facebookcatalog", "meta-external", "whatsapp/", "skypeuri",
	"vkshare", "embedly", "iframely", "unfurl", "google-", "mediapartners", "ia_archiver",
	"python", "curl", "wget", "validator", "censys", "zgrab", "expanse",
}

// phones are makers whose names hold one of robots.
var phones = strings.NewReplacer("cubot", "")

// isRobot says whether a request is made by a program on its own, or by a
// browser ahead of a person. Browsers' names all begin with Mozilla or Opera.
func isRobot(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		return true
	}
	name := strings.ToLower(r.UserAgent())
	if !strings.HasPrefix(name, "mozilla/") && !strings.HasPrefix(name, "opera/") {
		return true
	}
	name = phones.Replace(name)
	for _, robot := range robots {
		if strings.Contains(name, robot) {
			return true
		}
	}
	for _, header := range []string{"Purpose", "Sec-Purpose", "X-Purpose", "X-Moz"} {
		value := strings.ToLower(r.Header.Get(header))
		if strings.Contains(value, "pre") { // prefetch, preview, prerender
			return true
		}
	}
	if dest := r.Header.Get("Sec-Fetch-Dest"); dest != "" && dest != "document" {
		return true
	}
	return false
}
