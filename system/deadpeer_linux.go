package system

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// tcpInfo is nil for a connection that this process has closed.
func tcpInfo(c syscall.RawConn) *unix.TCPInfo {
	var info *unix.TCPInfo
	var err error
	controlErr := c.Control(func(fd uintptr) {
		info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
	})
	if controlErr != nil || err != nil {
		return nil
	}
	return info
}

const stateClosed = 7 // TCP_CLOSE

func wasReset(c syscall.RawConn) bool {
	info := tcpInfo(c)
	return info == nil || info.State == stateClosed
}

func queueOf(c syscall.RawConn) queue {
	info := tcpInfo(c)
	if info == nil {
		return queue{}
	}
	return queue{
		waiting:    info.Unacked > 0 || info.Notsent_bytes > 0,
		unanswered: info.Unacked > 0 || info.Probes > 0,
		lastAnswer: time.Duration(info.Last_ack_recv) * time.Millisecond,
	}
}
