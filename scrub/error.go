package scrub

import "fmt"

// Error returns err with a text that holds no address, nil for nil. What is
// inside is still found by errors.Is and errors.As: print the outside.
func Error(err error) error {
	if err == nil {
		return nil
	}
	return scrubbed{err}
}

type scrubbed struct{ err error }

func (s scrubbed) Error() string { return String(s.err.Error()) }
func (s scrubbed) Unwrap() error { return s.err }

// Format keeps verbs such as %#v and %d from printing the error inside.
func (s scrubbed) Format(f fmt.State, verb rune) {
	if verb == 'v' {
		fmt.Fprint(f, s.Error())
		return
	}
	fmt.Fprintf(f, fmt.FormatString(f, verb), s.Error())
}
