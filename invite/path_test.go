package invite

import (
	"net/url"
	"strings"
	"testing"
)

func TestPaths(t *testing.T) {
	seen, starts := map[string]bool{}, map[string]bool{}
	for range 2000 {
		path := newPath()
		if seen[path] {
			t.Fatalf("%q twice", path)
		}
		seen[path] = true
		if !isPath(path) || url.PathEscape(strings.ReplaceAll(path, "/", "")) != strings.ReplaceAll(path, "/", "") || len(path) > 46 {
			t.Errorf("%q is not plain, or long", path)
		}
		starts[path[:1]] = true
		longest := 0
		for _, part := range strings.FieldsFunc(path, func(r rune) bool { return strings.ContainsRune("/-.", r) }) {
			longest = max(longest, len(part))
		}
		if longest < pathLetters {
			t.Errorf("%q has no secret of %d letters", path, pathLetters)
		}
	}
	if len(starts) < 20 {
		t.Errorf("2,000 paths begin with %d characters, want more", len(starts))
	}
	if len(letters) != 32 {
		t.Errorf("%d letters, want 32: 5 bits each", len(letters))
	}
}

func TestIDs(t *testing.T) {
	taken := map[string]bool{}
	for range 2000 {
		id := newID(func(id string) bool { return taken[id] })
		if len(id) != idLetters || taken[id] || strings.Trim(id, "0123456789") == "" {
			t.Fatalf("got %q", id)
		}
		taken[id] = true
	}
}
