package doctor

import "syscall"

// What the system says of a port, and the network of a connection: error codes
// of Windows Sockets, which are not those that syscall names alike.
const (
	errInUse     = syscall.Errno(10048) // WSAEADDRINUSE
	errForbidden = syscall.Errno(10013) // WSAEACCES
	errRefused   = syscall.Errno(10061) // WSAECONNREFUSED
	errReset     = syscall.Errno(10054) // WSAECONNRESET
)
