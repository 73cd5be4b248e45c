// Package statefile reads and writes the small files of the state folder: as a
// whole or not at all, never bigger than expected, by one process at a time.
package statefile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

const (
	fileMode = 0o600
	dirMode  = 0o700
	tryEvery = 20 * time.Millisecond
)

// Read returns a file's content, or an error if it has more than most bytes.
func Read(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(data)) > most {
		err = fmt.Errorf("%s has more than %d bytes", name, most)
	}
	return data, err
}

// Write puts data under name as a whole, for its owner alone, or leaves what
// was there, also when the disk is full or the power fails. It makes the folder.
func Write(name string, data []byte) error {
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "."+filepath.Base(name)+"-*")
	if err != nil {
		return err
	}
	err = fill(f, data)
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
		return err
	}
	syncDir(dir)
	return nil
}

func fill(f *os.File, data []byte) error {
	if err := f.Chmod(fileMode); err != nil {
		return err
	}
	shareOwner(f)
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Sync()
}

// syncDir makes a rename last, where the system and the file system can.
func syncDir(dir string) {
	d, err := os.Open(dir)
	if err != nil {
		return
	}
	d.Sync()
	d.Close()
}

// Aside renames a broken file, so that a new one can take its place, and
// returns the name under which it is kept.
func Aside(name string, now time.Time) (kept string, err error) {
	kept = name + ".broken-" + now.UTC().Format("20060102T150405Z")
	if err := os.Rename(name, kept); err != nil {
		return "", err
	}
	return filepath.Base(kept), nil
}

// Remove removes a file, if it is there.
func Remove(name string) error {
	if err := os.Remove(name); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}

// openLock makes the lock file, or opens the one that is there. It follows no
// link, and changes the owner of nothing that it has not made: the folder may
// belong to a user who would like root to do so.
func openLock(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode)
	if err == nil {
		shareOwner(f)
		return f, nil
	}
	if !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return os.OpenFile(name, os.O_RDWR|noFollow, fileMode)
}

// Lock takes the lock file of that name, or waits for it until ctx ends. It
// ends with the process, so that a crash leaves nothing locked; the file stays.
func Lock(ctx context.Context, name string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(name), dirMode); err != nil {
		return nil, err
	}
	f, err := openLock(name)
	if err != nil {
		return nil, err
	}
	every := time.NewTicker(tryEvery)
	defer every.Stop()
	for {
		locked, err := tryLock(f)
		if err != nil {
			f.Close()
			return nil, &fs.PathError{Op: "lock", Path: name, Err: err}
		}
		if locked {
			return func() { f.Close() }, nil
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			f.Close()
			return nil, fmt.Errorf("waiting for %s, which another program holds: %w", name, ctx.Err())
		}
	}
}
