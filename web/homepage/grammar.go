package homepage

import (
	"embed"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxDepth is how deep rules may call each other, far above what they do.
const maxDepth = 16

//go:embed words/*.txt
var words embed.FS

// rules are the alternatives for each name. {name} in them stands for one of
// that rule's, {Name} for the same with a capital, {n:2-9} for a number.
var rules = readRules()

func readRules() map[string][]string {
	all := map[string][]string{}
	names, err := fs.Glob(words, "words/*.txt")
	if err != nil {
		panic(err)
	}
	for _, name := range names {
		text, err := words.ReadFile(name)
		if err != nil {
			panic(err)
		}
		for line := range strings.Lines(string(text)) {
			rule, alternatives, _ := strings.Cut(strings.TrimSpace(line), ": ")
			all[rule] = strings.Split(alternatives, " | ")
		}
	}
	return all
}

// writer makes up text from the rules by its own dice.
type writer struct{ *rand.Rand }

// between returns a number from low to high, both included.
func (w writer) between(low, high int) int { return low + w.IntN(high-low+1) }

func (w writer) either(choices ...string) string { return choices[w.IntN(len(choices))] }

// say returns one of the rule's alternatives with everything filled in.
func (w writer) say(rule string) string { return w.fill("{"+rule+"}", 0) }

// title returns what say does with a capital at the start.
func (w writer) title(rule string) string { return capital(w.say(rule)) }

// several returns different sentences by the rule, as one paragraph.
func (w writer) several(rule string, count int) string {
	alternatives := rules[rule]
	var sentences []string
	for _, i := range w.Perm(len(alternatives))[:min(count, len(alternatives))] {
		sentences = append(sentences, capital(w.fill(alternatives[i], 0)))
	}
	return strings.Join(sentences, " ")
}

func (w writer) fill(text string, depth int) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{")
		b.WriteString(before)
		name, after, closed := strings.Cut(rest, "}")
		if !found || !closed || depth > maxDepth {
			return b.String()
		}
		b.WriteString(w.value(name, depth))
		text = after
	}
}

func (w writer) value(name string, depth int) string {
	if span, ok := strings.CutPrefix(name, "n:"); ok {
		low, high, _ := strings.Cut(span, "-")
		from, _ := strconv.Atoi(low)
		to, _ := strconv.Atoi(high)
		return strconv.Itoa(w.between(from, max(from, to)))
	}
	if alternatives, ok := rules[name]; ok {
		return w.fill(w.either(alternatives...), depth+1)
	}
	small := strings.ToLower(name[:min(1, len(name))]) + name[min(1, len(name)):]
	if alternatives, ok := rules[small]; ok {
		return capital(w.fill(w.either(alternatives...), depth+1))
	}
	panic(fmt.Sprintf("homepage: no rule %q", name))
}

func capital(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[size:]
}

// slug is s as a file name: lower case, with gap for what is no letter or digit.
func slug(s, gap string) string {
	words := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	return strings.Join(words, gap)
}
