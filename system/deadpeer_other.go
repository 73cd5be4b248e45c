//go:build !linux

package system

import "syscall"

func queueOf(syscall.RawConn) queue { return queue{} }

func wasReset(syscall.RawConn) bool { return false }
