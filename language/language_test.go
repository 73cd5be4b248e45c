package language

import (
	"encoding/json"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	tags "golang.org/x/text/language"
)

func texts(t *testing.T, code string) map[string]string {
	data, err := files.ReadFile("texts/" + code + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]string
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

var placeholder = regexp.MustCompile(`\{\{[^}]*\}\}`)

func TestEveryLanguageHasEveryText(t *testing.T) {
	english := texts(t, "en")
	for _, l := range All() {
		t.Run(l.Code, func(t *testing.T) {
			own := texts(t, l.Code)
			for _, key := range slices.Sorted(maps.Keys(english)) {
				text, there := own[key]
				if !there || strings.TrimSpace(text) == "" || strings.TrimSpace(text) != text {
					t.Errorf("%s: got %q, want a text", key, text)
				}
				got, want := placeholder.FindAllString(text, -1), placeholder.FindAllString(english[key], -1)
				slices.Sort(got)
				slices.Sort(want)
				if !slices.Equal(got, want) {
					t.Errorf("%s: got the placeholders %q, want %q", key, got, want)
				}
				if shown := l.Text(key); shown != text {
					t.Errorf("%s: got %q, want %q", key, shown, text)
				}
			}
			for key := range own {
				if _, there := english[key]; !there {
					t.Errorf("%s is in no English text", key)
				}
			}
		})
	}
}

func TestEveryFileIsALanguage(t *testing.T) {
	names, err := fs.Glob(files, "texts/*.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(names) != len(All()) {
		t.Errorf("got the files %q for %d languages", names, len(All()))
	}
}

// Numbers that a person types must be in the digits that the app takes, and
// texts hold no others, so that nobody has to tell the two apart.
func TestDigitsAreLatin(t *testing.T) {
	for _, l := range All() {
		for key, text := range texts(t, l.Code) {
			for _, r := range text {
				if unicode.IsDigit(r) && (r < '0' || r > '9') {
					t.Errorf("%s: %s holds %q", l.Code, key, r)
				}
			}
		}
	}
}

func TestDirectionIsTheScripts(t *testing.T) {
	for _, l := range All() {
		script, _ := tags.Make(l.Code).Script()
		want := "ltr"
		if script.String() == "Arab" {
			want = "rtl"
		}
		if got := l.Direction(); got != want {
			t.Errorf("%s: got %q, want %q", l.Code, got, want)
		}
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct{ header, want string }{
		{"", "en"},
		{"fa-IR,fa;q=0.9,en;q=0.8", "fa"},
		{"fa", "fa"},
		{"fa-AF", "fa"},
		{"prs-AF", "fa"},
		{"prs,en;q=0.5", "fa"},
		{"ar-EG", "ar"},
		{"ar-SY,en;q=0.1", "ar"},
		{"ru-RU,ru;q=0.9", "ru"},
		{"zh-CN,zh;q=0.9", "zh"},
		{"zh-TW", "zh"},
		{"zh-Hant-HK", "zh"},
		{"en-US,en;q=0.9,fa;q=0.8", "en"},
		{"de-DE,de;q=0.9,ru;q=0.5", "ru"},
		{"sw", "en"},
		{"*", "en"},
		{"fa;q=abc", "en"},
		{"\x00\xff,,;;", "en"},
		{strings.Repeat("a-", 5000), "en"},
		{strings.Repeat("fa,", 5000), "fa"},
	} {
		if got := Match(c.header); got.Code != c.want {
			t.Errorf("%.40q: got %q, want %q", c.header, got.Code, c.want)
		}
	}
}

func TestGet(t *testing.T) {
	if l, ok := Get("fa"); !ok || l.Name != "فارسی" {
		t.Errorf("fa: got %q, %t", l.Name, ok)
	}
	for _, code := range []string{"", "FA", "xx", "fa-IR"} {
		if l, ok := Get(code); ok {
			t.Errorf("%q: got %q, want none", code, l.Code)
		}
	}
}

func TestATextThatIsMissingIsItsKey(t *testing.T) {
	for _, l := range All() {
		if got := l.Text("no_such_text"); got != "no_such_text" {
			t.Errorf("%s: got %q", l.Code, got)
		}
	}
}

func FuzzMatch(f *testing.F) {
	for _, header := range []string{"fa-IR,fa;q=0.9", "zh-Hant-HK", "x-klingon", "und", "*;q=0"} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if _, ok := Get(Match(header).Code); !ok {
			t.Fatalf("%q: no language", header)
		}
	})
}
