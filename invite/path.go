package invite

import (
	"crypto/rand"
	"math/big"
	"strings"
)

const (
	// letters are 32 that no one confuses when reading them out.
	letters = "0123456789abcdefghjkmnpqrstvwxyz"

	idLetters   = 4  // 1,048,576 ids
	pathLetters = 26 // 130 bits
	maxPath     = 64 // bytes; no path is longer
)

// words are what pages of ordinary sites are called.
const words = "about album archive autumn bakery basket beach bike birds bread bridge cabin camera candle cat " +
	"choir city cloud coast coffee cook corner dance diary dinner dogs draft family farm field film forest " +
	"friday fruit garden gallery guitar harbor hike house images island journal kitchen lake lamp library " +
	"lunch maps market may media memo menu morning music news notes ocean orchard p page paint paper park " +
	"photo picnic poems post print radio rain read recipe river road room school sea shared shop sketch snow " +
	"song spring story street summer table tea theater train travel tree trip valley video view village " +
	"visit walk wall water week wiki window winter wood work"

// newPath returns a path that nobody guesses, in one of several shapes that
// pages of ordinary sites have, so that no rule finds all links of causeway.
func newPath() string {
	secret := random(letters, pathLetters)
	switch below(6) {
	case 0:
		return word() + "-" + secret
	case 1:
		return word() + "/" + secret
	case 2:
		return word() + "/" + word() + "-" + secret
	case 3:
		return secret + "/" + word()
	case 4:
		return word() + "/" + secret + ".html"
	}
	return word() + "-" + word() + "-" + secret
}

// newID returns a short name for commands that is not taken. It has a digit
// and a letter, so that it is neither a word nor a number.
func newID(taken func(string) bool) string {
	for {
		id := random(letters, idLetters)
		if strings.ContainsAny(id, letters[:10]) && strings.ContainsAny(id, letters[10:]) && !taken(id) {
			return id
		}
	}
}

func word() string {
	all := strings.Fields(words)
	return all[below(len(all))]
}

func random(from string, n int) string {
	text := make([]byte, n)
	for i := range text {
		text[i] = from[below(len(from))]
	}
	return string(text)
}

// below returns a random number from 0 to n-1.
func below(n int) int {
	i, _ := rand.Int(rand.Reader, big.NewInt(int64(n))) // the reader never fails
	return int(i.Int64())
}
