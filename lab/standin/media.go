package standin

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync/atomic"
	"time"

	"causeway/lab/record"
)

const (
	maxBlob  = 16 << 20 // bytes of one encrypted file
	maxBlobs = 64
)

// blobPath is where downloads live; the real service uses such a path too.
const blobPath = "/v/t62.7118-24/"

// mediaListener puts what arrives, before any TLS, on the tape.
type mediaListener struct {
	net.Listener
	service *Service
	count   atomic.Int64
}

// Accept returns a connection whose bytes are recorded.
func (l *mediaListener) Accept() (net.Conn, error) {
	conn, err := accept(l.Listener)
	if err != nil {
		return nil, err
	}
	stream := fmt.Sprintf("media %s #%d", l.Addr(), l.count.Add(1))
	return &firstByteConn{
		Conn:    &record.Conn{Conn: conn, Tape: l.service.Tape, In: stream + " as it came", Out: stream + " as it went"},
		service: l.service,
	}, nil
}

// firstByteConn notes media connections that do not begin with TLS: whoever
// sent a PROXY header to the media servers would break them.
type firstByteConn struct {
	net.Conn
	service *Service
	began   bool
}

// Read reads, and looks at the very first byte.
func (c *firstByteConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 && !c.began {
		c.began = true
		const handshakeRecord = 0x16 // RFC 8446 section 5.1
		if p[0] != handshakeRecord {
			c.service.saw(Seen{Route: "media", Problem: fmt.Sprintf("first byte %#02x is not TLS", p[0])})
		}
	}
	return n, err
}

func (s *Service) newMediaServer() *http.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /mms/{kind}/{token}", s.upload)
	mux.HandleFunc("GET "+blobPath+"{token}", s.download)
	return &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.handlers.RLock()
			defer s.handlers.RUnlock()
			mux.ServeHTTP(w, r)
		}),
		ReadHeaderTimeout: handshakeTimeout,
		ReadTimeout:       time.Minute,
		WriteTimeout:      time.Minute,
		IdleTimeout:       time.Minute,
		ErrorLog:          log.New(io.Discard, "", 0),
	}
}

// upload stores an encrypted file and says where it is.
func (s *Service) upload(w http.ResponseWriter, r *http.Request) {
	s.tapeRequest(r)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBlob))
	if err != nil {
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		return
	}
	s.Tape.Add("media uploads after the service's decryption", body)
	token := strings.TrimRight(r.PathValue("token"), "=")
	if !s.keep(token, body) {
		http.Error(w, "full", http.StatusInsufficientStorage)
		return
	}
	path := blobPath + token + "?ccb=11-4&oe=0"
	w.Header().Set("Content-Type", "application/json")
	answer := map[string]string{
		"url":         "https://" + mediaHosts[len(mediaHosts)-1] + path,
		"direct_path": path,
	}
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		return
	}
}

// download serves an encrypted file.
func (s *Service) download(w http.ResponseWriter, r *http.Request) {
	s.tapeRequest(r)
	s.mu.Lock()
	blob, ok := s.blobs[r.PathValue("token")]
	s.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	s.Tape.Add("media downloads before the service's encryption", blob)
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Write(blob)
}

func (s *Service) keep(token string, blob []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.blobs) >= maxBlobs {
		return false
	}
	s.blobs[token] = blob
	return true
}

func (s *Service) tapeRequest(r *http.Request) {
	head, err := httputil.DumpRequest(r, false)
	if err != nil {
		return
	}
	s.Tape.Add("media requests after the service's decryption", head)
}
