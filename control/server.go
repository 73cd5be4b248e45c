package control

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"causeway/invite"
	"causeway/scrub"
)

const (
	maxRequest = 16 << 10 // bytes
	maxAnswer  = 4 << 20  // bytes; 1,000 invitations take about 400 KiB

	requestTime = 5 * time.Second  // to send one
	answerTime  = 15 * time.Second // to work on it and to read the answer
)

// Kinds of errors, as they are on the wire.
const (
	kindUnknown = "unknown"
	kindInvalid = "invalid"
)

// named is a request about one invitation.
type named struct {
	Name string `json:"name"` // id or label
}

// failure is the answer to what could not be done.
type failure struct {
	Error string `json:"error"`
	Kind  string `json:"kind,omitempty"`
}

// Server returns the web server for the socket. The caller serves and closes it.
func (d *Desk) Server(log *slog.Logger) *http.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /status", answer(func(ctx context.Context, _ struct{}) (Status, error) { return d.Status(ctx) }))
	mux.HandleFunc("POST /list", answer(func(ctx context.Context, _ struct{}) ([]Entry, error) { return d.List(ctx) }))
	mux.HandleFunc("POST /new", answer(d.New))
	mux.HandleFunc("POST /find", answer(func(ctx context.Context, n named) (Entry, error) { return d.Find(ctx, n.Name) }))
	mux.HandleFunc("POST /revoke", answer(func(ctx context.Context, n named) (Entry, error) { return d.Revoke(ctx, n.Name) }))
	return &http.Server{
		Handler:        mux,
		ErrorLog:       slog.NewLogLogger(scrub.Handler(log.Handler()), slog.LevelDebug),
		ReadTimeout:    requestTime,
		WriteTimeout:   answerTime,
		IdleTimeout:    requestTime,
		MaxHeaderBytes: maxRequest,
	}
}

// answer makes a handler of a function from one JSON object to another.
func answer[Q, A any](do func(context.Context, Q) (A, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		read := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest))
		read.DisallowUnknownFields()
		var question Q
		if err := read.Decode(&question); err != nil {
			fail(w, http.StatusBadRequest, failure{Error: "the running causeway serve does not understand this command; restart it with the same version"})
			return
		}
		found, err := do(r.Context(), question)
		switch {
		case errors.Is(err, invite.ErrUnknown):
			fail(w, http.StatusNotFound, failure{err.Error(), kindUnknown})
		case errors.Is(err, invite.ErrInvalid):
			fail(w, http.StatusUnprocessableEntity, failure{err.Error(), kindInvalid})
		case err != nil:
			fail(w, http.StatusInternalServerError, failure{Error: err.Error()})
		default:
			json.NewEncoder(w).Encode(found)
		}
	}
}

func fail(w http.ResponseWriter, code int, why failure) {
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(why)
}
