package admission

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func anyID(string) bool { return true }

// filled is a list of two invitations, and a clock to set.
func filled(now *time.Time) *List {
	l := &List{Now: func() time.Time { return *now }}
	l.Admit(addr("203.0.113.5"), "a", 0)
	l.Admit(addr("203.0.113.6"), "b", 0)
	l.Admit(addr("2001:db8:7::1"), "b", 0)
	return l
}

func TestKeptOverARestart(t *testing.T) {
	dir, now := t.TempDir(), time.Date(2026, 11, 5, 13, 14, 15, 0, time.UTC)
	if err := filled(&now).Save(dir); err != nil {
		t.Fatal(err)
	}
	now = now.Add(13 * 24 * time.Hour)
	again := &List{Now: func() time.Time { return now }}
	if err := again.Load(dir, anyID); err != nil {
		t.Fatal(err)
	}
	if !again.Renew(addr("203.0.113.9")) || !again.Renew(addr("2001:db8:7:8::1")) || again.Renew(addr("198.51.100.1")) {
		t.Error("other networks are admitted than before")
	}
	if a, b := again.Networks("a"), again.Networks("b"); a != 1 || b != 2 {
		t.Errorf("got %d and %d networks, want 1 and 2", a, b)
	}

	revoked := &List{Now: func() time.Time { return now }}
	if err := revoked.Load(dir, func(id string) bool { return id == "a" }); err != nil {
		t.Fatal(err)
	}
	if !revoked.Renew(addr("203.0.113.9")) || revoked.Renew(addr("2001:db8:7:8::1")) {
		t.Error("what an unknown invitation admitted counts, or what a known one did does not")
	}

	now = now.Add(3 * 24 * time.Hour)
	late := &List{Now: func() time.Time { return now }}
	if err := late.Load(dir, anyID); err != nil {
		t.Fatal(err)
	}
	if late.Renew(addr("203.0.113.9")) || late.grants != 0 {
		t.Error("what expired came back")
	}
}

func TestWhatIsKeptTellsNoAddressAndNoTime(t *testing.T) {
	dir, now := t.TempDir(), time.Date(2026, 11, 5, 13, 14, 15, 0, time.UTC)
	l := filled(&now)
	if err := l.Save(dir); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, listName))
	if err != nil {
		t.Fatal(err)
	}
	for _, sign := range []string{"203", "2001", "db8", "cb0071", "13:14", "T13"} {
		if bytes.Contains(got, []byte(sign)) {
			t.Errorf("%q stands in %s", sign, got)
		}
	}
	if !bytes.Contains(got, []byte(`"until":"2026-11-20"`)) {
		t.Errorf("no day in %s", got)
	}
	for _, name := range []string{listName, keyName} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
			t.Errorf("%s: mode %v, %v", name, info.Mode(), err)
		}
	}
	if err := Forget(dir); err != nil {
		t.Fatal(err)
	}
	if err := Forget(dir); err != nil {
		t.Errorf("forgetting nothing: %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%d files are left", len(left))
	}
}

func TestBrokenFilesAreKeptAside(t *testing.T) {
	now := time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, file, content string
		bits4               int
		want                string // in the error; "": none
		aside               bool
	}{
		{"cut short", listName, `{"version":1,"netw`, 0, "unexpected EOF", true},
		{"empty", listName, "", 0, "EOF", true},
		{"of a later version", listName, `{"version":2}`, 0, "version 2", true},
		{"a hash twice", listName, strings.Replace(one, "]}]", `]},{"hash":"00000000000000ab","until":"2026-11-20","by":["a"]}]`, 1), 0, "out of order", true},
		{"too big", listName, strings.Repeat(" ", maxBytes+1), 0, "more than", true},
		{"a short key", keyName, "abcd", 0, "64 hex digits", true},
		{"a long key", keyName, strings.Repeat("ab", 40), 0, "more than", true},
		{"for other prefixes", listName, one, 16, "networks /24", false},
		{"whole", listName, one, 0, "", false},
	} {
		dir := t.TempDir()
		if err := filled(&now).Save(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, c.file), []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		l := &List{Bits4: c.bits4, Now: func() time.Time { return now }}
		err := l.Load(dir, anyID)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
		kept, _ := filepath.Glob(filepath.Join(dir, c.file+".broken-*"))
		if got := len(kept) == 1; got != c.aside {
			t.Errorf("%s: set aside is %v", c.name, got)
		}
		if got := l.Admit(addr("203.0.113.5"), "a", 0); got != Added {
			t.Errorf("%s: the list does not work: %v", c.name, got)
		}
		if err := l.Save(dir); err != nil {
			t.Errorf("%s: saving again: %v", c.name, err)
		}
	}
	var l List
	if err := l.Load(t.TempDir(), anyID); err != nil {
		t.Errorf("an empty folder: %v", err)
	}
}

func TestTheLargestListCanBeKept(t *testing.T) {
	dir := t.TempDir()
	var l List
	for i := range MaxNetworks {
		l.Admit(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1}), fmt.Sprint(i%10), 0)
	}
	if err := l.Save(dir); err != nil {
		t.Fatal(err)
	}
	var again List
	if err := again.Load(dir, anyID); err != nil {
		t.Fatal(err)
	}
	if again.grants != MaxNetworks {
		t.Errorf("got %d networks, want %d", again.grants, MaxNetworks)
	}
}

const one = `{"version":1,"ipv4_bits":24,"ipv6_bits":48,"networks":[{"hash":"00000000000000ab","until":"2026-11-18","by":["a","b"]}]}`

func FuzzParse(f *testing.F) {
	now := time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC)
	real, err := json.Marshal(filled(&now).snapshot())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(real)
	for _, s := range []string{one, "", "{}", "null", "[]", one + one, `{"version":1,"networks":null}`,
		`{"version":1,"networks":[{"hash":"AB","until":"","by":null}]}`, `{"version":1,"extra":1}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := parse(data)
		if err != nil {
			return
		}
		l := List{Bits4: all.Bits4, Bits6: all.Bits6, Now: func() time.Time { return now }}
		l.ready()
		l.restore(all, anyID)
		if l.grants > MaxNetworks {
			t.Fatalf("%d networks", l.grants)
		}
		again, err := json.Marshal(l.snapshot())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parse(again); err != nil {
			t.Fatalf("what was read cannot be read again: %v\n%s", err, again)
		}
	})
}
