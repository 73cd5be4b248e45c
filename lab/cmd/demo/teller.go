package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"
)

// teller prints the story, one line per step, as it happens.
type teller struct {
	out    io.Writer
	json   bool
	colour bool
	began  time.Time

	// hushed says that nobody wants to hear of failures any more; nil is never.
	hushed func() bool
}

// newTeller uses colours on a terminal only, and not with NO_COLOR
// (no-color.org) set to anything.
func newTeller(out *os.File, asJSON bool) *teller {
	info, err := out.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	return &teller{out: out, json: asJSON, colour: terminal && os.Getenv("NO_COLOR") == "" && !asJSON, began: time.Now()}
}

// line is one line of --json.
type line struct {
	Step    string `json:"step,omitempty"`
	OK      *bool  `json:"ok,omitempty"`
	Error   string `json:"error,omitempty"`
	Note    string `json:"note,omitempty"`
	Chapter string `json:"chapter,omitempty"`
	Millis  int64  `json:"ms"` // since the start
}

func (t *teller) print(l line, text string) {
	if !t.json {
		fmt.Fprintln(t.out, text)
		return
	}
	l.Millis = time.Since(t.began).Milliseconds()
	if err := json.NewEncoder(t.out).Encode(l); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

func (t *teller) chapter(title string) {
	t.print(line{Chapter: title}, "\n"+t.paint("1", title))
}

func (t *teller) note(text string) {
	t.print(line{Note: text}, "      "+text)
}

// step reports that something held, or why it did not.
func (t *teller) step(text string, err error) {
	held := err == nil
	if held {
		t.print(line{Step: text, OK: &held}, "  "+t.paint("32", "ok")+"  "+text)
		return
	}
	if t.hushed != nil && t.hushed() {
		return
	}
	t.print(line{Step: text, OK: &held, Error: err.Error()}, " "+t.paint("31", "NOT")+"  "+text+": "+err.Error())
}

func (t *teller) paint(code, text string) string {
	if !t.colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
