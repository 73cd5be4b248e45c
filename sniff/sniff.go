// Package sniff judges the first bytes of a connection: whose app is calling,
// or nobody that this proxy knows.
package sniff

// Verdict is what the first bytes say so far.
type Verdict int

// A verdict is final except More, which asks for at least one more byte.
const (
	More Verdict = iota // a proper prefix of a greeting
	Yes                 // a greeting
	No                  // never a greeting, whatever follows
)

// Greeting judges the first bytes of a connection. It is pure: the same bytes
// give the same verdict, and once it says Yes or No, more bytes do not change
// it. With Yes it may name the server that the client asks for (lower case, no
// trailing dot), "" when the protocol names none.
type Greeting func(first []byte) (Verdict, string)
