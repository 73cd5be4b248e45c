package proxy

import (
	"net/http"

	"golang.org/x/net/http2"
)

//lint:file-ignore SA1019 net/http itself, to which the deprecation points, speaks HTTP/2 on a *tls.Conn only, and a visitor is none

const protocolHTTP2 = "h2" // RFC 9113

// http2Server speaks HTTP/2 with visitors as net/http's own copy does.
type http2Server struct{ http2.Server }

func newHTTP2() http2Server {
	return http2Server{http2.Server{
		IdleTimeout: siteIdle,
		// With newer schedulers it would send SETTINGS_NO_RFC7540_PRIORITIES, which
		// net/http's copy does not.
		NewWriteScheduler: func() http2.WriteScheduler { return http2.NewPriorityWriteScheduler(nil) },
	}}
}

// serve serves a visitor until it is over, or proven to be a messenger's.
func (s *http2Server) serve(v *visitor, base *http.Server) {
	s.ServeConn(v, &http2.ServeConnOpts{BaseConfig: base, Handler: base.Handler})
}
