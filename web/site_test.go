package web

import (
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"causeway/web/homepage"
)

func TestTheBuiltInSiteAnswersAsGosFileServer(t *testing.T) {
	plain := httptest.NewServer(http.FileServerFS(fstest.MapFS{"index.html": {Data: []byte("x")}}))
	defer plain.Close()
	for _, seed := range []string{"a", "b", "c", "d", "e", "f"} {
		server := httptest.NewServer(SiteBuiltIn([]byte(seed)))
		for _, request := range []string{"GET /no-such-page", "POST /no-such-page", "GET /.git/config", "GET /index.html", "GET /../etc/passwd"} {
			got, want := answer(t, server, request), answer(t, plain, request)
			if request == "GET /index.html" && !strings.HasPrefix(got, "HTTP/1.1 301 ") {
				continue // a site without pages
			}
			if got != want {
				t.Errorf("seed %s, %s: got\n%s\nwant\n%s", seed, request, got, want)
			}
		}
		server.Close()
	}
}

func TestTheBuiltInSiteHasTimesAndRanges(t *testing.T) {
	server := httptest.NewServer(SiteBuiltIn(seedWithHome(t)))
	defer server.Close()
	whole := fetch(t, server, "/", nil)
	stamp := whole.Header.Get("Last-Modified")
	if whole.StatusCode != 200 || stamp == "" {
		t.Fatalf("got %d, Last-Modified %q", whole.StatusCode, stamp)
	}
	if r := fetch(t, server, "/", http.Header{"If-Modified-Since": {stamp}}); r.StatusCode != 304 {
		t.Errorf("If-Modified-Since: got %d, want 304", r.StatusCode)
	}
	if r := fetch(t, server, "/", http.Header{"Range": {"bytes=2-9"}}); r.StatusCode != 206 || r.ContentLength != 8 {
		t.Errorf("Range: got %d with %d bytes, want 206 with 8", r.StatusCode, r.ContentLength)
	}
	for name := range whole.Header {
		if !slices.Contains([]string{"Accept-Ranges", "Content-Length", "Content-Type", "Date", "Last-Modified"}, name) {
			t.Errorf("got the header %s", name)
		}
	}
}

// seedWithHome is a seed of a site with a page of its own at the root.
func seedWithHome(t *testing.T) []byte {
	for n := byte(0); n < 100; n++ {
		if _, err := fs.Stat(homepage.New([]byte{n}), "index.html"); err == nil {
			return []byte{n}
		}
	}
	t.Fatal("no site has a page")
	return nil
}

// fetch follows no redirect. The body stays in the test server's care.
func fetch(t *testing.T, server *httptest.Server, path string, header http.Header) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		request.Header = header
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response
}

func TestSiteDir(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a.txt": "hello", ".secret": "x", ".git/config": "x", ".well-known/security.txt": "ok", "sub/.env": "x", "sub/b.txt": "b"} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	handler, err := SiteDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{
		"/": 200, "/a.txt": 200, "/sub/": 200, "/sub/b.txt": 200, "/.well-known/security.txt": 200, "/.well-known/": 200,
		"/.secret": 404, "/.git/config": 404, "/.git/": 404, "/sub/.env": 404, "/none": 404, "/%2e%2e/x": 404, "/sub/%2eenv": 404,
	} {
		code, body := get(t, handler, path, "")
		if code != want {
			t.Errorf("%s: got %d, want %d", path, code, want)
		}
		for _, name := range []string{".secret", ".git", ".env"} {
			if strings.Contains(body, name) {
				t.Errorf("%s lists %s", path, name)
			}
		}
	}
	for _, bad := range []string{filepath.Join(dir, "none"), filepath.Join(dir, "a.txt")} {
		if _, err := SiteDir(bad); err == nil {
			t.Errorf("%s: got no error", bad)
		}
	}
}

func TestSiteProxyTellsTheOtherSiteNothingOfTheVisitor(t *testing.T) {
	var seen *http.Request
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r
		w.Header().Set("Alt-Svc", `h3=":443"`)
		if r.URL.Path == "/base/moved" {
			http.Redirect(w, r, "http://"+r.Host+"/new?x=1", http.StatusFound)
			return
		}
		io.WriteString(w, "their page")
	}))
	defer other.Close()
	handler, err := SiteProxy(other.URL + "/base")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	defer server.Close()
	response := fetch(t, server, "/page?q=1", http.Header{
		"X-Forwarded-For": {"192.0.2.1"}, "Forwarded": {"for=192.0.2.1"}, "Via": {"1.1 x"}, "X-Real-Ip": {"192.0.2.1"},
		"Referer": {"https://ours.example/i"}, "Accept-Language": {"fa"},
	})
	body, err := io.ReadAll(response.Body)
	if err != nil || string(body) != "their page" || response.Header.Get("Via") != "" || response.Header.Get("Alt-Svc") != "" {
		t.Errorf("got %q, %v, %v", body, response.Header, err)
	}
	if seen.URL.String() != "/base/page?q=1" || "http://"+seen.Host != other.URL || seen.Header.Get("Accept-Language") != "fa" {
		t.Errorf("the other site saw %s of %s", seen.URL, seen.Host)
	}
	for name, values := range seen.Header {
		if slices.Contains([]string{"Via", "Forwarded", "Referer", "X-Real-Ip"}, name) || strings.HasPrefix(name, "X-") || strings.Contains(strings.Join(values, " "), "127.0.0.1") {
			t.Errorf("the other site saw %s: %q", name, values)
		}
	}
	if got := fetch(t, server, "/moved", nil).Header.Get("Location"); got != "/new?x=1" {
		t.Errorf("got the redirect %q, want one that stays here", got)
	}
	if got := answer(t, server, "CONNECT evil.example:80"); !strings.HasPrefix(got, "HTTP/1.1 405 ") {
		t.Errorf("CONNECT: got %q", got)
	}
}

func TestSiteProxyWithoutTheOtherSite(t *testing.T) {
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	handler, err := SiteProxy("http://" + gone.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if code, body := get(t, handler, "/", ""); code != 502 || body != "" {
		t.Errorf("got %d %q, want an empty 502", code, body)
	}
	for _, bad := range []string{"", "example.org", "ftp://example.org", "https://", "http://user:word@example.org", "http://example.org/?x", "http://a b", "http://x/#y"} {
		if _, err := SiteProxy(bad); err == nil {
			t.Errorf("%q: got no error", bad)
		}
	}
}
