package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
)

const (
	siteName  = "web site"
	statsName = "stats page"

	// statsPort is where the official image shows its numbers to everybody.
	statsPort = 8199
)

// site opens the chat port as a browser, or a prober, would.
func (r Remote) site(ctx context.Context) []Check {
	const try = "serve chat on a port that is a web site to everyone else, as causeway serve does on 443"
	if !r.Target.ChatTLS {
		return []Check{{siteName, Warning, "chat without TLS is recognised by its first bytes", try}}
	}
	status, err := r.get(ctx, "https", r.Target.ChatPort)
	var unreached dialError
	switch {
	case errors.As(err, &unreached):
		return []Check{skipped(siteName)}
	case err != nil:
		return []Check{{siteName, Warning, "a browser gets no page: " + reason(err) + "; strangers can tell that this is a proxy", try}}
	case status >= http.StatusBadRequest:
		return []Check{{siteName, Warning, fmt.Sprintf("a browser gets an error page (HTTP %d), which makes strangers curious", status), try}}
	}
	return []Check{{siteName, OK, fmt.Sprintf("strangers see a web site on port %d (HTTP %d)", r.Target.ChatPort, status), ""}}
}

// stats looks whether the numbers of the official image's port are open.
func (r Remote) stats(ctx context.Context) []Check {
	status, err := r.get(ctx, "http", statsPort)
	var unreached dialError
	switch {
	case errors.As(err, &unreached):
		return []Check{{statsName, OK, fmt.Sprintf("port %d is closed to strangers", statsPort), ""}}
	case err != nil || status >= http.StatusBadRequest:
		return []Check{{statsName, OK, fmt.Sprintf("port %d is open, but shows strangers nothing", statsPort), ""}}
	}
	return []Check{{statsName, Warning, fmt.Sprintf("anyone can read the statistics on port %d", statsPort),
		fmt.Sprintf("close port %d in the firewall, or bind it to 127.0.0.1: it gives the proxy away", statsPort)}}
}

// dialError sets a port that nobody answers apart from one that answers badly.
type dialError struct{ error }

func (e dialError) Unwrap() error { return e.error }

// get asks for "/" and returns the status. It follows no redirect and reads no
// body.
func (r Remote) get(ctx context.Context, scheme string, port uint16) (int, error) {
	conn, err := r.dial(ctx, port)
	if err != nil {
		return 0, dialError{err}
	}
	defer conn.Close()
	transport := &http.Transport{
		DisableKeepAlives:      true,
		DialContext:            func(context.Context, string, string) (net.Conn, error) { return conn, nil },
		TLSClientConfig:        &tls.Config{InsecureSkipVerify: true}, // any certificate will do here
		MaxResponseHeaderBytes: 64 << 10,
	}
	defer transport.CloseIdleConnections()
	url := scheme + "://" + net.JoinHostPort(r.Target.Host, number(port)) + "/"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}
