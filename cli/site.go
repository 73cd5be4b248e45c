package cli

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"

	"causeway/certificate"
	"causeway/invite"
	"causeway/invite/statefile"
	"causeway/web"
)

// webSite is what strangers see, with the invitation pages on it.
func (p *plan) webSite(g *guests, source *certificate.Source, log *slog.Logger) (http.Handler, error) {
	site, err := p.strangersSite(log)
	if err != nil {
		return nil, hint(err, "--site DIR, a folder of web pages, or --site https://… of another site")
	}
	page := &web.Invitation{
		Site:  site,
		Known: g.known,
		Open:  g.open,
		Link: func() invite.Link {
			host, _ := p.linkHost()
			link, _ := p.link(host)
			return link
		},
		SignalHost: func() string {
			if source.Kind() == certificate.SelfSigned || !p.serves("signal", "tls") {
				return ""
			}
			return p.host
		},
	}
	if address := p.pageAddress(); address != (invite.Address{}) {
		page.Page = address.Page
	}
	return page, nil
}

func (p *plan) strangersSite(log *slog.Logger) (http.Handler, error) {
	switch {
	case strings.HasPrefix(p.site, "http://"), strings.HasPrefix(p.site, "https://"):
		return web.SiteProxy(p.site)
	case p.site != "":
		return web.SiteDir(p.site)
	}
	return web.SiteBuiltIn(p.seed(log)), nil
}

const (
	seedFile = "seed"
	seedSize = 32 // bytes
)

// seed makes this installation's web site another than everybody else's. It is
// made once and kept.
func (p *plan) seed(log *slog.Logger) []byte {
	seed, err := statefile.Read(filepath.Join(p.state, seedFile), seedSize)
	if err == nil && len(seed) == seedSize {
		return seed
	}
	seed = make([]byte, seedSize)
	rand.Read(seed) // never fails
	if err := statefile.Write(filepath.Join(p.state, seedFile), seed); err != nil {
		log.Warn("the web site for strangers is another at each start", "err", err)
	}
	return seed
}
