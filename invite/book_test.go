package invite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 5, 12, 34, 56, 0, time.UTC)

// loaded is a book in dir at noon.
func loaded(t *testing.T, dir string) *Book {
	t.Helper()
	b := &Book{Dir: dir, Now: func() time.Time { return noon }}
	if warning, err := b.Load(); warning != nil || err != nil {
		t.Fatal(warning, err)
	}
	return b
}

func made(t *testing.T, b *Book, d Draft) Invitation {
	t.Helper()
	one, err := b.New(d)
	if err != nil {
		t.Fatal(err)
	}
	return one
}

func TestAnInvitationsLife(t *testing.T) {
	dir := t.TempDir()
	b := loaded(t, dir)
	one := made(t, b, Draft{Label: "خانواده", People: 5, For: 48 * time.Hour})
	if want := noon.Truncate(time.Hour); !one.Created.Equal(want) {
		t.Errorf("created %v, want the hour %v", one.Created, want)
	}
	if want := noon.Truncate(time.Hour).Add(49 * time.Hour); !one.Expires.Equal(want) {
		t.Errorf("expires %v, want %v", one.Expires, want)
	}
	if got := one.MostNetworks(); got != 40 {
		t.Errorf("got room for %d networks, want 40", got)
	}
	for _, path := range []string{one.Path, "/" + one.Path, "/" + one.Path + "/", "/" + strings.ToUpper(one.Path)} {
		if got, ok := b.Open(path); !ok || got != one {
			t.Errorf("%q: got %v, %v", path, got, ok)
		}
	}
	for _, path := range []string{"", "/", one.Path + "x", one.Path[1:], one.ID, one.Label, strings.Repeat("a", 5000)} {
		if _, ok := b.Open(path); ok {
			t.Errorf("%q opens it", path)
		}
	}

	// Another process sees it, and revokes it; this one learns with its next change.
	other := loaded(t, dir)
	if got, err := other.Find(strings.ToUpper(one.ID)); err != nil || got != one {
		t.Errorf("got %v, %v", got, err)
	}
	revoked, err := other.Revoke("خانواده")
	if err != nil || !revoked.Revoked || revoked.Path != "" {
		t.Errorf("got %+v, %v", revoked, err)
	}
	made(t, b, Draft{})
	if _, ok := b.Open(one.Path); ok {
		t.Error("the revoked invitation opens")
	}
	if content, _ := os.ReadFile(filepath.Join(dir, bookName)); strings.Contains(string(content), one.Path) {
		t.Error("the revoked path is still on the disk")
	}
	if again, err := b.Revoke(one.ID); err != nil || again != revoked {
		t.Errorf("revoking again: got %+v, %v", again, err)
	}
}

func TestAnInvitationEnds(t *testing.T) {
	b := loaded(t, t.TempDir())
	one := made(t, b, Draft{For: time.Hour})
	forever := made(t, b, Draft{})
	b.Now = func() time.Time { return one.Expires.Add(-1) }
	if _, ok := b.Open(one.Path); !ok {
		t.Error("it ended too early")
	}
	b.Now = func() time.Time { return one.Expires }
	if _, ok := b.Open(one.Path); ok {
		t.Error("it did not end")
	}
	if _, ok := b.Open(forever.Path); !ok {
		t.Error("the one without an end ended")
	}
}

func TestDrafts(t *testing.T) {
	b := loaded(t, t.TempDir())
	made(t, b, Draft{Label: "taken"})
	for _, c := range []struct {
		name  string
		draft Draft
		want  string // in the error; "": none
	}{
		{"nothing given", Draft{}, ""},
		{"Persian with a joiner", Draft{Label: "می\u200cروم"}, ""},
		{"60 letters", Draft{Label: strings.Repeat("ü", 60)}, ""},
		{"61 letters", Draft{Label: strings.Repeat("ü", 61)}, "at most 60"},
		{"a line break", Draft{Label: "a\nb"}, "printed"},
		{"an escape sequence", Draft{Label: "\x1b[31mred"}, "printed"},
		{"a mark that turns the line around", Draft{Label: "\u202eabc"}, "printed"},
		{"bytes that are no text", Draft{Label: "\xff"}, "at most 60"},
		{"a space behind", Draft{Label: "a "}, "space"},
		{"a label twice", Draft{Label: "taken"}, "already"},
		{"an hour", Draft{For: time.Hour}, ""},
		{"a minute", Draft{For: time.Minute}, "an hour to ten years"},
		{"yesterday", Draft{For: -time.Hour}, "an hour to ten years"},
		{"a century", Draft{For: 100 * 365 * 24 * time.Hour}, "an hour to ten years"},
		{"minus one people", Draft{People: -1}, "no limit"},
		{"a city", Draft{People: 100_001}, "no limit"},
	} {
		_, err := b.New(c.draft)
		if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := b.Revoke("taken"); err != nil {
		t.Fatal(err)
	}
	again := made(t, b, Draft{Label: "taken"})
	if got, err := b.Find("taken"); err != nil || got != again {
		t.Errorf("got %v, %v, want the one that is not revoked", got, err)
	}
	for _, name := range []string{"", "nobody"} {
		if _, err := b.Find(name); !errors.Is(err, ErrUnknown) {
			t.Errorf("%q: got %v", name, err)
		}
	}
}

func TestCountsAreRounded(t *testing.T) {
	for n, want := range map[int]int{0: 0, 1: 8, 8: 8, 9: 16, 100: 104} {
		if got := Rounded(n); got != want {
			t.Errorf("%d: got %d, want %d", n, got, want)
		}
	}
	dir := t.TempDir()
	b := loaded(t, dir)
	one := made(t, b, Draft{})
	before := content(t, dir)
	if err := b.Flush(); err != nil || content(t, dir) != before {
		t.Errorf("without visitors: written again, %v", err)
	}
	for visitors := 1; visitors <= 20; visitors++ {
		b.Count(one.ID)
		if err := b.Flush(); err != nil {
			t.Fatal(err)
		}
		got, err := b.Find(one.ID)
		if err != nil || got.Opened != Rounded(visitors) {
			t.Fatalf("after %d: got %d, %v", visitors, got.Opened, err)
		}
	}
	if got := content(t, dir); !strings.Contains(got, `"opened": 24`) {
		t.Errorf("got %s", got)
	}
	again := loaded(t, dir)
	again.Count(one.ID)
	again.Count("unknown")
	if got, _ := again.Find(one.ID); got.Opened != 32 {
		t.Errorf("got %d, want 32", got.Opened)
	}
}

func content(t *testing.T, dir string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, bookName))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestAFullBookForgetsWhatHasEnded(t *testing.T) {
	dir := t.TempDir()
	var all []Invitation
	for i := range MaxInvitations {
		all = append(all, Draft{}.invitation(fmt.Sprintf("a%d", i), noon))
	}
	if err := (&Book{Dir: dir}).write(all); err != nil {
		t.Fatal(err)
	}
	b := loaded(t, dir)
	if _, err := b.New(Draft{}); !errors.Is(err, ErrInvalid) {
		t.Errorf("got %v, want it refused", err)
	}
	if _, err := b.Revoke("a500"); err != nil {
		t.Fatal(err)
	}
	made(t, b, Draft{})
	if got := len(b.List()); got != MaxInvitations {
		t.Errorf("got %d invitations, want %d", got, MaxInvitations)
	}
	if _, err := b.Find("a500"); !errors.Is(err, ErrUnknown) {
		t.Errorf("got %v, want the revoked one forgotten", err)
	}
}

func TestManyMakeInvitationsAtOnce(t *testing.T) {
	dir := t.TempDir()
	books := []*Book{loaded(t, dir), loaded(t, dir)} // as two processes
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			b := books[i%2]
			for range 4 {
				one, err := b.New(Draft{})
				if err != nil {
					t.Error(err)
					return
				}
				b.Count(one.ID)
				b.List()
				if _, ok := b.Open(one.Path); !ok {
					t.Error("a new invitation does not open")
				}
			}
		})
	}
	all.Wait()
	if got := len(loaded(t, dir).List()); got != 32 {
		t.Errorf("got %d invitations, want 32", got)
	}
}

func TestABookThatCannotBeWrittenLosesNothing(t *testing.T) {
	dir := t.TempDir()
	b := loaded(t, dir)
	one := made(t, b, Draft{})
	if err := os.Rename(dir, dir+"-gone"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // a file where the folder was
		t.Fatal(err)
	}
	if _, err := b.New(Draft{}); err == nil {
		t.Error("a new invitation was kept nowhere")
	}
	if _, err := b.Revoke(one.ID); err == nil {
		t.Error("a revocation was kept nowhere")
	}
	if _, ok := b.Open(one.Path); !ok || len(b.List()) != 1 {
		t.Error("what was there is lost")
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(dir+"-gone", dir); err != nil {
		t.Fatal(err)
	}
	made(t, b, Draft{})
	if got := len(b.List()); got != 2 {
		t.Errorf("got %d invitations, want 2", got)
	}
}
