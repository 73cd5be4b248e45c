package web

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	texttemplate "text/template"

	"causeway/invite"
	"causeway/language"
)

var (
	//go:embed pages/card.html
	cardText string
	//go:embed pages/card.css
	cardStyle string

	cardPage  = template.Must(template.New("card").Parse(cardText))
	cardSheet = texttemplate.Must(texttemplate.New("style").Parse(cardStyle))
)

// Card is what a volunteer prints and hands on: a code to scan and an address
// to type, as one file of HTML that needs nothing else.
type Card struct {
	Lang  language.Lang
	Link  invite.Link
	Page  string // the address of the invitation, which the code then leads to; "": the code holds Link
	Eight bool   // eight cards on a sheet of A4 (105 mm x 74 mm each) instead of one of A6
}

// The sheets. Browsers ignore "size:A6", so both are in millimetres.
const (
	sizeA6, sizeA4 = "105mm 148mm", "210mm 297mm"
	eight          = 8
)

// sheet is what the templates see.
type sheet struct {
	view
	Page                            string
	PageSize, Width, Height, Policy string
	Columns                         int
	Class                           string
	Copies                          []struct{}
	style                           string
}

// Style returns the style with the sheet's size in it.
func (s *sheet) Style() template.CSS { return template.CSS(s.style) }

// WriteHTML writes the card as one page. Printed at 100 % its size is as said.
func (c Card) WriteHTML(w io.Writer) error {
	shown := c.Page
	if shown == "" {
		shown = c.Link.String()
	}
	code, err := newCode(shown)
	if err != nil {
		return err
	}
	s := &sheet{
		view: view{Lang: c.Lang, Link: c.Link, Code: code}, Page: c.Page,
		PageSize: sizeA6, Width: "105mm", Height: "148mm", Columns: 1, Class: "large", Copies: make([]struct{}, 1),
	}
	if c.Eight {
		s.PageSize, s.Width, s.Height, s.Columns, s.Class = sizeA4, "210mm", "74.25mm", 2, "small"
		s.Copies = make([]struct{}, eight)
	}
	var style strings.Builder
	if err := cardSheet.Execute(&style, s); err != nil {
		return fmt.Errorf("writing the card's style: %w", err)
	}
	s.style, s.Policy = style.String(), policy(style.String())
	var page bytes.Buffer
	if err := cardPage.Execute(&page, s); err != nil {
		return fmt.Errorf("writing the card: %w", err)
	}
	_, err = w.Write(page.Bytes())
	return err
}
