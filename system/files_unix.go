//go:build unix

package system

import (
	"fmt"
	"syscall"
)

// RaiseFileLimit raises the soft limit of open files to the hard one and returns
// what holds now, sockets included; with an error, limit is what held before (0
// if even that is unknown).
func RaiseFileLimit() (limit uint64, err error) {
	var now syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &now); err != nil {
		return 0, fmt.Errorf("reading the limit of open files: %w", err)
	}
	if now.Cur == now.Max {
		return uint64(now.Cur), nil
	}
	// Even where Go's runtime has done it at start, setting it here makes it ours:
	// Go gives the old limit back to the programs that it starts.
	raised := syscall.Rlimit{Cur: now.Max, Max: now.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised); err != nil {
		return uint64(now.Cur), fmt.Errorf("raising the limit of open files: %w", err)
	}
	return uint64(raised.Cur), nil
}

// NoCoreDumps keeps the memory of this process, which holds addresses while
// people are connected, out of core files; on Linux also from other processes
// of the same user.
func NoCoreDumps() error {
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return fmt.Errorf("turning core dumps off: %w", err)
	}
	return undumpable()
}
