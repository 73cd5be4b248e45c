package system

// maxHandles is Windows' limit of handles in one process; nothing lower is set
// per user.
const maxHandles = 1 << 24

// RaiseFileLimit returns how many handles a process may have; there is nothing
// to raise.
func RaiseFileLimit() (limit uint64, err error) { return maxHandles, nil }

// NoCoreDumps does nothing: Go turns Windows' error reports off by itself.
func NoCoreDumps() error { return nil }
