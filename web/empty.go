package web

import (
	"io"
	"io/fs"
	"time"
)

// emptyRoot is an open folder with nothing in it.
type emptyRoot struct{}

func (emptyRoot) Stat() (fs.FileInfo, error) { return emptyRootInfo{}, nil }

func (emptyRoot) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: ".", Err: fs.ErrInvalid}
}

func (emptyRoot) Close() error { return nil }

// ReadDir lists nothing, as an empty folder on disk does.
func (emptyRoot) ReadDir(n int) ([]fs.DirEntry, error) {
	if n > 0 {
		return nil, io.EOF
	}
	return nil, nil
}

type emptyRootInfo struct{}

func (emptyRootInfo) Name() string       { return "." }
func (emptyRootInfo) Size() int64        { return 0 }
func (emptyRootInfo) Mode() fs.FileMode  { return fs.ModeDir | 0o755 }
func (emptyRootInfo) ModTime() time.Time { return time.Time{} }
func (emptyRootInfo) IsDir() bool        { return true }
func (emptyRootInfo) Sys() any           { return nil }
