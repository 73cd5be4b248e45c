package scrub

import (
	"bytes"
	"io"
	"strings"
	"sync"
)

// maxLine is how much of one line is kept, in bytes.
const maxLine = 16 << 10

// LineWriter writes whole lines without addresses; see [Writer].
type LineWriter struct {
	mu      sync.Mutex
	next    io.Writer
	line    []byte // the beginning of a line, without its newline
	cut     bool   // the line was longer than maxLine
	pending []byte // scrubbed lines on their way out
}

// Writer returns a writer that passes every line on to next without addresses,
// for things that want an io.Writer or a log.Logger, such as the ErrorLog of
// an http.Server. A line goes out when its newline comes, in one Write with the
// other lines that came with it, so that an address cut in two by Write is
// found; over 16 KiB its end is dropped. It may be used from several goroutines.
func Writer(next io.Writer) *LineWriter { return &LineWriter{next: next} }

// Write takes all of p; the error is that of the writer behind.
func (w *LineWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	size := len(p)
	for {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			w.keep(p)
			return size, w.flush()
		}
		w.keep(p[:i])
		w.end()
		p = p[i+1:]
		if len(w.pending) > maxLine {
			if err := w.flush(); err != nil {
				return size, err
			}
		}
	}
}

// Close writes the last line even if it has no newline. It does not close the
// writer behind.
func (w *LineWriter) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.line) > 0 || w.cut {
		w.end()
	}
	return w.flush()
}

func (w *LineWriter) keep(p []byte) {
	if room := maxLine - len(w.line); len(p) > room {
		p, w.cut = p[:room], true
	}
	w.line = append(w.line, p...)
}

func (w *LineWriter) end() {
	line := string(w.line)
	if w.cut {
		// The last word may be the beginning of an address.
		line = line[:strings.LastIndexAny(line, " \t")+1] + "…"
	}
	w.pending = append(append(w.pending, String(line)...), '\n')
	w.line, w.cut = w.line[:0], false
}

func (w *LineWriter) flush() error {
	if len(w.pending) == 0 {
		return nil
	}
	_, err := w.next.Write(w.pending)
	w.pending = w.pending[:0]
	return err
}
