//go:build unix

package statefile

import (
	"os"
	"path/filepath"
	"testing"
)

// The folder's owner may put a link in the lock's place, and root may come to
// lock: what the link leads to must stay as it is.
func TestALockFollowsNoLink(t *testing.T) {
	dir := t.TempDir()
	victim := filepath.Join(dir, "victim")
	if err := os.WriteFile(victim, []byte("mine"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, filepath.Join(dir, "lock")); err != nil {
		t.Fatal(err)
	}
	if unlock, err := Lock(t.Context(), filepath.Join(dir, "lock")); err == nil {
		unlock()
		t.Error("locked what a link leads to")
	}
	if unlock, err := Lock(t.Context(), filepath.Join(dir, "other")); err != nil {
		t.Error(err)
	} else {
		unlock()
	}
}
