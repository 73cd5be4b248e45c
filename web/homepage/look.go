package homepage

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/png"
	"strings"
)

// look is how all pages of one site are written.
type look struct {
	doctype, root, charset, viewport string
	join                             string // between the parts of a page
	endParagraph                     string
	container                        string
	separator                        string
	gap, ending                      string // of file names
	styleFile, icon                  string // "": none
	style                            string
	navigationLast, headingLevel1    bool
	signed                           bool
}

// page is one file to be written; the first of a site is its home.
type page struct {
	title    string
	sections []section
}

type section struct{ heading, body string } // body is HTML

func (s *site) newLook() look {
	l := look{
		doctype:        s.either("<!DOCTYPE html>", "<!doctype html>", "<!DOCTYPE HTML>"),
		root:           s.either(`<html lang="en">`, "<html lang=en>", `<html lang="en-GB">`, "<html>"),
		charset:        s.either(`<meta charset="utf-8">`, `<meta charset="UTF-8">`, "<meta charset=utf-8>", `<meta charset="utf-8" />`),
		viewport:       s.either(`<meta name="viewport" content="width=device-width, initial-scale=1">`, `<meta name=viewport content="width=device-width">`, `<meta name="viewport" content="width=device-width,initial-scale=1.0"/>`, ""),
		join:           s.either("\n", "\n\n", "\n  ", "\n\t", "", "\n    "),
		endParagraph:   s.either("</p>", "</p>", ""),
		container:      s.either("main", "div", "article", "section", ""),
		separator:      s.either(" | ", " · ", " &ndash; ", " / ", " &bull; ", "&nbsp; ", " :: "),
		gap:            s.either("-", "_", "", "."),
		ending:         s.either(".html", ".htm", "/", ".html"),
		navigationLast: s.IntN(3) == 0,
		headingLevel1:  s.IntN(4) > 0,
		signed:         s.IntN(2) == 0,
	}
	if s.IntN(5) > 0 {
		l.style = s.css(l.container)
	}
	if l.style != "" && s.IntN(2) == 0 {
		l.styleFile = slug(s.say("surname"), "") + ".css"
		s.add(l.styleFile, []byte(l.style))
	}
	if s.IntN(3) == 0 {
		l.icon = "favicon.ico"
		s.add(l.icon, s.drawIcon())
	}
	return l
}

// css writes the rules in an order and with values of their own.
func (s *site) css(container string) string {
	hue := s.IntN(360)
	body := []string{
		fmt.Sprintf("color:hsl(%d,%d%%,%d%%)", hue, s.between(0, 60), s.between(8, 24)),
		fmt.Sprintf("background:hsl(%d,%d%%,%d%%)", (hue+s.between(0, 90))%360, s.between(0, 70), s.between(93, 100)),
		"font-family:" + s.either("Georgia,serif", "sans-serif", "Verdana,sans-serif", "monospace", "Palatino,serif", "system-ui", "Helvetica,Arial,sans-serif", "Cambria,serif"),
		fmt.Sprintf("line-height:1.%d", s.between(25, 79)),
		fmt.Sprintf("font-size:%dpx", s.between(14, 21)),
	}
	box := []string{
		fmt.Sprintf("max-width:%dpx", s.between(480, 980)),
		fmt.Sprintf("margin:%dpx auto", s.between(0, 70)),
		fmt.Sprintf("padding:%dpx", s.between(4, 40)),
	}
	if container == "" {
		body, box = append(body, box...), nil
	}
	all := []string{rule("body", s.shuffled(body)), rule("a", []string{fmt.Sprintf("color:hsl(%d,%d%%,%d%%)", (hue+s.between(90, 270))%360, s.between(40, 95), s.between(22, 38))})}
	if box != nil {
		all = append(all, rule(container, s.shuffled(box)))
	}
	for _, heading := range s.shuffled([]string{"h1", "h2", "td", "li"})[:s.between(0, 3)] {
		all = append(all, rule(heading, []string{fmt.Sprintf("padding:%dpx %dpx", s.between(0, 9), s.between(0, 19)),
			fmt.Sprintf("color:hsl(%d,%d%%,%d%%)", hue, s.between(0, 99), s.between(8, 30))}))
	}
	return strings.Join(s.shuffled(all), s.either("", "\n")) + "\n"
}

func rule(selector string, declarations []string) string {
	return selector + "{" + strings.Join(declarations, ";") + "}"
}

func (s *site) shuffled(list []string) []string {
	s.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// publish writes the pages, which link to each other.
func (s *site) publish(pages ...page) {
	links := make([]string, len(pages))
	for i, p := range pages {
		links[i] = s.fileName(i, p.title)
	}
	home := s.either("Home", "Start", s.name, "Front page")
	for i, p := range pages {
		var navigation []string
		for j, other := range pages {
			label := other.title
			if j == 0 {
				label = home
			}
			if j == i {
				navigation = append(navigation, html.EscapeString(label))
				continue
			}
			navigation = append(navigation, fmt.Sprintf(`<a href="/%s">%s</a>`, links[j], html.EscapeString(label)))
		}
		name := links[i]
		if name == "" || strings.HasSuffix(name, "/") {
			name += "index.html"
		}
		if len(pages) == 1 {
			navigation = nil
		}
		s.add(name, []byte(s.render(p, strings.Join(navigation, s.separator))))
	}
}

func (s *site) fileName(i int, title string) string {
	if i == 0 {
		return ""
	}
	return slug(title, s.gap) + s.ending
}

func (s *site) render(p page, navigation string) string {
	title := p.title
	if title != s.name {
		title += s.either(" - ", ", ", " | ") + s.name
	}
	parts := []string{s.doctype, s.root, "<head>", s.charset, s.viewport, "<title>" + html.EscapeString(title) + "</title>"}
	switch {
	case s.styleFile != "":
		parts = append(parts, fmt.Sprintf(`<link rel="stylesheet" href="/%s">`, s.styleFile))
	case s.style != "":
		parts = append(parts, "<style>"+strings.TrimSpace(s.style)+"</style>")
	}
	parts = append(parts, "</head>", "<body>")
	if s.container != "" {
		parts = append(parts, "<"+s.container+">")
	}
	if !s.navigationLast && navigation != "" {
		parts = append(parts, "<p>"+navigation+s.endParagraph)
	}
	parts = append(parts, s.heading(p.title, s.headingLevel1))
	for _, section := range p.sections {
		text := section.body
		if section.heading != "" {
			text = s.heading(section.heading, false) + text
		}
		parts = append(parts, text)
	}
	if s.navigationLast && navigation != "" {
		parts = append(parts, "<hr>", "<p>"+navigation+s.endParagraph)
	}
	if s.signed {
		parts = append(parts, "<p><small>"+html.EscapeString(s.fill("{first} {surname}, {month} ", 0)+fmt.Sprint(s.begun.Year()))+"</small>"+s.endParagraph)
	}
	if s.container != "" {
		parts = append(parts, "</"+s.container+">")
	}
	parts = append(parts, "</body>", "</html>")
	return s.joined(parts)
}

func (s *site) joined(parts []string) string {
	kept := parts[:0]
	for _, part := range parts {
		if part != "" {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, s.join) + "\n"
}

func (s *site) heading(text string, first bool) string {
	if first {
		return "<h1>" + html.EscapeString(text) + "</h1>"
	}
	return "<h2>" + html.EscapeString(text) + "</h2>"
}

func (s *site) paragraph(text string) string {
	return "<p>" + html.EscapeString(text) + s.endParagraph
}

// list writes the items by the rule as an HTML list.
func (s *site) list(tag, name string, count int) string {
	var b strings.Builder
	for range count {
		b.WriteString("<li>" + html.EscapeString(s.title(name)))
	}
	return "<" + tag + ">" + b.String() + "</" + tag + ">"
}

// drawIcon makes a symmetrical picture of 16 pixels in an icon file, which is a
// header of 6 bytes, one of 16 for each picture, and PNG.
func (s *site) drawIcon() []byte {
	const side = 16
	picture := image.NewRGBA(image.Rect(0, 0, side, side))
	ink := color.RGBA{uint8(s.IntN(200)), uint8(s.IntN(200)), uint8(s.IntN(200)), 255}
	for y := range side {
		for x := range side / 2 {
			if s.IntN(2) == 0 {
				picture.Set(x, y, ink)
				picture.Set(side-1-x, y, ink)
			}
		}
	}
	var data bytes.Buffer
	if err := png.Encode(&data, picture); err != nil {
		return nil // a bytes.Buffer takes everything
	}
	head := []byte{0, 0, 1, 0, 1, 0, side, side, 0, 0, 1, 0, 32, 0}
	head = binary.LittleEndian.AppendUint32(head, uint32(data.Len()))
	head = binary.LittleEndian.AppendUint32(head, 22)
	return append(head, data.Bytes()...)
}
