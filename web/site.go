// Package web holds what a browser sees: the site that strangers meet on the
// TLS ports, and the operator's pages on the admin address.
package web

import (
	"io/fs"
	"net/http"
)

// Site is what strangers see: an empty folder as Go's own file server shows
// it. Many machines answer so, and nothing in it is ours.
func Site() http.Handler { return http.FileServerFS(emptyFolder{}) }

// emptyFolder is a file system with an empty root.
type emptyFolder struct{}

func (emptyFolder) Open(name string) (fs.File, error) {
	if name != "." {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return emptyRoot{}, nil
}

func (emptyFolder) ReadDir(string) ([]fs.DirEntry, error) { return nil, nil }
