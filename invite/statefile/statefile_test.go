package statefile

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestWriteReplacesAsAWhole(t *testing.T) {
	name := filepath.Join(t.TempDir(), "new", "file")
	for _, content := range []string{"first", "second and longer", ""} {
		if err := Write(name, []byte(content)); err != nil {
			t.Fatal(err)
		}
		got, err := Read(name, 100)
		if err != nil || string(got) != content {
			t.Errorf("got %q, %v, want %q", got, err, content)
		}
	}
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 && runtime.GOOS != "windows" {
		t.Errorf("got mode %o, want 600", got)
	}
	if left, _ := os.ReadDir(filepath.Dir(name)); len(left) != 1 {
		t.Errorf("%d files are there, want 1", len(left))
	}
}

func TestAFailedWriteLeavesWhatWasThere(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "file")
	if err := os.MkdirAll(filepath.Join(name, "a folder in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Write(name, []byte("new")); err == nil {
		t.Error("a folder was replaced by a file")
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("%d files are there, want 1", len(left))
	}
}

func TestReadIsBounded(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	if err := Write(name, []byte("12345")); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(name, 5); err != nil {
		t.Error(err)
	}
	if _, err := Read(name, 4); err == nil {
		t.Error("5 bytes were read where 4 are allowed")
	}
}

func TestAFileAsideKeepsItsContent(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	if err := Write(name, []byte("broken")); err != nil {
		t.Fatal(err)
	}
	kept, err := Aside(name, time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC))
	if err != nil || kept != "file.broken-20261105T120000Z" {
		t.Fatalf("got %q, %v", kept, err)
	}
	got, err := Read(filepath.Join(filepath.Dir(name), kept), 100)
	if err != nil || string(got) != "broken" {
		t.Errorf("got %q, %v", got, err)
	}
	if err := Remove(name); err != nil {
		t.Errorf("removing what is not there: %v", err)
	}
}

func TestOneHoldsTheLock(t *testing.T) {
	name := filepath.Join(t.TempDir(), "new", ".lock")
	var inside atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			unlock, err := Lock(t.Context(), name)
			if err != nil {
				t.Error(err)
				return
			}
			if n := inside.Add(1); n != 1 {
				t.Errorf("%d hold the lock", n)
			}
			inside.Add(-1)
			unlock()
		})
	}
	all.Wait()

	unlock, err := Lock(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Lock(ctx, name); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want to have waited in vain", err)
	}
}
