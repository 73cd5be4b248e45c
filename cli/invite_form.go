package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/pflag"

	"causeway/control"
	"causeway/invite"
	"causeway/language"
	"causeway/web"
)

// inviteForm is how an invitation is to be shown. With nothing chosen it is for
// the volunteer to read, else the output is the chosen thing alone.
type inviteForm struct {
	qr   string
	card string
	lang string
	text bool
	json bool
	out  string
}

func (o *inviteForm) register(f *pflag.FlagSet) {
	f.SortFlags = false
	f.StringVar(&o.qr, "qr", "", "only the QR code: terminal, svg or png")
	f.StringVar(&o.card, "card", "", "only a card to print, as HTML: a6, or a4x8 for eight on a sheet")
	f.StringVar(&o.lang, "lang", "en", "language of the card: "+strings.Join(languageCodes(), ", "))
	f.BoolVar(&o.text, "text", false, "only a text that fits one SMS and names no messenger")
	f.BoolVar(&o.json, "json", false, "only one JSON object")
	f.StringVar(&o.out, "out", "", "write it to this file")
}

// check says what cannot be, before anything is made.
func (o *inviteForm) check(stdout io.Writer) error {
	chosen := 0
	for _, is := range []bool{o.qr != "", o.card != "", o.text, o.json} {
		if is {
			chosen++
		}
	}
	switch {
	case chosen > 1:
		return usagef("--qr, --card, --text and --json: choose one")
	case o.card != "" && o.card != "a6" && o.card != "a4x8":
		return usagef("--card %q: want a6 or a4x8", o.card)
	case !slices.Contains(languageCodes(), o.lang):
		return usagef("--lang %q: want one of %s", o.lang, strings.Join(languageCodes(), ", "))
	case o.qr != "" && o.qr != "terminal" && o.qr != "svg" && o.qr != "png":
		return usagef("--qr %q: want terminal, svg or png", o.qr)
	case o.qr == "png" && o.out == "" && colors(stdout):
		return hint(usagef("a terminal shows no PNG"), "--qr png --out invitation.png")
	}
	return nil
}

// shared is an invitation and where its page is.
type shared struct {
	control.Entry
	at place
}

func (s shared) link() string { return s.at.address.Page(s.Path) }

// write writes the chosen form; what a new invitation is called goes to stderr
// where stdout is for something else.
func (o *inviteForm) write(stdout, stderr io.Writer, s shared, isNew bool) error {
	content, err := o.content(stdout, s)
	if err != nil {
		return err
	}
	alone := o.qr != "" || o.card != "" || o.text || o.json
	if isNew && alone && !o.json {
		fmt.Fprintf(stderr, "Invitation %s\n", title(s.Entry))
	}
	if o.text && o.out == "" {
		fmt.Fprintln(stderr, "note: phone companies read SMS; a messenger that works, or paper, is safer")
	}
	if o.out == "" {
		_, err = stdout.Write(content)
		return err
	}
	if err := os.WriteFile(o.out, content, 0o600); err != nil {
		return fmt.Errorf("writing %s: %w", o.out, err)
	}
	if err := os.Chmod(o.out, 0o600); err != nil { // a file that was there keeps its mode
		return fmt.Errorf("keeping %s to its owner: %w", o.out, err)
	}
	return nil
}

func (o *inviteForm) content(stdout io.Writer, s shared) ([]byte, error) {
	switch {
	case o.qr == "terminal" && o.out == "":
		return []byte(qr(stdout, s.link())), nil
	case o.qr == "terminal":
		return []byte(invite.PlainQR(s.link())), nil
	case o.qr == "svg":
		picture, err := invite.SVG(s.link())
		return []byte(picture), err
	case o.qr == "png":
		return invite.PNG(s.link())
	case o.card != "":
		return o.cardContent(s)
	case o.text:
		text, err := invite.ShortText(s.link())
		return []byte(text + "\n"), err
	case o.json:
		object, err := json.MarshalIndent(s.forScripts(), "", "  ")
		return append(object, '\n'), err
	}
	return []byte(s.forPeople(stdout)), nil
}

// cardContent is a card to print. It has the app's address to type on it, which
// only a running proxy knows.
func (o *inviteForm) cardContent(s shared) ([]byte, error) {
	if s.at.link == (invite.Link{}) {
		return nil, hint(errors.New("a card has the proxy's host and ports on it, and no proxy is running to ask"), "start causeway serve with --host first")
	}
	lang, _ := language.Get(o.lang)
	var page bytes.Buffer
	err := web.Card{Lang: lang, Link: s.at.link, Page: s.link(), Eight: o.card == "a4x8"}.WriteHTML(&page)
	return page.Bytes(), err
}

func languageCodes() []string {
	var codes []string
	for _, lang := range language.All() {
		codes = append(codes, lang.Code)
	}
	return codes
}

// forPeople is what the volunteer reads.
func (s shared) forPeople(stdout io.Writer) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Invitation %s: for %s, %s.\n\n  %s\n\n%s\n", title(s.Entry), people(s.People), s.ends(time.Now()), s.link(), qr(stdout, s.link()))
	b.WriteString("Whoever opens this link is let in: send it to people you know, in a way that others\n" +
		"do not read. It can be opened again, for instance after the phone changed network.\n")
	if s.at.access == "open" {
		b.WriteString("\nnote: causeway serve runs with --access open, which lets in everyone; invitations\n" +
			"      matter with --access invited.\n")
	}
	fmt.Fprintf(&b, "\nTo end it: causeway invite revoke %s\n", s.ID)
	return b.String()
}

// scripted is an invitation for scripts: what is known of it, and its link.
type scripted struct {
	control.Entry
	Link string `json:"link,omitempty"`
}

func (s shared) forScripts() scripted {
	if s.Path == "" || s.at.address == (invite.Address{}) {
		return scripted{s.Entry, ""}
	}
	return scripted{s.Entry, s.link()}
}

func writeListJSON(w io.Writer, all []control.Entry, at place) error {
	list := []scripted{}
	for _, one := range all {
		list = append(list, shared{one, at}.forScripts())
	}
	data, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", data)
	return err
}

// writeList shows no link: it is a table to look at, also with others around.
func writeList(w io.Writer, all []control.Entry, now time.Time) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(w, "There are no invitations. Make one: causeway invite new")
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "ID\tLABEL\tFOR\tLETS IN\tNETWORKS NOW\tIN ALL")
	for _, one := range all {
		networks := "-"
		if one.Networks != nil {
			networks = about(*one.Networks)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", one.ID, one.Label, people(one.People), shared{Entry: one}.ends(now), networks, about(one.Opened))
	}
	return table.Flush()
}

// about shows a count that is rounded up.
func about(n int) string {
	if n == 0 {
		return "0"
	}
	return fmt.Sprintf("up to %d", n)
}

func people(n int) string {
	switch n {
	case 0:
		return "anyone"
	case 1:
		return "1 person"
	}
	return fmt.Sprintf("%d people", n)
}

// ends says until when an invitation lets people in.
func (s shared) ends(now time.Time) string {
	const hour = "2006-01-02 15:04 UTC"
	switch {
	case s.Revoked:
		return "revoked"
	case s.Expires.IsZero():
		return "until revoked"
	case !s.Open(now):
		return "ended " + s.Expires.UTC().Format(hour)
	}
	return "until " + s.Expires.UTC().Format(hour)
}

// title names an invitation by id and label.
func title(e control.Entry) string {
	if e.Label == "" {
		return e.ID
	}
	return fmt.Sprintf("%s (%s)", e.ID, e.Label)
}
