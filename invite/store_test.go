package invite

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const whole = `{"version":1,"invitations":[{"id":"k7m2","path":"notes/0123456789abcdefghjkmnpqrs","label":"x","people":3,"created":"2026-11-05T12:00:00Z","opened":8}]}`

func TestBooksOnDisk(t *testing.T) {
	for _, c := range []struct {
		name, content string
		want          string // in the warning, or in the error
		aside, known  bool
	}{
		{"whole", whole, "", false, true},
		{"empty book", `{"version":1,"invitations":[]}`, "", false, false},
		{"cut short", whole[:60], "unexpected end", true, false},
		{"empty file", "", "unexpected end", true, false},
		{"no JSON", "hello", "invalid character", true, false},
		{"another object behind", whole + "{}", "after top-level", true, false},
		{"no version", `{"invitations":[]}`, "version 0", true, false},
		{"an id twice", strings.Replace(whole, "}]", `},{"id":"k7m2","path":"notes/1123456789abcdefghjkmnpqrs","created":"2026-11-05T12:00:00Z"}]`, 1), "used twice", true, false},
		{"a path twice", strings.Replace(whole, "}]", `},{"id":"k7m3","path":"notes/0123456789abcdefghjkmnpqrs","created":"2026-11-05T12:00:00Z"}]`, 1), "used twice", true, false},
		{"a path that one guesses", strings.Replace(whole, "notes/0123456789abcdefghjkmnpqrs", "notes", 1), "plain characters", true, false},
		{"a path with markup", strings.Replace(whole, "notes/", "notes?", 1), "plain characters", true, false},
		{"a path in upper case", strings.Replace(whole, "notes", "Notes", 1), "plain characters", true, false},
		{"revoked, with its path", strings.Replace(whole, `"people":3`, `"revoked":true`, 1), "revoked", true, false},
		{"not revoked, without a path", strings.Replace(whole, "notes/0123456789abcdefghjkmnpqrs", "", 1), "revoked", true, false},
		{"fewer people than none", strings.Replace(whole, ":3", ":-3", 1), "-3 people", true, false},
		{"opened less than never", strings.Replace(whole, ":8", ":-8", 1), "never", true, false},
		{"a newer version", strings.Replace(whole, ":1", ":2", 1), "newer causeway", false, false},
		{"a field more", strings.Replace(whole, `"people"`, `"folk"`, 1), "newer causeway", false, false},
		{"too big", strings.Repeat(" ", maxBook+1), "more than", false, false},
	} {
		dir := t.TempDir()
		name := filepath.Join(dir, bookName)
		if err := os.WriteFile(name, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		b := &Book{Dir: dir, Now: func() time.Time { return noon }}
		warning, err := b.Load()
		told := err
		if c.aside {
			told = warning
		}
		if (told == nil) != (c.want == "") || told != nil && !strings.Contains(told.Error(), c.want) {
			t.Errorf("%s: got warning %v, error %v, want %q", c.name, warning, err, c.want)
		}
		kept, readErr := os.ReadFile(name + ".broken-20261105T123456Z")
		if aside := readErr == nil && string(kept) == c.content; aside != c.aside {
			t.Errorf("%s: kept aside is %v", c.name, aside)
		}
		if got, _ := os.ReadFile(name); !c.aside && string(got) != c.content {
			t.Errorf("%s: the file was touched", c.name)
		}
		if known := len(b.List()) == 1; known != c.known {
			t.Errorf("%s: got %d invitations", c.name, len(b.List()))
		}
		_, err = b.New(Draft{})
		if cannot := c.want != "" && !c.aside; (err != nil) != cannot {
			t.Errorf("%s: then making one: got %v", c.name, err)
		}
	}
}

func TestTheBookIsItsOwnersAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	made(t, loaded(t, dir), Draft{})
	for _, name := range []string{bookName, lockName, "."} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
			t.Errorf("%s: got mode %v, %v", name, info.Mode(), err)
		}
	}
}

func FuzzParseBook(f *testing.F) {
	f.Add([]byte(whole))
	real, err := json.Marshal(stored{1, []Invitation{Draft{Label: "a", For: time.Hour}.invitation("a1b2", noon)}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(real)
	for _, s := range []string{"", "{}", "null", "[]", `{"version":1}`, `{"version":2}`, `{"Version":1,"INVITATIONS":[{"ID":"x","revoked":true}]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := parseBook(data)
		if err != nil {
			return
		}
		b := &Book{Dir: t.TempDir()}
		b.adopt(all)
		if err := b.write(b.List()); err != nil {
			return // a time that JSON cannot write
		}
		again, err := b.read()
		if err != nil || len(again) != len(all) {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
		for _, one := range again {
			if _, open := b.Open(one.Path); open != one.Open(b.now()) {
				t.Fatalf("%+v: opens is %v", one, open)
			}
		}
	})
}

func TestABrokenFileIsNoReasonToForgetWhatIsInUse(t *testing.T) {
	b := &Book{Dir: t.TempDir()}
	if _, err := b.Load(); err != nil {
		t.Fatal(err)
	}
	made, err := b.New(Draft{Label: "family"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.Dir, bookName), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if warning, err := b.Load(); warning == nil || err != nil {
		t.Fatalf("got warning %v, error %v", warning, err)
	}
	if _, open := b.Open(made.Path); !open {
		t.Error("the invitation in use is forgotten")
	}
	again := &Book{Dir: b.Dir}
	if warning, err := again.Load(); warning != nil || err != nil {
		t.Fatalf("the file was not mended: %v, %v", warning, err)
	}
	if _, err := again.Find("family"); err != nil {
		t.Error(err)
	}
}
