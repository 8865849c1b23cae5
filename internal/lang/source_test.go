package lang

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"bayeslice/internal/testenv"
)

var update = flag.Bool("update", false, "write resources/texts/en.json anew from the source")

// texts are what the source says: literals of T and Mark, and forms of N by their "other".
type texts struct {
	single map[string]string
	plural map[string]map[string]string
	faults []string
}

// collect adds the texts of one file; files that do not import this package have none.
func (x *texts) collect(set *token.FileSet, file *ast.File) {
	name := ""
	for _, i := range file.Imports {
		if i.Path.Value == `"bayeslice/internal/lang"` {
			name = "lang"
			if i.Name != nil {
				name = i.Name.Name
			}
		}
	}
	if name == "" {
		return
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			x.constants(set.Position(spec.Pos()).String(), name, spec)
		}
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		s, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if p, ok := s.X.(*ast.Ident); ok && p.Name == name {
			x.call(set.Position(call.Pos()).String(), s.Sel.Name, call)
		}
		return true
	})
}

// constants adds the values of constants and variables that are declared as lang.Text.
func (x *texts) constants(where, name string, spec *ast.ValueSpec) {
	s, ok := spec.Type.(*ast.SelectorExpr)
	if !ok || s.Sel.Name != "Text" {
		return
	}
	if p, ok := s.X.(*ast.Ident); !ok || p.Name != name {
		return
	}
	for _, v := range spec.Values {
		if text, ok := literal(v); ok {
			x.single[text] = text
		} else {
			x.faults = append(x.faults, where+": a lang.Text takes a literal text")
		}
	}
}

// call adds one call's texts.
func (x *texts) call(where, function string, call *ast.CallExpr) {
	fault := func(format string, args ...any) {
		x.faults = append(x.faults, where+": "+fmt.Sprintf(format, args...))
	}
	switch function {
	case "T", "Mark":
		text, ok := literal(call.Args[0])
		if !ok || text == "" {
			fault("lang.%s takes a literal text; use lang.Mark in tables", function)
			return
		}
		x.single[text] = text
		if given := len(call.Args) - 1; function == "T" && !call.Ellipsis.IsValid() && given > 0 && given != arguments(text) {
			fault("%q takes %d arguments, not %d", text, arguments(text), given)
		} else if function == "T" && given == 0 && len(verbs(text)) > 0 && !strings.Contains(text, "% ") && !strings.HasSuffix(text, "%") {
			fault("%q takes %d arguments, none are given", text, arguments(text))
		}
	case "N":
		if len(call.Args) < 3 {
			fault("lang.N takes a number and two texts")
			return
		}
		one, ok1 := literal(call.Args[1])
		other, ok2 := literal(call.Args[2])
		if !ok1 || !ok2 || one == "" || other == "" {
			fault("lang.N takes literal texts")
			return
		}
		if known := x.plural[other]; known != nil && known["one"] != one {
			fault("%q has two singulars, %q and %q", other, one, known["one"])
		}
		if want := len(call.Args) - 2; !call.Ellipsis.IsValid() && strings.Contains(other, "%") && arguments(other) != want {
			fault("%q takes %d arguments, not %d", other, arguments(other), want)
		}
		x.plural[other] = map[string]string{"one": one, "other": other}
	}
}

// arguments is the number of arguments that a format takes.
func arguments(format string) int {
	most := 0
	for _, v := range verbs(format) {
		n := 0
		if _, err := fmt.Sscanf(v, "%d", &n); err == nil {
			most = max(most, n)
		}
	}
	return most
}

// literal returns the value of a string literal, or of several joined with +.
func literal(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil && e.Kind == token.STRING
	case *ast.BinaryExpr:
		a, okA := literal(e.X)
		b, okB := literal(e.Y)
		return a + b, okA && okB && e.Op == token.ADD
	case *ast.ParenExpr:
		return literal(e.X)
	}
	return "", false
}

// source collects the texts of the whole program.
func source(t *testing.T) *texts {
	t.Helper()
	found := &texts{single: map[string]string{}, plural: map[string]map[string]string{}}
	set := token.NewFileSet()
	err := filepath.WalkDir(testenv.Root(), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "build") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(data, []byte(`"bayeslice/internal/lang"`)) {
			return err
		}
		file, err := parser.ParseFile(set, path, data, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		found.collect(set, file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestTheTableIsTrue(t *testing.T) {
	found := source(t)
	for _, f := range found.faults {
		t.Error(f)
	}
	path := filepath.Join(testenv.Root(), "resources", "texts", "en.json")
	data, err := os.ReadFile(path)
	if err != nil && !*update {
		t.Fatal(err)
	}
	old := Table{}
	if err := json.Unmarshal(data, &old); err != nil && !*update {
		t.Fatal(err)
	}
	want := Table{Version: version, Language: English, Name: "English", Texts: found.single, Plurals: found.plural, Notes: map[string]string{}}
	for key, note := range old.Notes { // written by hand, kept as long as the text exists
		if found.single[key] != "" || found.plural[key] != nil {
			want.Notes[key] = note
		}
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(want); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(data, text.Bytes()) {
		t.Error("resources/texts/en.json is not what the source says; run `go test ./internal/lang -update`")
		differences(t, old, want)
	}
}

// differences names the first texts that are missing or stale.
func differences(t *testing.T, have, want Table) {
	t.Helper()
	told := 0
	tell := func(what, key string) {
		if told++; told <= 10 {
			t.Errorf("%s: %q", what, key)
		}
	}
	for key := range want.Texts {
		if have.Texts[key] == "" {
			tell("missing", key)
		}
	}
	for key := range have.Texts {
		if want.Texts[key] == "" {
			tell("stale", key)
		}
	}
}

func TestEveryTranslationCanBeRead(t *testing.T) {
	if _, err := Available(os.DirFS(filepath.Join(testenv.Root(), "resources"))); err != nil {
		t.Error(err)
	}
}

func TestTheCollectorSeesFaults(t *testing.T) {
	const code = `package p
import "bayeslice/internal/lang"
const title lang.Text = "Title"
func f(x string) {
	lang.T("Open")
	lang.T("a " + "b")
	lang.T(x)
	lang.T("%d of %d", 1)
	lang.T("%d")
	lang.T("50 %")
	lang.N(2, "%d a", "%d as")
	lang.N(2, "%d one", "%d as")
	lang.N(2, x, "%d bs")
	lang.Mark("marked %s")
}`
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "p.go", code, 0)
	if err != nil {
		t.Fatal(err)
	}
	x := &texts{single: map[string]string{}, plural: map[string]map[string]string{}}
	x.collect(set, file)
	if len(x.faults) != 5 {
		t.Errorf("%d faults, want 5: %q", len(x.faults), x.faults)
	}
	for _, text := range []string{"Open", "a b", "50 %", "marked %s", "Title"} {
		if x.single[text] != text {
			t.Errorf("%q was not found", text)
		}
	}
}
