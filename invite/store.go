package invite

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"causeway/invite/statefile"
)

const (
	bookName    = "invitations.json"
	lockName    = ".invitations.lock"
	bookVersion = 1
	maxBook     = 1 << 20 // bytes; 1,000 invitations take about 300 KiB
)

// errNewer says that a file must not be touched by this version.
var errNewer = errors.New(bookName + " was written by a newer causeway, or by hand: it has what this one does not know")

// stored is the book as it is in its file.
type stored struct {
	Version     int          `json:"version"`
	Invitations []Invitation `json:"invitations"`
}

// Load reads the invitations that are kept. A broken file is set aside, which
// the warning says: the book is empty then, or what it was if it had been read
// before. One of a newer version is left alone and is an error.
func (b *Book) Load() (warning, err error) {
	b.writing.Lock()
	defer b.writing.Unlock()
	all, err := b.read()
	var broken *brokenError
	if errors.As(err, &broken) {
		warning, err = b.aside()
	}
	if err != nil {
		return nil, fmt.Errorf("reading the invitations: %w", err)
	}
	if warning != nil && b.loaded() {
		if err := b.write(b.List()); err != nil {
			return nil, fmt.Errorf("writing the invitations again: %w", err)
		}
		return warning, nil
	}
	b.adopt(all)
	return warning, nil
}

func (b *Book) loaded() bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.key != nil
}

// aside takes a broken file out of the way, unless another process just has.
func (b *Book) aside() (warning, err error) {
	unlock, err := b.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	_, err = b.read()
	var broken *brokenError
	if !errors.As(err, &broken) {
		return nil, err
	}
	kept, err := statefile.Aside(filepath.Join(b.Dir, bookName), b.now())
	if err != nil {
		return nil, fmt.Errorf("%s is broken (%w) and could not be set aside: %w", bookName, broken, err)
	}
	return fmt.Errorf("%s is broken (%w): kept as %s, and its invitations are lost unless they were in use", bookName, broken, kept), nil
}

// read returns nothing for a file that is not there.
func (b *Book) read() ([]Invitation, error) {
	data, err := statefile.Read(filepath.Join(b.Dir, bookName), maxBook)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return parseBook(data)
}

func (b *Book) write(all []Invitation) error {
	data, err := json.MarshalIndent(stored{bookVersion, all}, "", "  ")
	if err != nil {
		return err
	}
	return statefile.Write(filepath.Join(b.Dir, bookName), append(data, '\n'))
}

// brokenError says what is wrong with a file that is no book.
type brokenError struct{ error }

func (e *brokenError) Unwrap() error { return e.error }

// parseBook refuses fields that it does not know: writing the file back would
// lose them.
func parseBook(data []byte) ([]Invitation, error) {
	var version struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return nil, &brokenError{err}
	}
	if version.Version > bookVersion {
		return nil, errNewer
	}
	var book stored
	if err := json.Unmarshal(data, &book); err != nil {
		return nil, &brokenError{err}
	}
	strict := json.NewDecoder(bytes.NewReader(data))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&stored{}); err != nil && err != io.EOF {
		return nil, errNewer
	}
	if version.Version != bookVersion || len(book.Invitations) > MaxInvitations {
		return nil, &brokenError{fmt.Errorf("version %d with %d invitations: want version %d with at most %d",
			version.Version, len(book.Invitations), bookVersion, MaxInvitations)}
	}
	taken := map[string]bool{}
	for i, one := range book.Invitations {
		if err := one.check(taken); err != nil {
			return nil, &brokenError{fmt.Errorf("invitation %d: %w", i+1, err)}
		}
		taken[one.ID], taken["/"+one.Path] = true, one.Path != ""
	}
	return book.Invitations, nil
}

// check holds an invitation from the file to what New makes.
func (i Invitation) check(taken map[string]bool) error {
	draft := Draft{Label: i.Label, People: i.People}
	switch {
	case len(i.ID) == 0 || len(i.ID) > 16 || taken[i.ID]:
		return errors.New("its id is not of 1 to 16 bytes, or used twice")
	case (i.Path == "") != i.Revoked:
		return errors.New("it is revoked and has a path, or neither")
	case i.Path != "" && (len(i.Path) < pathLetters || len(i.Path) > maxPath || taken["/"+i.Path] || !isPath(i.Path)):
		return fmt.Errorf("its path is not of %d to %d plain characters, or used twice", pathLetters, maxPath)
	case i.Opened < 0:
		return errors.New("it was opened less than never")
	}
	return draft.check()
}

// isPath holds a path to what needs no escape in a link and what Open finds.
func isPath(s string) bool {
	for i, c := range []byte(s) {
		edge := i == 0 || i == len(s)-1
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' && (c != '/' || edge) {
			return false
		}
	}
	return true
}
