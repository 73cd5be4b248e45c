package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// floors is the plan of the house: a package imports only from lower floors.
// docs/ARCHITECTURE.md draws it.
var floors = map[string]int{
	".":                    8,
	"cli":                  7,
	"web":                  6,
	"doctor":               6,
	"proxy":                5,
	"messenger/messengers": 4,
	"messenger/whatsapp":   3,
	"messenger/signal":     3,
	"messenger":            2,
	"upstream":             1,
	"admission":            1,
	"language":             1,
	"control":              6,
	"web/homepage":         0,
	"invite/statefile":     0,
	"invite":               1,
	"relay":                1,
	"certificate":          0,
	"limit":                0,
	"memnet":               0,
	"noise":                0,
	"proxyproto":           0,
	"scrub":                0,
	"sniff":                0,
	"sniff/snifftest":      0,
	"stats":                0,
	"system":               0,
}

// testOnly are packages that the product does not import.
var testOnly = []string{"memnet", "sniff/snifftest"}

// copyleft are module prefixes that the MIT-licensed product must not link.
// They belong in lab/, a module of its own.
var copyleft = []string{"go.mau.fi/", "gitlab.torproject.org/", "github.com/sagernet/"}

func TestEveryPackageImportsLowerFloorsOnly(t *testing.T) {
	for dir, imports := range productImports(t) {
		floor, known := floors[dir]
		if !known {
			t.Errorf("%s has no floor: give it one in floors_test.go and docs/ARCHITECTURE.md", dir)
			continue
		}
		for _, imported := range imports {
			below, own := floors[imported]
			if !own {
				continue
			}
			if below >= floor {
				t.Errorf("%s (floor %d) imports %s (floor %d)", dir, floor, imported, below)
			}
			if slices.Contains(testOnly, imported) {
				t.Errorf("%s imports %s, which is for tests", dir, imported)
			}
		}
	}
}

func TestNoFloorIsEmpty(t *testing.T) {
	built := productImports(t)
	for _, dir := range slices.Sorted(maps.Keys(floors)) {
		if _, ok := built[dir]; !ok {
			t.Errorf("floors_test.go lists %s, which holds no Go files", dir)
		}
	}
}

func TestNothingCopyleftIsRequired(t *testing.T) {
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for _, prefix := range copyleft {
		if strings.Contains(string(mod), prefix) {
			t.Errorf("go.mod requires %s...", prefix)
		}
	}
}

// productImports maps each folder of this module to what its non-test files
// import, for every operating system; imports of this module by folder.
func productImports(t *testing.T) map[string][]string {
	all := map[string][]string{}
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if entry.IsDir() {
			if name != "." && (isModule(name) || strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		dir := path.Dir(name)
		all[dir] = append(all[dir], imports(file.Imports, t)...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func imports(specs []*ast.ImportSpec, t *testing.T) []string {
	var all []string
	for _, spec := range specs {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, strings.TrimPrefix(name, "causeway/"))
	}
	return all
}

func isModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}
