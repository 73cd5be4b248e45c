//go:build !windows

package doctor

import "syscall"

// What the system says of a port, and the network of a connection.
const (
	errInUse     = syscall.EADDRINUSE
	errForbidden = syscall.EACCES
	errRefused   = syscall.ECONNREFUSED
	errReset     = syscall.ECONNRESET
)
