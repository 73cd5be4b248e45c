package proxy

import (
	"net/http"

	"golang.org/x/net/http2"
)

//lint:file-ignore SA1019 net/http itself, to which the deprecation points, speaks HTTP/2 on a *tls.Conn only, and a visitor is none

const protocolHTTP2 = "h2" // RFC 9113

// http2Server speaks HTTP/2 with visitors, who may prove to be a messenger's.
// It is nearly net/http's own copy: docs/CAMOUFLAGE.md has the differences. With
// strangers net/http speaks itself.
type http2Server struct {
	base http.Server // time-outs, and the end of idle connections
	h2   http2.Server
}

func newHTTP2(site *http.Server) *http2Server {
	s := &http2Server{
		base: http.Server{Handler: site.Handler, ReadTimeout: site.ReadTimeout, WriteTimeout: site.WriteTimeout,
			IdleTimeout: site.IdleTimeout, MaxHeaderBytes: site.MaxHeaderBytes, ErrorLog: site.ErrorLog},
		// With newer schedulers it would send SETTINGS_NO_RFC7540_PRIORITIES, which
		// net/http's copy does not.
		h2: http2.Server{NewWriteScheduler: func() http2.WriteScheduler { return http2.NewPriorityWriteScheduler(nil) }},
	}
	http2.ConfigureServer(&s.base, &s.h2) // fails only for a TLS configuration, and there is none
	return s
}

// serve serves a visitor until it is over, or proven to be a messenger's.
func (s *http2Server) serve(v *visitor) {
	s.h2.ServeConn(v, &http2.ServeConnOpts{BaseConfig: &s.base, Handler: s.base.Handler})
}
