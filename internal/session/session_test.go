package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"bayeslice/internal/geom"
)

// part is a section with a value to remember.
type part struct {
	name  string
	value map[string]any
	fail  error
}

func (p *part) SectionName() string { return p.name }

func (p *part) SaveSection() (any, error) {
	if p.value == nil {
		return nil, p.fail
	}
	return p.value, p.fail
}

func (p *part) RestoreSection(data json.RawMessage) error {
	if p.fail != nil {
		return p.fail
	}
	return json.Unmarshal(data, &p.value)
}

// randomValue returns what JSON can hold, with awkward texts and numbers.
func randomValue(r *rand.Rand, depth int) any {
	switch kind := r.IntN(6); {
	case kind == 0 && depth > 0:
		m := map[string]any{}
		for range r.IntN(4) {
			m[randomText(r)] = randomValue(r, depth-1)
		}
		return m
	case kind == 1 && depth > 0:
		list := []any{}
		for range r.IntN(4) {
			list = append(list, randomValue(r, depth-1))
		}
		return list
	case kind == 2:
		return r.IntN(2) == 0
	case kind == 3:
		return math.Float64frombits(r.Uint64()&^(0x7ff<<52) | uint64(r.IntN(2046))<<52) // any finite number
	}
	return randomText(r)
}

func randomText(r *rand.Rand) string {
	letters := []rune("aé語\"\\/<&>\u2028\n 𝛼0")
	out := make([]rune, r.IntN(8))
	for i := range out {
		out[i] = letters[r.IntN(len(letters))]
	}
	return string(out)
}

func TestASessionIsRestoredExactly(t *testing.T) {
	dir := t.TempDir()
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 3))
		parts := []*part{{name: "views"}, {name: "measurements"}, {name: "empty"}}
		for _, p := range parts[:2] {
			p.value = map[string]any{"x": randomValue(r, 4), "y": randomValue(r, 4)}
		}
		sections, err := Collect(asSections(parts), nil)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, fmt.Sprint(seed)+Extension)
		in := File{Program: "1.2", Saved: time.Unix(int64(r.Uint32()), int64(r.IntN(1e9))).UTC(), Sections: sections,
			Exam: &Exam{Path: filepath.Join(dir, "exam "+fmt.Sprint(seed)), Study: randomText(r), Key: randomText(r)}}
		if err := Write(path, in); err != nil {
			t.Fatal(err)
		}
		out, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		again := []*part{{name: "views"}, {name: "measurements"}, {name: "empty"}}
		if p := out.Restore(asSections(again)); p != nil {
			t.Fatal(p)
		}
		if !reflect.DeepEqual(again, parts) {
			t.Fatalf("seed %d:\n%v\n%v", seed, parts, again)
		}
		want := *in.Exam
		want.Relative = "exam " + fmt.Sprint(seed)
		if !out.Saved.Equal(in.Saved) || *out.Exam != want || out.Program != in.Program {
			t.Fatalf("seed %d: %+v %+v", seed, out, out.Exam)
		}
	}
}

func asSections(parts []*part) []Section {
	var out []Section
	for _, p := range parts {
		out = append(out, p)
	}
	return out
}

func TestPartsThatFailDoNotKeepOthersFromBeingRestored(t *testing.T) {
	f := File{Sections: map[string]json.RawMessage{"a": []byte(`{"v":1}`), "b": []byte(`5`), "z": []byte(`{}`)}}
	a, b := &part{name: "a"}, &part{name: "b"}
	got := f.Restore([]Section{b, a})
	if len(got) != 2 || got[0].Section != "b" || got[0].Err == nil || got[1] != (Problem{Section: "z"}) {
		t.Error(got)
	}
	if a.value["v"] != 1.0 {
		t.Error(a.value)
	}
	if _, err := Collect([]Section{&part{name: "a", fail: errors.New("broken")}}, nil); !errors.Is(err, ErrSession) || !strings.Contains(err.Error(), "a: broken") {
		t.Error(err)
	}
	if _, err := Collect([]Section{&part{name: "a", value: map[string]any{"nan": math.NaN()}}}, nil); !errors.Is(err, ErrSession) {
		t.Error("a value that JSON cannot hold was taken:", err)
	}
}

func TestSectionsOfANewerProgramAreKept(t *testing.T) {
	old := map[string]json.RawMessage{"later": []byte(`{"q":1}`), "a": []byte(`{"v":1}`), "gone": []byte(`{"v":1}`)}
	got, err := Collect([]Section{&part{name: "a", value: map[string]any{"v": 2}}, &part{name: "gone"}}, old)
	if err != nil || len(got) != 2 || string(got["later"]) != `{"q":1}` || string(got["a"]) != `{"v":2}` {
		t.Error(got, err)
	}
	if string(old["a"]) != `{"v":1}` {
		t.Error("the old sections were changed")
	}
}

func TestFilesThatAreNoSessionAreRefusedWithASentence(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct{ text, want string }{
		"damaged": {"{", "correct it, or move it away"},
		"newer":   {`{"version":2,"exam":17}`, "has version 2, this program knows 1; update the program"},
		"other":   {`{}`, "is no session file; choose one that ends in .bayeslice"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); !errors.Is(err, ErrSession) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Open(filepath.Join(dir, "none")); !errors.Is(err, ErrSession) || !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := Write(filepath.Join(dir, "none", "x"), File{}); !errors.Is(err, ErrSession) {
		t.Error(err)
	}
}

func TestAnOldSessionStaysWhereWritingFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "s"+Extension)
	if err := Write(path, File{Program: "first"}); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 || runtime.GOOS == "windows" { // root may write anywhere, and Windows protects no folder so: a folder in the place of the file is refused to all
		path = filepath.Join(dir, "folder")
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := Write(path, File{}); !errors.Is(err, ErrSession) {
			t.Error(err)
		}
		return
	}
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o700)
	if err := Write(path, File{Program: "second"}); !errors.Is(err, ErrSession) {
		t.Error(err)
	}
	if f, err := Open(path); err != nil || f.Program != "first" {
		t.Error(f, err)
	}
}

func TestAnExamThatMovedWithItsSessionIsFound(t *testing.T) {
	e := Exam{Path: filepath.FromSlash("/a/b/exam"), Relative: "../exam"}
	got := e.Places(filepath.FromSlash("/new/place/s.bayeslice"))
	if len(got) != 2 || got[0] != e.Path || got[1] != filepath.FromSlash("/new/exam") {
		t.Error(got)
	}
	if got := (Exam{Path: "/a/b/exam", Relative: "exam"}).Places("/a/b/s.bayeslice"); len(got) != 1 {
		t.Error(got)
	}
	if got := (Exam{Demo: true}).Places("x"); got != nil {
		t.Error(got)
	}
}

func TestResultsAndNames(t *testing.T) {
	r := Result{Task: "zones", Model: "m", Seed: math.MaxUint64, Samples: 7, Slot: -1, Moves: map[string]geom.Vec3{"adc": {1, -0.5, 1.0 / 3}}}
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var again Result
	if err := json.Unmarshal(data, &again); err != nil || !reflect.DeepEqual(again, r) || again.Check() != nil {
		t.Error(again, err)
	}
	if (Result{Task: "zones", Model: "m"}).Check() == nil || (Result{Samples: 3}).Check() == nil {
		t.Error("a result that cannot be sampled passed")
	}
	for path, want := range map[string]string{"a": "a.bayeslice", "a.BAYESLICE": "a.BAYESLICE", "a.json": "a.json.bayeslice"} {
		if got := WithExtension(path); got != want {
			t.Error(got)
		}
	}
}
