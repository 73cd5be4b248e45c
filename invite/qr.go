package invite

import (
	"fmt"
	"strings"

	"rsc.io/qr"
)

// The smallest terminal that a code is made to fit, one line of it left for the
// prompt, and the light border around it in modules: 4 by ISO/IEC 18004, but
// cameras read on with 2.
const (
	maxColumns, maxRows      = 80, 23
	fullBorder, narrowBorder = 4, 2
)

// QR returns the code of text for pages, pictures and print, at error correction
// level M. Text over 2,331 bytes is an error.
func QR(text string) (*qr.Code, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return nil, fmt.Errorf("making a QR code: %w", err)
	}
	return code, nil
}

// TerminalQR returns the code of text as lines of half blocks, black and white
// set by ANSI colors, so that it scans on terminals of any color. It fits
// 80x24 with the prompt below for text up to 134 bytes, by a lower level and a
// narrower border where needed. Text over 2,953 bytes gives "".
func TerminalQR(text string) string { return lines(text, "\x1b[40;97m", "\x1b[0m") }

// PlainQR is TerminalQR without colors, for terminals that have none. The
// blocks are the light modules, so it scans where letters are light on dark.
func PlainQR(text string) string { return lines(text, "", "") }

func lines(text, before, behind string) string {
	code, border := fitting(text)
	if code == nil {
		return ""
	}
	light := func(x, y int) bool {
		inside := x >= 0 && y >= 0 && x < code.Size && y < code.Size
		return y < code.Size+border && (!inside || !code.Black(x, y))
	}
	var b strings.Builder
	for y := -border; y < code.Size+border; y += 2 {
		b.WriteString(before)
		for x := -border; x < code.Size+border; x++ {
			b.WriteRune(halves(light(x, y), light(x, y+1)))
		}
		b.WriteString(behind + "\n")
	}
	return b.String()
}

func halves(upper, lower bool) rune {
	switch {
	case upper && lower:
		return '█'
	case upper:
		return '▀'
	case lower:
		return '▄'
	}
	return ' '
}

// fitting tries robust codes first, and where none fits takes one that does not.
func fitting(text string) (code *qr.Code, border int) {
	for _, try := range []struct {
		level  qr.Level
		border int
	}{{qr.M, fullBorder}, {qr.L, fullBorder}, {qr.L, fullBorder - 1}, {qr.L, narrowBorder}} {
		code, err := qr.Encode(text, try.level)
		if err != nil {
			continue
		}
		columns := code.Size + 2*try.border
		if columns <= maxColumns && (columns+1)/2 <= maxRows {
			return code, try.border
		}
	}
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return nil, 0
	}
	return code, fullBorder
}
