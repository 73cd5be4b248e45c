//go:build !unix

package system

import (
	"os"
	"runtime/debug"
)

// StackSignals are those at which the runtime prints the stacks of all
// goroutines: none that this system could send.
func StackSignals() []os.Signal { return nil }

// QuietCrashes makes a crash of this program print as little as can be had
// without starting again.
func QuietCrashes() error {
	debug.SetTraceback("none")
	return nil
}
