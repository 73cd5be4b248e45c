package proxy

import (
	"net/http"
	"runtime"
)

// logCrash says where this program is at fault: function names and lines only,
// since a panic's text and arguments may hold what a person sent.
func (s *Server) logCrash() {
	var callers [16]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(3, callers[:])])
	for {
		frame, more := frames.Next()
		s.Log.Error("a connection crashed", "in", frame.Function, "line", frame.Line)
		if !more {
			return
		}
	}
}

// logged keeps the panics of a web site's handler out of net/http's own log,
// which would print their text and arguments.
func (s *Server) logged(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			fault := recover()
			if fault == nil {
				return
			}
			if fault != http.ErrAbortHandler {
				s.logCrash()
			}
			panic(http.ErrAbortHandler) // net/http closes the connection and says nothing
		}()
		handler.ServeHTTP(w, r)
	})
}
