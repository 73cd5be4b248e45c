// Package web holds what a browser sees: the site that strangers meet on the
// TLS ports, the invitation for those who were given its address, the card to
// print, and the operator's pages on the admin address.
package web

import (
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path"
	"strings"
	"time"

	"causeway/web/homepage"
)

// maxSiteWait is how long another site may take to begin its answer.
const maxSiteWait = 30 * time.Second

// SiteBuiltIn is a small site that is made up from seed: another one for every
// seed, the same for the same. Go's own file server serves it.
func SiteBuiltIn(seed []byte) http.Handler { return http.FileServerFS(homepage.New(seed)) }

// SiteDir serves the files of a folder as Go's own file server does, without
// those whose names begin with a dot. Only .well-known (RFC 8615) is shown.
func SiteDir(dir string) (http.Handler, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the folder of the site: %w", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("opening the folder of the site: %s is a file", dir)
	}
	return http.FileServer(withoutDots{http.Dir(dir)}), nil
}

// withoutDots is a folder that has no hidden files.
type withoutDots struct{ http.FileSystem }

func (d withoutDots) Open(name string) (http.File, error) {
	for element := range strings.SplitSeq(name, "/") {
		if hidden(element) {
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
	}
	file, err := d.FileSystem.Open(name)
	if err != nil {
		return nil, err
	}
	return shownFile{file}, nil
}

func hidden(name string) bool { return strings.HasPrefix(name, ".") && name != ".well-known" }

// shownFile lists what a folder has without hidden files.
type shownFile struct{ http.File }

func (f shownFile) Readdir(count int) ([]fs.FileInfo, error) {
	all, err := f.File.Readdir(count)
	shown := all[:0]
	for _, info := range all {
		if !hidden(path.Base(info.Name())) {
			shown = append(shown, info)
		}
	}
	return shown, err
}

// SiteProxy shows another web site, http or https, under our name. That site
// learns nothing of the visitor but the request itself; where it cannot be
// reached the answer is an empty 502.
func SiteProxy(address string) (http.Handler, error) {
	target, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("reading the address of the site: %w", err)
	}
	if (target.Scheme != "http" && target.Scheme != "https") || target.Host == "" || target.User != nil || target.RawQuery != "" || target.Fragment != "" {
		return nil, fmt.Errorf("the address of the site is %q: want http://name or https://name, with a path at most", address)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	transport.DisableCompression = true // bytes pass as they are
	transport.ResponseHeaderTimeout = maxSiteWait
	other := &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = target.Host
			forget(r.Out.Header)
		},
		ModifyResponse: func(r *http.Response) error {
			stay(r.Header, target)
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
		ErrorLog:     log.New(io.Discard, "", 0),
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodConnect {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		other.ServeHTTP(w, r)
	}), nil
}

// forget removes what names the visitor's address or the way here. ReverseProxy
// has removed Forwarded and X-Forwarded-* already.
func forget(header http.Header) {
	for _, name := range []string{"Via", "X-Real-Ip", "True-Client-Ip", "Client-Ip", "Referer", "Origin"} {
		header.Del(name)
	}
}

// stay turns a redirect within the other site into one within ours, so that
// visitors are not sent away from here, by HTTP/3 neither.
func stay(header http.Header, target *url.URL) {
	header.Del("Alt-Svc")
	to, err := url.Parse(header.Get("Location"))
	if err != nil || to.Host != target.Host {
		return
	}
	to.Scheme, to.Host = "", ""
	if to.Path == "" {
		to.Path = "/"
	}
	header.Set("Location", to.String())
}
