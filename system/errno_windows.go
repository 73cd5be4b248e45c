package system

import "syscall"

// What the system says of a port, and the network of a connection: error codes
// of Windows Sockets, which are not those that syscall names alike.
const (
	ErrInUse     = syscall.Errno(10048) // WSAEADDRINUSE
	ErrForbidden = syscall.Errno(10013) // WSAEACCES
	ErrNotOurs   = syscall.Errno(10049) // WSAEADDRNOTAVAIL
	ErrRefused   = syscall.Errno(10061) // WSAECONNREFUSED
	ErrReset     = syscall.Errno(10054) // WSAECONNRESET
)
