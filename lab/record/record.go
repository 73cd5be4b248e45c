// Package record keeps every byte that somebody saw, so that a proof can
// search it for words that nobody on the way should have been able to read.
package record

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"io"
	"slices"
	"sync"
	"unicode/utf16"
)

// MaxBytes bounds one tape. A tape that is full proves nothing any more, and
// Find says so.
const MaxBytes = 64 << 20

// minNeedle is the shortest thing worth searching for, in bytes: anything
// shorter turns up in random bytes by chance.
const minNeedle = 8

// Tape is a set of named streams of bytes in the order they were seen. The zero
// value is ready; a nil Tape records nothing. It is safe for concurrent use.
type Tape struct {
	mu      sync.Mutex
	streams map[string][]byte
	size    int
	full    bool
}

// Add appends seen to the stream called name.
func (t *Tape) Add(name string, seen []byte) {
	if t == nil || len(seen) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.size+len(seen) > MaxBytes {
		t.full = true
		return
	}
	if t.streams == nil {
		t.streams = make(map[string][]byte)
	}
	t.streams[name] = append(t.streams[name], seen...)
	t.size += len(seen)
}

// Stream returns a writer that appends to the stream called name.
func (t *Tape) Stream(name string) io.Writer { return stream{t, name} }

type stream struct {
	tape *Tape
	name string
}

func (s stream) Write(seen []byte) (int, error) {
	s.tape.Add(s.name, seen)
	return len(seen), nil
}

// Size returns the number of bytes recorded.
func (t *Tape) Size() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.size
}

// Names returns the names of the streams, sorted.
func (t *Tape) Names() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	names := make([]string, 0, len(t.streams))
	for name := range t.streams {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Answer is the outcome of a search.
type Answer struct {
	Bytes int      `json:"bytes"` // how much was searched
	Hits  []string `json:"hits"`  // "stream: how it was written", sorted
	Full  bool     `json:"full"`  // the tape overflowed: no hit proves nothing
}

// Clean reports whether the search covers everything and found nothing.
func (a Answer) Clean() bool { return !a.Full && a.Bytes > 0 && len(a.Hits) == 0 }

// FindText looks for text as it is, in UTF-16 of both byte orders, in hex of
// both cases and in base64 of both alphabets at every alignment.
func (t *Tape) FindText(text string) Answer {
	return t.find(spellings(text))
}

// FindPieces looks for every piece of blockSize bytes of data, as it is.
func (t *Tape) FindPieces(data []byte, blockSize int) Answer {
	var needles []needle
	for piece := range slices.Chunk(data, blockSize) {
		if len(piece) == blockSize {
			needles = append(needles, needle{"a piece of it", piece})
		}
	}
	return t.find(needles)
}

func (t *Tape) find(needles []needle) Answer {
	t.mu.Lock()
	defer t.mu.Unlock()
	answer := Answer{Bytes: t.size, Full: t.full, Hits: []string{}}
	for name, seen := range t.streams {
		for _, n := range needles {
			if len(n.bytes) >= minNeedle && bytes.Contains(seen, n.bytes) {
				answer.Hits = append(answer.Hits, name+": "+n.how)
			}
		}
	}
	slices.Sort(answer.Hits)
	answer.Hits = slices.Compact(answer.Hits)
	return answer
}

// needle is one way of writing what is looked for.
type needle struct {
	how   string
	bytes []byte
}

func spellings(text string) []needle {
	plain := []byte(text)
	lower := []byte(hex.EncodeToString(plain))
	needles := []needle{
		{"in the clear", plain},
		{"in hex", lower},
		{"in hex", bytes.ToUpper(lower)},
	}
	var little, big []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		little = append(little, byte(unit), byte(unit>>8))
		big = append(big, byte(unit>>8), byte(unit))
	}
	needles = append(needles, needle{"in UTF-16", little}, needle{"in UTF-16", big})
	for shift := range 3 {
		for _, alphabet := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			needles = append(needles, needle{"in base64", base64Core(alphabet, plain, shift)})
		}
	}
	return needles
}

// base64Core returns the characters that plain always has in base64 when shift
// bytes come before it: those that share no bits with its neighbours.
func base64Core(alphabet *base64.Encoding, plain []byte, shift int) []byte {
	shifted := append(make([]byte, shift), plain...)
	text := []byte(alphabet.EncodeToString(shifted))
	first := []int{0, 2, 3}[shift]
	last := len(shifted) * 8 / 6
	if first > last {
		return nil
	}
	return text[first:last]
}
