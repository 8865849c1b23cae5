// Package keymap holds keyboard maps: which key, with which modifiers and in which mode, means which
// command. Commands are names here; what they do is known to the window. A map is a profile, in the
// manner of another program or of this one, with the user's own changes on top of it, and only those
// changes are stored, so that a profile that grows reaches its users.
package keymap

import (
	"cmp"
	"slices"
)

// Mode says when a binding holds.
type Mode uint8

// Modes. Any holds in both others.
const (
	Any  Mode = iota
	View      // images are looked at
	Edit      // labels are edited
)

// Overlaps reports whether both hold at some time.
func (m Mode) Overlaps(o Mode) bool { return m == Any || o == Any || m == o }

// Binding is one line of a map.
type Binding struct {
	Mode    Mode
	Chord   Chord
	Command string
}

// slot is a chord in one concrete mode.
type slot struct {
	mode  Mode
	chord Chord
}

// Map is a keyboard map in which every key means at most one thing in each mode. The zero value is
// empty and ready for use. Not safe for concurrent use.
type Map struct {
	commands map[slot]string
}

// New returns the map of bindings; of two that claim one key in one mode the first holds.
func New(bindings []Binding) *Map {
	m := &Map{}
	for _, b := range bindings {
		for _, at := range slots(b.Mode, b.Chord) {
			if m.commands[at] == "" {
				m.set(at, b.Command)
			}
		}
	}
	return m
}

// slots lists where a binding holds.
func slots(mode Mode, c Chord) []slot {
	if mode == Any {
		return []slot{{View, c}, {Edit, c}}
	}
	return []slot{{mode, c}}
}

func (m *Map) set(at slot, command string) {
	if m.commands == nil {
		m.commands = map[slot]string{}
	}
	if command == "" {
		delete(m.commands, at)
	} else {
		m.commands[at] = command
	}
}

// Command returns what a chord means in [View] or [Edit], or "".
func (m *Map) Command(mode Mode, c Chord) string { return m.commands[slot{mode, c}] }

// Clone returns a copy.
func (m *Map) Clone() *Map {
	out := &Map{}
	for at, command := range m.commands {
		out.set(at, command)
	}
	return out
}

// Equal reports whether two maps mean the same everywhere.
func (m *Map) Equal(o *Map) bool {
	if len(m.commands) != len(o.commands) {
		return false
	}
	for at, command := range m.commands {
		if o.commands[at] != command {
			return false
		}
	}
	return true
}

// Bindings lists the map, those of both modes as one, by command, then by mode and chord.
func (m *Map) Bindings() []Binding {
	var out []Binding
	for at, command := range m.commands {
		switch other := m.commands[slot{View + Edit - at.mode, at.chord}]; {
		case other != command:
			out = append(out, Binding{at.mode, at.chord, command})
		case at.mode == View: // once for both
			out = append(out, Binding{Any, at.chord, command})
		}
	}
	slices.SortFunc(out, func(a, b Binding) int {
		return cmp.Or(cmp.Compare(a.Command, b.Command), cmp.Compare(a.Mode, b.Mode), a.Chord.compare(b.Chord))
	})
	return out
}

// Of lists the bindings of a command, by mode and chord.
func (m *Map) Of(command string) []Binding {
	var out []Binding
	for _, b := range m.Bindings() {
		if b.Command == command {
			out = append(out, b)
		}
	}
	return out
}

// Conflicts lists the other commands that a chord means in a mode, with the modes in which they would
// lose it were it bound to command.
func (m *Map) Conflicts(mode Mode, c Chord, command string) []Binding {
	var out []Binding
	for _, at := range slots(mode, c) {
		held := m.commands[at]
		if held == "" || held == command {
			continue
		}
		if n := len(out); n > 0 && out[n-1].Command == held {
			out[n-1].Mode = Any
			continue
		}
		out = append(out, Binding{at.mode, c, held})
	}
	return out
}

// Bind makes a chord mean a command in a mode; whatever it meant there before, it does not any more.
func (m *Map) Bind(mode Mode, c Chord, command string) {
	for _, at := range slots(mode, c) {
		m.set(at, command)
	}
}

// Unbind makes a chord mean nothing in a mode.
func (m *Map) Unbind(mode Mode, c Chord) { m.Bind(mode, c, "") }

// Clashes lists pairs of bindings of different commands that claim one key in one mode: faults of a
// profile's definition, of which [New] silently takes the first.
func Clashes(bindings []Binding) [][2]Binding {
	var out [][2]Binding
	for i, a := range bindings {
		for _, b := range bindings[i+1:] {
			if a.Chord == b.Chord && a.Command != b.Command && a.Mode.Overlaps(b.Mode) {
				out = append(out, [2]Binding{a, b})
			}
		}
	}
	return out
}
