package invite

import (
	"fmt"
	"strings"
)

// SVG returns the code of text as a picture for pages and print: black on
// white, with its border, and without a size of its own.
func SVG(text string) (string, error) {
	path, side, err := SVGPath(text)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]d %[1]d" shape-rendering="crispEdges">`+
		`<path fill="#fff" d="M0 0h%[1]dv%[1]dH0z"/><path d="%[2]s"/></svg>`+"\n", side, path), nil
}

// SVGPath returns the dark modules of the code of text as the path of an SVG
// picture, and the picture's side in modules with its border.
func SVGPath(text string) (path string, side int, err error) {
	code, err := QR(text)
	if err != nil {
		return "", 0, err
	}
	var b strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			run := 0
			for code.Black(x+run, y) {
				run++
			}
			if run > 0 {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", x+fullBorder, y+fullBorder, run, run)
				x += run
			}
		}
	}
	return b.String(), code.Size + 2*fullBorder, nil
}

// PNG returns the code of text as a picture, 8 pixels a module, with its border.
func PNG(text string) ([]byte, error) {
	code, err := QR(text)
	if err != nil {
		return nil, err
	}
	return code.PNG(), nil
}
