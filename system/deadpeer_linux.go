package system

import (
	"syscall"

	"golang.org/x/sys/unix"
)

func userTimeout(c syscall.RawConn) error {
	var setting error
	err := c.Control(func(fd uintptr) {
		setting = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(UserTimeout.Milliseconds()))
	})
	if err != nil {
		return err
	}
	return setting
}
