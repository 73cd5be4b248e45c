// Package language holds every text that a person reads on the pages, in each
// language, and finds the language that a browser asks for.
package language

import (
	"embed"
	"fmt"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	tags "golang.org/x/text/language"
)

// maxAccept is how many bytes of an Accept-Language header are read.
const maxAccept = 512

// Lang is a language that the pages are written in.
type Lang struct {
	Code        string // as in BCP 47 and in the name of its file: "fa"
	Name        string // in its own script: "فارسی"
	RightToLeft bool
	Reviewed    bool // false: translated by a machine and checked by nobody yet

	texts *i18n.Localizer
}

//go:embed texts/*.json
var files embed.FS

// all are the languages in the order of the pages' switch. The first is the one
// for those whose language is missing.
var all = load([]Lang{
	{Code: "en", Name: "English", Reviewed: true},
	{Code: "fa", Name: "فارسی", RightToLeft: true},
	{Code: "ar", Name: "العربية", RightToLeft: true},
	{Code: "ru", Name: "Русский"},
	{Code: "zh", Name: "中文"},
})

// understood maps languages without texts of their own to one of the above that
// their speakers read. The tables of x/text would send them to English.
var understood = map[string]string{"prs": "fa", "tg": "ru"}

var matcher = newMatcher()

func load(languages []Lang) []Lang {
	bundle := i18n.NewBundle(tags.English)
	for i := range languages {
		name := "texts/" + languages[i].Code + ".json"
		if _, err := bundle.LoadMessageFileFS(files, name); err != nil {
			panic(fmt.Sprintf("reading %s, which is part of this program: %v", name, err))
		}
		languages[i].texts = i18n.NewLocalizer(bundle, languages[i].Code)
	}
	return languages
}

func newMatcher() tags.Matcher {
	var offered []tags.Tag
	for _, l := range all {
		offered = append(offered, tags.Make(l.Code))
	}
	return tags.NewMatcher(offered)
}

// All returns the languages, English first, in the order of the pages' switch.
func All() []Lang { return append([]Lang(nil), all...) }

// Get returns the language of a code such as "fa", and whether there is one.
func Get(code string) (Lang, bool) {
	for _, l := range all {
		if l.Code == code {
			return l, true
		}
	}
	return Lang{}, false
}

// Match returns the language that suits an Accept-Language header (RFC 9110,
// 12.5.4) best. English suits those whose languages are missing.
func Match(acceptLanguage string) Lang {
	wanted, _, err := tags.ParseAcceptLanguage(acceptLanguage[:min(len(acceptLanguage), maxAccept)])
	if err != nil {
		return all[0]
	}
	for i, tag := range wanted {
		base, _ := tag.Base()
		if code, ok := understood[base.String()]; ok {
			wanted[i] = tags.Make(code)
		}
	}
	_, best, confidence := matcher.Match(wanted...)
	if confidence == tags.No {
		return all[0]
	}
	return all[best]
}

// Direction returns "rtl" or "ltr", as HTML's dir attribute wants it.
func (l Lang) Direction() string {
	if l.RightToLeft {
		return "rtl"
	}
	return "ltr"
}

// Text returns the text of the key, or the key itself where there is none.
func (l Lang) Text(key string) string {
	text, err := l.texts.Localize(&i18n.LocalizeConfig{MessageID: key})
	if text == "" && err != nil {
		return key
	}
	return text
}
