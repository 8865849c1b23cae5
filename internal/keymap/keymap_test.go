package keymap

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func chord(t testing.TB, text string) Chord {
	t.Helper()
	c, err := ParseChord(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// own is a small map in the manner of the program's.
func own(t testing.TB) []Binding {
	return []Binding{
		{Any, chord(t, "Up"), "slice-up"}, {Any, chord(t, "S"), "toggle-contours"}, {Any, chord(t, "Ctrl+Z"), "undo"},
		{View, chord(t, "1"), "preset-1"}, {Edit, chord(t, "1"), "label-wg"},
		{View, chord(t, "E"), "more-opacity"}, {Edit, chord(t, "E"), "tool-eraser"}, {Any, chord(t, "W"), "more-opacity"},
	}
}

func known(string) bool { return true }

func TestChordsThereAndBack(t *testing.T) {
	for _, text := range []string{"F", "Ctrl+Shift+H", "Ctrl++", "+", "-", "?", "Shift+Tab", "Ctrl+Alt+Shift+Prior", "<", "Alt+1", "`"} {
		if c := chord(t, text); c.String() != text {
			t.Errorf("%q became %q", text, c.String())
		}
	}
	for _, text := range []string{"", "Ctrl", "Ctrl+", "Ctrl+Ctrl+A", "Hyper+A", "A+B", "Ctrl+A+B", " ", "A B", strings.Repeat("x", 30)} {
		if c, err := ParseChord(text); !errors.Is(err, ErrChord) {
			t.Errorf("%q was read as %v, %v", text, c, err)
		}
	}
	if c, err := ParseChord("Shift+Ctrl+A"); err != nil || c.String() != "Ctrl+Shift+A" {
		t.Error("the order of modifiers matters:", c, err)
	}
	if got := chord(t, "Prior").Label(); got != "Page up" {
		t.Error(got)
	}
	if !chord(t, "Space").Reserved() || chord(t, "Ctrl+Space").Reserved() || !(Chord{Key: "LeftShift"}).Reserved() {
		t.Error("what is reserved is wrong")
	}
}

func FuzzParseChord(f *testing.F) {
	f.Add("Ctrl+Shift+H")
	f.Add("++")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseChord(text)
		if err != nil {
			return
		}
		again, err := ParseChord(c.String())
		if err != nil || again != c {
			t.Errorf("%q: %v, then %v, %v", text, c, again, err)
		}
	})
}

func TestConflictsAreToldBeforeABindingTakesThem(t *testing.T) {
	m := New(own(t))
	one := chord(t, "1")
	got := m.Conflicts(Any, one, "slice-up")
	if fmt.Sprint(got) != fmt.Sprint([]Binding{{View, one, "preset-1"}, {Edit, one, "label-wg"}}) {
		t.Error(got)
	}
	if got := m.Conflicts(Edit, one, "label-wg"); got != nil {
		t.Error("a command is in conflict with itself:", got)
	}
	if got := m.Conflicts(Any, chord(t, "S"), "x"); len(got) != 1 || got[0].Mode != Any {
		t.Error(got)
	}
	m.Bind(Edit, one, "slice-up")
	if m.Command(View, one) != "preset-1" || m.Command(Edit, one) != "slice-up" || len(m.Of("label-wg")) != 0 {
		t.Error("the binding took more or less than its mode")
	}
	m.Bind(Edit, chord(t, "S"), "tool-lasso")
	if of := m.Of("toggle-contours"); len(of) != 1 || of[0].Mode != View {
		t.Error("a command of both modes lost more than one:", of)
	}
}

func TestBindingsAreTheMap(t *testing.T) {
	for seed := range uint64(50) {
		m := random(rand.New(rand.NewPCG(seed, 1)), 40)
		if !New(m.Bindings()).Equal(m) {
			t.Fatalf("seed %d: %v", seed, m.Bindings())
		}
		if c := Clashes(m.Bindings()); c != nil {
			t.Fatalf("seed %d: a map clashes with itself: %v", seed, c)
		}
	}
}

// random returns a map of n random changes.
func random(r *rand.Rand, n int) *Map {
	m := &Map{}
	for range n {
		c := Chord{Key: string(rune('A' + r.IntN(8))), Ctrl: r.IntN(2) == 0}
		m.Bind(Mode(r.IntN(3)), c, []string{"", "a", "b", "c"}[r.IntN(4)])
	}
	return m
}

func TestClashesAreFound(t *testing.T) {
	a := chord(t, "A")
	if c := Clashes([]Binding{{View, a, "x"}, {Edit, a, "y"}, {View, a, "x"}}); c != nil {
		t.Error(c)
	}
	if c := Clashes([]Binding{{Any, a, "x"}, {Edit, a, "y"}}); len(c) != 1 {
		t.Error(c)
	}
}

func TestProfilesKeepWhatTheyDoNotReplace(t *testing.T) {
	for _, p := range Profiles(own(t)) {
		m := New(p.Bindings)
		if got := m.Command(View, chord(t, "S")); got != "toggle-contours" {
			t.Errorf("%s: S is %q", p.Name, got)
		}
		if len(m.Of("undo")) == 0 || len(m.Of("slice-up")) == 0 {
			t.Errorf("%s lost a command", p.Name)
		}
		if c := Clashes(p.Bindings); c != nil {
			t.Errorf("%s: %v", p.Name, c)
		}
	}
	for _, m := range manners {
		var raw []Binding
		for _, c := range m.changes {
			for _, text := range c.chords {
				raw = append(raw, Binding{c.mode, chord(t, text), c.command})
			}
		}
		if c := Clashes(raw); c != nil {
			t.Errorf("%s claims a key twice: %v", m.name, c)
		}
	}
}

func TestChangesAreStoredAndNothingElse(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 2))
		path := filepath.Join(t.TempDir(), "keys.json")
		profiles := Profiles(own(t))
		s, err := Open(path, profiles, known)
		if err != nil {
			t.Fatal(err)
		}
		s.SetProfile(profiles[r.IntN(len(profiles))].Name)
		for _, b := range random(r, 10).Bindings() {
			s.Map().Bind(b.Mode, b.Chord, b.Command)
		}
		for _, b := range own(t)[:r.IntN(4)] {
			s.Map().Unbind(b.Mode, b.Chord)
		}
		if err := s.Save(); err != nil {
			t.Fatal(err)
		}
		again, err := Open(path, profiles, known)
		if err != nil || again.Profile() != s.Profile() || !again.Map().Equal(s.Map()) || again.Changed() != s.Changed() {
			t.Fatalf("seed %d: %v\n%v\n%v", seed, err, s.Map().Bindings(), again.Map().Bindings())
		}
		again.Reset()
		if again.Changed() || !again.Map().Equal(New(again.find(again.Profile()).Bindings)) {
			t.Errorf("seed %d: a reset leaves changes", seed)
		}
	}
}

func TestAMapOfAnotherVersionIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	const text = `{"version":1,"profile":"emacs","overrides":[{"key":"S","command":"fly"},{"key":"Hyper+S","command":"undo"},{"key":"A","command":"undo"}],"later":5}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(path, Profiles(own(t)), func(c string) bool { return c != "fly" })
	if err != nil || s.Profile() != Own || s.Missing() != "emacs" {
		t.Fatal(s, err)
	}
	if s.Map().Command(View, chord(t, "S")) != "toggle-contours" || s.Map().Command(Edit, chord(t, "A")) != "undo" {
		t.Error("the rest of the map is not used")
	}
	s.Map().Bind(Any, chord(t, "B"), "undo")
	if err := s.Save(); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(path)
	for _, want := range []string{`"fly"`, `"Hyper+S"`, `"later"`, `"B"`} {
		if err != nil || !strings.Contains(string(after), want) {
			t.Errorf("%s is lost: %s, %v", want, after, err)
		}
	}
}

func TestDamagedMapsAreRefusedAndNothingIsWrittenWithoutAChange(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	s, err := Open(path, Profiles(own(t)), known)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Save(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a file was written without a change")
	}
	if err := os.WriteFile(path, []byte(`{"version":9}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, Profiles(own(t)), known); !errors.Is(err, ErrKeys) {
		t.Error(err)
	}
	if err := Unsaved(Profiles(own(t)), known).Save(); err != nil {
		t.Error(err)
	}
}

func TestACommandCanBeReset(t *testing.T) {
	s := Unsaved(Profiles(own(t)), known)
	s.Map().Bind(Any, chord(t, "S"), "undo")
	s.Map().Bind(Any, chord(t, "Q"), "toggle-contours")
	if !s.CommandChanged("toggle-contours") || s.CommandChanged("slice-up") {
		t.Error("which commands changed is wrong")
	}
	s.ResetCommand("toggle-contours")
	if s.CommandChanged("toggle-contours") {
		t.Error("a reset command is changed")
	}
	if of := s.Map().Of("toggle-contours"); len(of) != 1 || of[0].Chord.Key != "S" {
		t.Error(of)
	}
	if of := s.Map().Of("undo"); len(of) != 1 || of[0].Chord.String() != "Ctrl+Z" {
		t.Error(of)
	}
	for command, want := range map[string]Mode{"label-wg": Edit, "preset-1": View, "slice-up": Any, "more-opacity": Any, "none": Any} {
		if got := s.Scope(command); got != want {
			t.Errorf("%s has scope %d, want %d", command, got, want)
		}
	}
}
