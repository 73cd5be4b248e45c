package system

import (
	"errors"
	"fmt"
	"net"
	"time"
)

// A peer that vanished without a word is found within 30 s, which keeps the
// project's goal of 35 s: in silence by three keepalive probes from the 15th
// second on, with bytes on their way by the time-out for their acknowledgement.
const (
	KeepAliveIdle     = 15 * time.Second
	KeepAliveInterval = 5 * time.Second
	KeepAliveCount    = 3
	UserTimeout       = 30 * time.Second // TCP_USER_TIMEOUT, RFC 5482
)

func keepAlive() net.KeepAliveConfig {
	return net.KeepAliveConfig{Enable: true, Idle: KeepAliveIdle, Interval: KeepAliveInterval, Count: KeepAliveCount}
}

// DeadPeer makes c fail once its peer has been gone for about 30 s. Only Linux
// has the part for bytes on their way, and only outside Multipath TCP, where it
// is an error; without it they wait for the system's own time-out, which may be
// minutes. An error leaves c usable.
func DeadPeer(c *net.TCPConn) error {
	err := c.SetKeepAliveConfig(keepAlive())
	raw, rawErr := c.SyscallConn()
	if rawErr != nil {
		return errors.Join(err, rawErr)
	}
	if err := errors.Join(err, userTimeout(raw)); err != nil {
		return fmt.Errorf("setting time-outs of a connection: %w", err)
	}
	return nil
}
