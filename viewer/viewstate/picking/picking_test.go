package picking

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"
)

// tree makes files (names) and folders (names that end with a slash).
func tree(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, n := range names {
		path := filepath.Join(dir, n)
		var err error
		if n[len(n)-1] == '/' {
			err = os.MkdirAll(path, 0o700)
		} else {
			err = os.WriteFile(path, []byte(n), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// answer lists what a picker asks for.
func answer(p *Picker) {
	if folder, asked, ok := p.Ask(); ok {
		l, err := List(folder, p.Question())
		p.Answer(asked, l, err)
	}
}

func names(p *Picker) []string {
	var out []string
	for _, e := range p.Entries() {
		out = append(out, e.Name)
	}
	return out
}

func TestListsFoldersFirstAndWhatIsOffered(t *testing.T) {
	dir := tree(t, "b.onnx", "A.ONNX", "notes.txt", "zeta/", "Beta/", ".cache/", ".hidden.onnx")
	if runtime.GOOS == "windows" { // which lets not everyone make links
		if err := os.Mkdir(filepath.Join(dir, "alias"), 0o700); err != nil {
			t.Fatal(err)
		}
	} else if err := os.Symlink(filepath.Join(dir, "zeta"), filepath.Join(dir, "alias")); err != nil {
		t.Fatal(err)
	}
	p := New(Question{Extensions: []string{".onnx"}}, dir, "b.onnx")
	if !p.Busy() || len(p.Entries()) != 0 {
		t.Error("listed before an answer")
	}
	answer(p)
	if got := names(p); !slices.Equal(got, []string{"alias", "Beta", "zeta", "A.ONNX", "b.onnx"}) || p.Others() != 1 || p.At() != 4 {
		t.Errorf("%q, %d others, at %d", got, p.Others(), p.At())
	}
	p.SetHidden(true)
	if got := names(p); len(got) != 7 || got[0] != ".cache" || got[p.At()] != "b.onnx" {
		t.Errorf("with hidden ones %q, at %d", got, p.At())
	}
	p = New(Question{Folder: true}, dir, "")
	answer(p)
	if got := names(p); !slices.Equal(got, []string{"alias", "Beta", "zeta"}) || p.Others() != 3 || p.At() != -1 {
		t.Errorf("%q, %d others, at %d", got, p.Others(), p.At())
	}
}

func TestKeysWalkThroughFolders(t *testing.T) {
	dir := tree(t, "one/", "one/inner/", "one/x.zip", "two/", "zz.zip")
	p := New(Question{Extensions: []string{".zip"}}, dir, "")
	answer(p)
	if path, chosen := p.Enter(); chosen || path != "" || p.Folder() != filepath.Join(dir, "one") {
		t.Fatalf("%q, %v in %s", path, chosen, p.Folder())
	}
	answer(p)
	p.Move(1)
	if path, chosen := p.Enter(); !chosen || path != filepath.Join(dir, "one", "x.zip") {
		t.Errorf("%q, %v", path, chosen)
	}
	if !p.Up() {
		t.Fatal("no way up")
	}
	answer(p)
	if p.Folder() != dir || names(p)[p.At()] != "one" {
		t.Errorf("%s, %q selected", p.Folder(), names(p)[p.At()])
	}
	p.Move(99)
	if names(p)[p.At()] != "zz.zip" {
		t.Errorf("%q at the end", names(p)[p.At()])
	}
	p.Move(-99)
	if p.At() != 0 {
		t.Errorf("at %d at the start", p.At())
	}
	for p.Up() {
	}
	if p.Folder() != filepath.Dir(p.Folder()) {
		t.Errorf("the top is %s", p.Folder())
	}
}

func TestTypingGoesToANameThatBegins(t *testing.T) {
	dir := tree(t, "Patient-01/", "Patient-02/", "phantom/", "quiet/", "Älter/")
	p := New(Question{Folder: true}, dir, "")
	answer(p)
	now := time.Unix(100, 0)
	typed := func(text string, later time.Duration) string {
		for _, r := range text {
			now = now.Add(later)
			p.Type(r, now)
		}
		return names(p)[p.At()]
	}
	if got := typed("q", time.Minute); got != "quiet" {
		t.Errorf("q: %q", got)
	}
	now = now.Add(time.Minute)
	if got := typed("patient-02", time.Second/4); got != "Patient-02" {
		t.Errorf("the whole name: %q", got)
	}
	now = now.Add(time.Minute)
	for _, want := range []string{"phantom", "Patient-01", "Patient-02", "phantom"} {
		if got := typed("p", time.Second/4); got != want {
			t.Errorf("p again: %q, want %q", got, want)
		}
	}
	now = now.Add(time.Minute)
	if got := typed("Ä", 0); got != "Älter" {
		t.Errorf("a letter beyond ASCII: %q", got)
	}
	now = now.Add(time.Minute)
	if got := typed("x", 0); got != "Älter" {
		t.Errorf("a letter that no name begins with went to %q", got)
	}
}

func TestOldAnswersAreDroppedAndFailuresTold(t *testing.T) {
	dir := tree(t, "a/", "b/")
	p := New(Question{Folder: true}, dir, "")
	_, old, _ := p.Ask()
	p.Go(filepath.Join(dir, "a"), "")
	p.Answer(old, Listing{Folder: dir, Entries: []Entry{{Name: "b", Folder: true}}}, nil)
	if len(p.Entries()) != 0 || !p.Busy() {
		t.Error("an old answer was shown")
	}
	p.Go(filepath.Join(dir, "gone"), "")
	if _, ok := p.Choice(); ok {
		t.Error("a folder that was not read yet can be chosen")
	}
	answer(p)
	if _, ok := p.Choice(); ok || !errors.Is(p.Err(), fs.ErrNotExist) {
		t.Errorf("%v, a choice %v", p.Err(), ok)
	}
	p.Go(filepath.Join(dir, "gone", "too"), "a")
	_, asked, _ := p.Ask()
	l, err := Nearest(p.Folder(), p.Question())
	p.Answer(asked, l, err)
	if p.Folder() != dir || len(p.Entries()) != 2 || p.Err() != nil {
		t.Errorf("%s, %v", p.Folder(), p.Err())
	}
	p.Go(filepath.Join(dir, "gone"), "")
	answer(p)
	if path, chosen := p.Enter(); path != "" || chosen {
		t.Error("something was chosen where nothing is")
	}
}

func TestTheButtonChoosesWhatIsSelected(t *testing.T) {
	dir := tree(t, "a/", "f.zip")
	p := New(Question{Extensions: []string{".zip"}}, dir, "")
	answer(p)
	if path, ok := p.Choice(); ok {
		t.Errorf("a folder was chosen for a file: %s", path)
	}
	p.Select(1)
	if path, ok := p.Choice(); !ok || path != filepath.Join(dir, "f.zip") {
		t.Errorf("%q, %v", path, ok)
	}
	p = New(Question{Folder: true}, dir, "")
	answer(p)
	if path, ok := p.Choice(); !ok || path != dir {
		t.Errorf("where none is selected: %q, %v", path, ok)
	}
	p.Move(1)
	if path, ok := p.Choice(); !ok || path != filepath.Join(dir, "a") {
		t.Errorf("%q, %v", path, ok)
	}
	p.Enter()
	answer(p)
	if path, ok := p.Choice(); !ok || path != filepath.Join(dir, "a") {
		t.Errorf("an empty folder: %q, %v", path, ok)
	}
	if chosen, ok := p.Typed(filepath.Join(dir, "f.zip"), false); chosen || ok {
		t.Error("a file was taken for a folder")
	}
	if chosen, ok := p.Typed(dir, true); chosen || !ok || p.Folder() != dir {
		t.Errorf("typed %v, %v: %s", chosen, ok, p.Folder())
	}
}

func TestStartsWhereTheLastChoiceWas(t *testing.T) {
	if folder, selected := Start("", "home"); folder != "home" || selected != "" {
		t.Errorf("%q, %q", folder, selected)
	}
	if folder, selected := Start(filepath.Join("data", "exam-7"), "home"); folder != "data" || selected != "exam-7" {
		t.Errorf("%q, %q", folder, selected)
	}
}
