package viewstate

import (
	"slices"
	"testing"

	"bayeslice/internal/keymap"
)

func TestEveryProfileReachesEveryCommand(t *testing.T) {
	own := KeymapOf(keymap.New(Profiles()[0].Bindings))
	for _, p := range Profiles() {
		if clashes := keymap.Clashes(p.Bindings); len(clashes) > 0 {
			t.Errorf("%s: %v", p.Name, clashes)
		}
		for _, b := range p.Bindings {
			if !KnownCommand(b.Command) {
				t.Errorf("%s names no command: %s", p.Name, b.Command)
			}
			if b.Chord.Reserved() {
				t.Errorf("%s binds %s, which the window needs", p.Name, b.Chord)
			}
		}
		m := KeymapOf(keymap.New(p.Bindings))
		for _, c := range Commands() {
			if own.Text(c) != "" && m.Text(c) == "" {
				t.Errorf("%s has no key for %q", p.Name, c.Info().Name)
			}
		}
	}
}

func TestTheOwnProfileIsTheDefaultMap(t *testing.T) {
	m := KeymapOf(keymap.New(Profiles()[0].Bindings))
	for _, b := range DefaultKeymap() {
		for _, mode := range []Mode{ViewMode, EditMode} {
			if got, want := m.For(mode, b.Key, b.Mods), DefaultKeymap().For(mode, b.Key, b.Mods); got != want {
				t.Errorf("%v in mode %d is %d, want %d", b.Chord(), mode, got, want)
			}
		}
	}
	if got := m.For(EditMode, "1", 0); got != Label1 {
		t.Error("1 labels nothing when editing:", got)
	}
	if slices.ContainsFunc(m, func(b Binding) bool { return b.Command == NoCommand }) {
		t.Error("a key means nothing")
	}
	made := keymap.New([]keymap.Binding{{Mode: keymap.Any, Chord: keymap.Chord{Key: "F1"}, Command: "of-another-version"}})
	if got := KeymapOf(made); len(got) != 0 {
		t.Error(got)
	}
}
