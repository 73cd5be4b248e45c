package phone

import (
	"context"
	"crypto/tls"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"

	"causeway/invite"
)

const maxPage = 1 << 20 // bytes

// Page is what came for an address.
type Page struct {
	Status int    `json:"status"`
	Body   string `json:"body"`
}

// Browse opens an address in the phone's browser.
func (p *Phone) Browse(ctx context.Context, address string) (Page, error) {
	return p.fetch(ctx, address, http.Header{
		"User-Agent":      {"Mozilla/5.0 (Linux; Android 13; SM-A146B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Mobile Safari/537.36"},
		"Accept-Language": {"fa-IR,fa;q=0.9"},
		"Sec-Fetch-Mode":  {"navigate"},
		"Sec-Fetch-Dest":  {"document"},
		"Sec-Fetch-Site":  {"none"},
	})
}

// Preview fetches an address as the app does when it stands in a message.
func (p *Phone) Preview(ctx context.Context, address string) (Page, error) {
	return p.fetch(ctx, address, http.Header{"User-Agent": {"WhatsApp/2.23.20.0 A"}})
}

// fetch takes any certificate, as a person does who goes past the warning: a
// volunteer without a name has none that verifies.
func (p *Phone) fetch(ctx context.Context, address string, header http.Header) (Page, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return Page{}, fmt.Errorf("reading the address: %w", err)
	}
	request.Header = header
	transport := &http.Transport{
		DialContext:         p.config.Dial,
		TLSClientConfig:     &tls.Config{InsecureSkipVerify: true},
		TLSHandshakeTimeout: connectTimeout,
		ForceAttemptHTTP2:   true,
		DisableKeepAlives:   true,
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return Page{}, fmt.Errorf("opening the page: %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxPage))
	if err != nil {
		return Page{}, fmt.Errorf("reading the page: %w", err)
	}
	return Page{Status: response.StatusCode, Body: string(body)}, nil
}

// Route returns the settings that the page's button puts into the app.
func (p Page) Route() (Route, error) {
	link, warnings, err := invite.ParseLink(p.button())
	if err != nil {
		return Route{}, fmt.Errorf("reading the button's link: %w", err)
	}
	if len(warnings) > 0 {
		return Route{}, fmt.Errorf("the button's link: %v", warnings)
	}
	at := func(port uint16) string { return net.JoinHostPort(link.Host, strconv.Itoa(int(port))) }
	return Route{Chat: at(link.ChatPort), ChatTLS: link.ChatTLS, Media: at(link.MediaPort)}, nil
}

// button returns the address that the button for the app leads to, "" without one.
func (p Page) button() string {
	found := button.FindStringSubmatch(p.Body)
	if found == nil {
		return ""
	}
	return html.UnescapeString(found[1])
}

var button = regexp.MustCompile(`href="(https://wa\.me/proxy[^"]*)"`)
