//go:build !linux

package system

// PortHolder is known on Linux only.
func PortHolder(port uint16) (name string, pid int, ok bool) { return "", 0, false }
