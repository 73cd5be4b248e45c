package certificate

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
)

func TestSelfSignedClosesAnOpenKey(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no such modes")
	}
	dir := t.TempDir()
	mustSelfSigned(t, dir, "", start)
	if err := os.Chmod(filepath.Join(dir, keyName), 0o644); err != nil {
		t.Fatal(err)
	}
	_, warning, err := makeFor(dir, "", start)
	if warning == nil || err != nil {
		t.Errorf("got warning %v, error %v, want a warning", warning, err)
	}
	if info, _ := os.Stat(filepath.Join(dir, keyName)); info.Mode().Perm() != 0o600 {
		t.Errorf("mode: got %v, want 0600", info.Mode().Perm())
	}
}

func TestSelfSignedWithoutAUsableFolder(t *testing.T) {
	parent := t.TempDir()
	file := filepath.Join(parent, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	unreadable := filepath.Join(parent, "unreadable")
	if err := os.MkdirAll(filepath.Join(unreadable, keyName), 0o700); err != nil { // a folder for a key
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "below"), unreadable} {
		cert, warning, err := makeFor(dir, "", start)
		if cert == nil || warning == nil || err != nil {
			t.Errorf("%s: got %v, warning %v, error %v, want a certificate and a warning", filepath.Base(dir), cert, warning, err)
		}
	}
	if got, want := names(t, unreadable), []string{keyName}; !slices.Equal(got, want) {
		t.Errorf("files: got %q, want %q", got, want)
	}
}

func TestWriteFileLeavesTheOldOne(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "folder")
	if err := os.MkdirAll(filepath.Join(name, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(name, []byte("x"), 0o600); err == nil {
		t.Error("got no error for a name that cannot be replaced")
	}
	if got, want := names(t, dir), []string{"folder"}; !slices.Equal(got, want) {
		t.Errorf("files: got %q, want %q", got, want)
	}
}

func TestSelfSignedInAReadOnlyFolder(t *testing.T) {
	if os.Geteuid() == 0 || runtime.GOOS == "windows" {
		t.Skip("modes do not bind here")
	}
	for _, c := range []struct{ name, broken string }{{"empty", ""}, {"with a broken certificate", certName}, {"with a broken key", keyName}} {
		dir := t.TempDir()
		if c.broken != "" {
			mustSelfSigned(t, dir, "", start)
			if err := os.WriteFile(filepath.Join(dir, c.broken), []byte("garbage"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		before := names(t, dir)
		if err := os.Chmod(dir, 0o500); err != nil {
			t.Fatal(err)
		}
		cert, warning, err := makeFor(dir, "", start)
		if cert == nil || warning == nil || err != nil {
			t.Errorf("%s: got %v, warning %v, error %v, want a certificate and a warning", c.name, cert, warning, err)
		}
		if got := names(t, dir); !slices.Equal(got, before) {
			t.Errorf("%s: files: got %q, want %q", c.name, got, before)
		}
		if err := os.Chmod(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
}
