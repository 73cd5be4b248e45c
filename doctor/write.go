package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// reportVersion is the version of the JSON form. It grows when a field changes
// its meaning or goes away, not when one is added.
const reportVersion = 1

// WriteJSON writes {"version":1,"worst":"ok","checks":[...]}, indented.
func (r Report) WriteJSON(w io.Writer) error {
	form := struct {
		Version int     `json:"version"`
		Worst   State   `json:"worst"`
		Checks  []Check `json:"checks"`
	}{reportVersion, r.Worst(), r.Checks}
	if form.Checks == nil {
		form.Checks = []Check{}
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(form)
}

// A mark and the word of the state come first; colour only repeats them.
var marks = map[State]struct{ mark, colour string }{
	OK:      {"✓", "\x1b[32m"},
	Skipped: {"-", "\x1b[2m"},
	Warning: {"!", "\x1b[33m"},
	Broken:  {"✗", "\x1b[31m"},
}

const plain = "\x1b[0m"

// nameWidth is that of the longest usual name, in columns.
const nameWidth = 26

// WriteLine writes one check for people: a line, and one more with what to
// try. Whether colours fit (a terminal, no NO_COLOR) is the caller's to know.
func WriteLine(w io.Writer, c Check, colour bool) error {
	state := fmt.Sprintf("%s %-8s", marks[c.State].mark, c.State)
	if colour {
		state = marks[c.State].colour + state + plain
	}
	line := fmt.Sprintf("%s %-*s %s\n", state, nameWidth, printable(c.Name), printable(c.What))
	if c.Try != "" {
		line += fmt.Sprintf("%11s%-*s try: %s\n", "", nameWidth, "", printable(c.Try))
	}
	_, err := io.WriteString(w, line)
	return err
}

// printable takes from foreign text what could steer a terminal: control
// characters, escapes, and marks that turn the direction of writing.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}
