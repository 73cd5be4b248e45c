//go:build !windows

package system

import "syscall"

// What the system says of a port, and the network of a connection.
const (
	ErrInUse     = syscall.EADDRINUSE
	ErrForbidden = syscall.EACCES
	ErrNotOurs   = syscall.EADDRNOTAVAIL
	ErrRefused   = syscall.ECONNREFUSED
	ErrReset     = syscall.ECONNRESET
)
