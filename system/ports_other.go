//go:build !linux

package system

import "runtime"

// PortHolder is known on Linux only.
func PortHolder(port uint16) (name string, pid int, ok bool) { return "", 0, false }

// UnprivilegedPortStart returns the lowest TCP port that needs no privilege.
func UnprivilegedPortStart() int {
	switch runtime.GOOS {
	case "windows", "darwin", "ios": // macOS since 10.14, when listening on all addresses
		return 0
	}
	return 1024
}
