//go:build unix

package statefile

import (
	"os"
	"path/filepath"
	"syscall"
)

const noFollow = syscall.O_NOFOLLOW

// shareOwner gives a file that root makes to whom the folder belongs, so that
// a service that runs as another user still reads it. Where that is not
// possible the file stays root's.
func shareOwner(f *os.File) {
	if os.Geteuid() != 0 {
		return
	}
	dir, err := os.Stat(filepath.Dir(f.Name()))
	if err != nil {
		return
	}
	if owner, ok := dir.Sys().(*syscall.Stat_t); ok {
		f.Chown(int(owner.Uid), int(owner.Gid))
	}
}
