package system

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// undumpable covers what RLIMIT_CORE does not: core_pattern handlers that are
// pipes, and ptrace.
func undumpable() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("closing this process to other programs: %w", err)
	}
	return nil
}
