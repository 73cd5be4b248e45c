// Package homepage makes up small, harmless web sites of the kind that people
// keep on a machine of their own, each from a seed.
package homepage

import (
	"crypto/sha256"
	"io/fs"
	"math/rand/v2"
	"testing/fstest"
	"time"
)

// The years that a made-up site was started in, and for how long it was changed.
const (
	firstYear, lastYear = 2013, 2023
	maxKept             = 600 * 24 * time.Hour
)

// kinds are the sites that a seed chooses from.
var kinds = []func(*site){personal, club, recipes, travel, soon, shelf, station}

// New returns the site of a seed: the same files with the same times for the
// same seed, and others for every other seed. The files can be read from any
// goroutine and sought in.
func New(seed []byte) fs.FS {
	s := &site{
		writer: writer{rand.New(rand.NewChaCha8(sha256.Sum256(seed)))},
		files:  fstest.MapFS{},
	}
	s.begun = time.Date(s.between(firstYear, lastYear), time.Month(s.between(1, 12)), s.between(1, 28),
		s.between(6, 22), s.between(0, 59), s.between(0, 59), 0, time.UTC)
	s.look = s.newLook()
	kinds[s.IntN(len(kinds))](s)
	s.files["."] = &fstest.MapFile{Mode: fs.ModeDir | 0o755, ModTime: s.changed()}
	return s.files
}

// site is a site in the making.
type site struct {
	writer
	look
	name  string
	begun time.Time
	files fstest.MapFS
}

// changed returns when a file was written last.
func (s *site) changed() time.Time {
	return s.begun.Add(time.Duration(s.Int64N(int64(maxKept/time.Second))) * time.Second)
}

func (s *site) add(name string, content []byte) {
	s.files[name] = &fstest.MapFile{Data: content, Mode: 0o644, ModTime: s.changed()}
}
