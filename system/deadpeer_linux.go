package system

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func queueOf(c syscall.RawConn) queue {
	var info *unix.TCPInfo
	var err error
	controlErr := c.Control(func(fd uintptr) {
		info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
	})
	if controlErr != nil || err != nil {
		return queue{}
	}
	return queue{
		waiting:    info.Unacked > 0 || info.Notsent_bytes > 0,
		unanswered: info.Unacked > 0 || info.Probes > 0,
		lastAnswer: time.Duration(info.Last_ack_recv) * time.Millisecond,
	}
}
