//go:build unix

package system

import (
	"os"
	"syscall"
)

// StackSignals are those at which the runtime prints the stacks of all
// goroutines, whatever GOTRACEBACK says, unless they are asked for.
func StackSignals() []os.Signal {
	return []os.Signal{syscall.SIGQUIT, syscall.SIGABRT, syscall.SIGSEGV, syscall.SIGBUS, syscall.SIGFPE, syscall.SIGILL, syscall.SIGTRAP, syscall.SIGSYS}
}

// QuietCrashes makes a panic of this program print no stacks, whose arguments
// may hold an address. The runtime reads GOTRACEBACK only as it starts, so the
// program starts itself again, in the same process, unless the variable is set
// already. It returns only if there is nothing to do or if that fails. The
// runtime's own fatal errors, such as out of memory, print stacks all the same.
func QuietCrashes() error {
	if os.Getenv(traceback) != "" {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.Setenv(traceback, "none"); err != nil {
		return err
	}
	return syscall.Exec(self, os.Args, os.Environ())
}

const traceback = "GOTRACEBACK"
