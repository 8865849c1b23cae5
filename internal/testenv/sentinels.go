package testenv

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Sentinels lists the exported errors of the engines as the source declares them, such as "exam.ErrNoImages": each
// must be told to users as a sentence.
func Sentinels(t testing.TB) []string {
	t.Helper()
	var out []string
	for _, root := range []string{"internal", "inference", "render", "training"} {
		err := filepath.WalkDir(filepath.Join(Root(), root), func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			out = append(out, sentinelsOf(f)...)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(out) < 30 {
		t.Fatalf("only %d sentinels were found: %v", len(out), out)
	}
	return out
}

// sentinelsOf lists the exported errors that a file declares.
func sentinelsOf(f *ast.File) []string {
	var out []string
	for _, decl := range f.Decls {
		g, ok := decl.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			continue
		}
		for _, spec := range g.Specs {
			v, ok := spec.(*ast.ValueSpec)
			if !ok {
				continue
			}
			for _, id := range v.Names {
				if strings.HasPrefix(id.Name, "Err") {
					out = append(out, f.Name.Name+"."+id.Name)
				}
			}
		}
	}
	return out
}
