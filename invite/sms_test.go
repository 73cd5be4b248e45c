package invite

import (
	"strings"
	"testing"
)

func TestSMS(t *testing.T) {
	for _, c := range []struct {
		name, text   string
		length, most int
	}{
		{"nothing", "", 0, 160},
		{"Latin", "Hello, world", 12, 160},
		{"two places", "a~b{", 6, 160},
		{"é is in the alphabet", "café", 4, 160},
		{"ç is not", "façade", 6, 70},
		{"Persian", "سلام", 4, 70},
		{"beyond 16 bits", "a🙂", 3, 70},
	} {
		if length, most := SMS(c.text); length != c.length || most != c.most {
			t.Errorf("%s: got %d of %d, want %d of %d", c.name, length, most, c.length, c.most)
		}
	}
}

func TestShortTextFitsOneSMS(t *testing.T) {
	const middle = "https://proxy.example/notes/0123456789abcdefghjkmnpqrs"
	for _, c := range []struct {
		name, link string
		want       string // beginning; "": refused
		words      bool
	}{
		{"a usual link", middle, middle + " - open it", true},
		{"a link that leaves no room for words", middle + strings.Repeat("a", 100), middle, false},
		{"a link that does not fit", middle + strings.Repeat("a", 120), "", false},
	} {
		got, err := ShortText(c.link)
		if (err == nil) != (c.want != "") || !strings.HasPrefix(got, c.want) || err == nil && (got != c.link) != c.words {
			t.Errorf("%s: got %q, %v", c.name, got, err)
		}
		if length, most := SMS(got); length > most {
			t.Errorf("%s: %d characters, want at most %d", c.name, length, most)
		}
		for _, word := range []string{"whatsapp", "proxy", "signal"} {
			if strings.Contains(strings.ToLower(strings.ReplaceAll(got, c.link, "")), word) {
				t.Errorf("%s: %q says %q", c.name, got, word)
			}
		}
	}
}
