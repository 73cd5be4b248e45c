package homepage

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image/png"
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

const sites = 200

func made(n int) fs.FS { return New(binary.BigEndian.AppendUint64([]byte("seed "), uint64(n))) }

// texts returns the files of a site by name, without pictures.
func texts(t *testing.T, site fs.FS) map[string]string {
	all := map[string]string{}
	err := fs.WalkDir(site, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(name, ".ico") {
			return err
		}
		data, err := fs.ReadFile(site, name)
		all[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// needed are the lines that every page of HTML may hold.
var needed = regexp.MustCompile(`^<meta (charset|name=.?viewport)[^>]*>$`)

func TestNoTwoSitesShareALine(t *testing.T) {
	const long = 20
	owner := map[string]int{}
	for n := range sites {
		for name, text := range texts(t, made(n)) {
			for line := range strings.Lines(text) {
				line = strings.TrimSpace(line)
				if len(line) < long || needed.MatchString(line) {
					continue
				}
				if other, taken := owner[line]; taken && other != n {
					t.Errorf("sites %d and %d (%s) share %q", other, n, name, line)
				}
				owner[line] = n
			}
		}
	}
}

// Phrases come from lists, so sites do share some. None may be common.
func TestNoPhraseMarksASite(t *testing.T) {
	const long, share = 18, sites / 5
	standard := regexp.MustCompile(`<(!doctype|html|meta|/?head|/?body|title|link)[^>]*>`)
	count := map[string]int{}
	for n := range sites {
		own := map[string]bool{}
		for _, text := range texts(t, made(n)) {
			text = standard.ReplaceAllString(strings.ToLower(text), "\x00")
			for i := 0; i+long <= len(text); i++ {
				if phrase := text[i : i+long]; !strings.ContainsAny(phrase, "\x00") && strings.TrimSpace(phrase) == phrase {
					own[phrase] = true
				}
			}
		}
		for phrase := range own {
			count[phrase]++
		}
	}
	for phrase, in := range count {
		if in > share {
			t.Errorf("%q is in %d of %d sites", phrase, in, sites)
		}
	}
}

func TestNothingHintsAtTheProduct(t *testing.T) {
	hints := []string{"causeway", "proxy", "proxies", "whatsapp", "signal", "messenger", "censor", "block", "tunnel", "relay", "volunteer",
		"freedom", "internet", "network", "vpn", "invit", "admit", "admission", "persian", "russia", "china", "golang", "go.dev", "secret", "hidden", "bypass"}
	for n := range sites {
		for name, text := range texts(t, made(n)) {
			for _, hint := range hints {
				if strings.Contains(strings.ToLower(name+"\n"+text), hint) {
					t.Errorf("site %d: %s holds %q", n, name, hint)
				}
			}
		}
	}
}

func TestASeedMakesTheSameSiteAgain(t *testing.T) {
	for n := range 20 {
		first, again := describe(t, made(n)), describe(t, made(n))
		if first != again {
			t.Errorf("site %d differs the second time", n)
		}
	}
	if describe(t, made(1)) == describe(t, made(2)) || describe(t, New(nil)) == describe(t, made(1)) {
		t.Error("two seeds make the same site")
	}
}

// describe is everything that a visitor could tell sites apart by.
func describe(t *testing.T, site fs.FS) string {
	var b strings.Builder
	err := fs.WalkDir(site, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		fmt.Fprintln(&b, name, info.ModTime(), info.Size())
		if entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(site, name)
		b.Write(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestEverySiteIsSound(t *testing.T) {
	link := regexp.MustCompile(`(?:href|src)="([^"]*)"`)
	now := time.Now()
	kindsSeen := map[string]int{}
	for n := range sites {
		site := made(n)
		var names []string
		err := fs.WalkDir(site, ".", func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			names = append(names, name)
			info, err := entry.Info()
			if err == nil && (info.ModTime().After(now) || info.ModTime().Year() < firstYear || info.ModTime().Nanosecond() != 0) {
				t.Errorf("site %d: %s is of %v", n, name, info.ModTime())
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		kindsSeen[fmt.Sprint(len(names))]++
		if n < sites/8 { // it reads every file many times
			if err := fstest.TestFS(site, names...); err != nil {
				t.Errorf("site %d: %v", n, err)
			}
		}
		for name, text := range texts(t, site) {
			if strings.ContainsAny(text, "{}") && !strings.Contains(text, "<style>") && !strings.HasSuffix(name, ".css") {
				t.Errorf("site %d: %s holds a brace", n, name)
			}
			for _, found := range link.FindAllStringSubmatch(text, -1) {
				target := strings.TrimPrefix(found[1], "/")
				if target == "" || strings.HasSuffix(target, "/") {
					target += "index.html"
				}
				if _, err := fs.Stat(site, target); err != nil || !strings.HasPrefix(found[1], "/") {
					t.Errorf("site %d: %s links to %q: %v", n, name, found[1], err)
				}
			}
		}
		if icon, err := fs.ReadFile(site, "favicon.ico"); err == nil {
			if _, err := png.Decode(bytes.NewReader(icon[22:])); err != nil {
				t.Errorf("site %d: the icon: %v", n, err)
			}
		}
	}
	if len(kindsSeen) < 5 {
		t.Errorf("got sites of these numbers of files only: %v", kindsSeen)
	}
}

func TestEveryRuleIsThere(t *testing.T) {
	reference := regexp.MustCompile(`\{([^}]*)\}`)
	for name, alternatives := range rules {
		for _, alternative := range alternatives {
			if strings.TrimSpace(alternative) == "" {
				t.Errorf("%s has an empty alternative", name)
			}
			for _, found := range reference.FindAllStringSubmatch(alternative, -1) {
				small := strings.ToLower(found[1][:1]) + found[1][1:]
				if rules[found[1]] == nil && rules[small] == nil && !strings.HasPrefix(found[1], "n:") {
					t.Errorf("%s refers to %q", name, found[1])
				}
			}
		}
	}
}
