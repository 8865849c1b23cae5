package viewstate

import "bayeslice/internal/keymap"

// Profiles lists the keyboard maps that can be chosen, the program's own first.
func Profiles() []keymap.Profile {
	own := make([]keymap.Binding, len(defaultKeymap))
	for i, b := range defaultKeymap {
		own[i] = keymap.Binding{Mode: keyModes[b.Mode], Chord: b.Chord(), Command: b.Command.Info().Name}
	}
	return keymap.Profiles(own)
}

// keyModes are the modes as package keymap knows them.
var keyModes = [...]keymap.Mode{AnyMode: keymap.Any, ViewMode: keymap.View, EditMode: keymap.Edit}

// KnownCommand reports whether there is a command of a stable name.
func KnownCommand(name string) bool {
	_, ok := CommandNamed(name)
	return ok
}

// KeymapOf returns a map as a [State] takes it; commands that this program does not have are left out.
func KeymapOf(m *keymap.Map) Keymap {
	modes := map[keymap.Mode]Mode{keymap.Any: AnyMode, keymap.View: ViewMode, keymap.Edit: EditMode}
	var out Keymap
	for _, b := range m.Bindings() {
		if c, ok := CommandNamed(b.Command); ok {
			out = append(out, Binding{Key: b.Chord.Key, Mods: chordMods(b.Chord), Mode: modes[b.Mode], Command: c})
		}
	}
	return out
}

// Chord returns the key of a binding with its modifiers.
func (b Binding) Chord() keymap.Chord { return ChordOf(b.Key, b.Mods) }

// ChordOf returns a key with modifiers as package keymap knows it. For the keys that are typed characters
// Shift does not count: it lies elsewhere on each keyboard.
func ChordOf(key string, m Mods) keymap.Chord {
	return keymap.Chord{Key: key, Shift: m&Shift != 0, Ctrl: m&Ctrl != 0, Alt: m&Alt != 0}
}

func chordMods(c keymap.Chord) Mods {
	var m Mods
	if c.Shift {
		m |= Shift
	}
	if c.Ctrl {
		m |= Ctrl
	}
	if c.Alt {
		m |= Alt
	}
	return m
}
