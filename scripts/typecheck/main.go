// Command typecheck checks that every package of the program and its tests compile for another operating system, without
// that system's C compiler and headers: all packages, those of other modules too, are type-checked from source, with the
// files that the build constraints choose there; names of C are taken for granted (go/types, FakeImportC). What the C
// compiler and the linker would say stays open.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// pkg is a package as `go list -test` tells it.
type pkg struct {
	ImportPath, Dir   string // a package with its tests is "path [path.test]"; "path.test" is the generated program
	Name              string
	Standard          bool
	GoFiles, CgoFiles []string
	ImportMap         map[string]string
	Error             *struct{ Err string }
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: typecheck SYSTEM/PROCESSOR TAGS, as in typecheck darwin/arm64 migrated_fynedo")
		os.Exit(2)
	}
	system, processor, _ := strings.Cut(os.Args[1], "/")
	found, checked, tests, err := check(system, processor, os.Args[2], "./...")
	if err != nil {
		fmt.Fprintln(os.Stderr, "typecheck:", err)
		os.Exit(1)
	}
	for _, f := range found {
		fmt.Fprintln(os.Stderr, f)
	}
	fmt.Fprintf(os.Stdout, "%s: %d packages of the program and the tests of %d type-checked, %d errors\n", os.Args[1], checked, tests, len(found))
	if len(found) > 0 {
		os.Exit(1)
	}
}

// checker type-checks packages in the order of their imports.
type checker struct {
	fset  *token.FileSet
	sizes types.Sizes
	done  map[string]*types.Package
	found []string // errors in packages of the program
}

// check type-checks what patterns mean, its tests, and all they import. It returns the errors in packages of the program,
// and how many packages and test programs there are.
func check(system, processor, tags string, patterns ...string) (found []string, checked, tests int, err error) {
	list, err := dependencies(system, processor, tags, patterns)
	if err != nil {
		return nil, 0, 0, err
	}
	c := &checker{fset: token.NewFileSet(), sizes: types.SizesFor("gc", processor), done: map[string]*types.Package{"unsafe": types.Unsafe}}
	for _, p := range list {
		path, _, variant := strings.Cut(p.ImportPath, " ")
		own := !p.Standard && (path == "bayeslice" || strings.HasPrefix(path, "bayeslice/"))
		switch {
		case p.Name == "main" && strings.HasSuffix(path, ".test"): // generated
			tests++
			continue
		case p.Error != nil && own:
			c.found = append(c.found, path+": "+p.Error.Err)
		case path != "unsafe":
			c.check(p, path, own)
		}
		if own && !variant {
			checked++
		}
	}
	slices.Sort(c.found)
	return slices.Compact(c.found), checked, tests, nil // a package's own files are checked again with its tests
}

// dependencies lists packages, each behind those that it imports.
func dependencies(system, processor, tags string, patterns []string) ([]pkg, error) {
	cmd := exec.Command("go", append([]string{"list", "-e", "-deps", "-test", "-tags", tags, "-json=ImportPath,Dir,Name,Standard,GoFiles,CgoFiles,ImportMap,Error"}, patterns...)...)
	cmd.Env = append(os.Environ(), "GOOS="+system, "GOARCH="+processor, "CGO_ENABLED=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, stderr.String())
	}
	var all []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
}

// check type-checks the package of an import path; errors of others than the program's are not told: they come of C that is not there.
func (c *checker) check(p pkg, path string, own bool) {
	tell := func(err error) {
		if own && !strings.Contains(err.Error(), "invalid type") { // which follows from C that is not there
			c.found = append(c.found, err.Error())
		}
	}
	var files []*ast.File
	for _, name := range append(p.GoFiles, p.CgoFiles...) {
		f, err := parser.ParseFile(c.fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			tell(err)
			continue
		}
		files = append(files, f)
	}
	config := types.Config{FakeImportC: true, Sizes: c.sizes, IgnoreFuncBodies: !own, Importer: importer{c, p.ImportMap}, Error: tell}
	done, _ := config.Check(path, c.fset, files, nil) // errors were told one by one
	c.done[p.ImportPath] = done
}

// importer gives the packages that were checked before.
type importer struct {
	c *checker
	m map[string]string // what import paths stand for where that differs
}

// Import implements [types.Importer].
func (i importer) Import(path string) (*types.Package, error) {
	if to, ok := i.m[path]; ok {
		path = to
	}
	if p := i.c.done[path]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("there is no package %s on this system", path)
}
