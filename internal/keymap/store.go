package keymap

import (
	"errors"
	"fmt"
	"slices"

	"bayeslice/internal/jsonfile"
)

// ErrKeys marks a stored keyboard map that cannot be used. It is left as it is.
var ErrKeys = errors.New("keymap: unusable keyboard map")

// version is the version of the file written here.
const version = 1

// override is a stored difference from the profile; Command is "" where a key was taken away.
type override struct {
	Mode    string `json:"mode,omitempty"` // "view", "edit", or "" for both
	Key     string `json:"key"`
	Command string `json:"command"`
}

type form struct {
	Version   int        `json:"version"`
	Profile   string     `json:"profile,omitempty"`
	Overrides []override `json:"overrides,omitempty"`
}

// Store is the file of the user's keyboard map. Not safe for concurrent use.
type Store struct {
	file     *jsonfile.File
	profiles []Profile
	known    func(command string) bool

	profile  string
	active   *Map
	foreign  []override // of other versions of the program: kept, not used
	missing  string     // the stored profile where this program has none of that name
	savedMap *Map
	savedAs  string
}

// Open reads the map in the file at path, on top of one of profiles, of which there must be at least one;
// known tells which commands there are. A missing file is the first profile. Changes that name other
// commands or keys, as those of a newer program, are kept in the file and not used. It fails with
// [ErrKeys].
func Open(path string, profiles []Profile, known func(command string) bool) (*Store, error) {
	var stored form
	file, err := jsonfile.Open(path, version, &stored)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeys, err)
	}
	s := &Store{file: file, profiles: profiles, known: known}
	if s.find(stored.Profile) == nil && stored.Profile != "" {
		s.missing = stored.Profile
	}
	s.SetProfile(stored.Profile)
	for _, o := range stored.Overrides {
		mode, okMode := modeNamed(o.Mode)
		chord, err := ParseChord(o.Key)
		if err != nil || !okMode || o.Command != "" && !known(o.Command) {
			s.foreign = append(s.foreign, o)
			continue
		}
		s.active.Bind(mode, chord, o.Command)
	}
	s.savedMap, s.savedAs = s.active.Clone(), s.profile
	return s, nil
}

// Unsaved returns a store of the first of profiles that is never saved, for programs without a settings folder.
func Unsaved(profiles []Profile, known func(command string) bool) *Store {
	s := &Store{profiles: profiles, known: known}
	s.SetProfile("")
	return s
}

func (s *Store) find(name string) *Profile {
	for i := range s.profiles {
		if s.profiles[i].Name == name {
			return &s.profiles[i]
		}
	}
	return nil
}

// Map returns the active map, to be changed and saved.
func (s *Store) Map() *Map { return s.active }

// Profiles lists what can be chosen.
func (s *Store) Profiles() []Profile { return s.profiles }

// Profile returns the name of the profile under the user's changes.
func (s *Store) Profile() string { return s.profile }

// Missing returns the name of the stored profile where this program has none of that name, else "".
func (s *Store) Missing() string { return s.missing }

// SetProfile takes a profile anew, without changes; an unknown name takes the first.
func (s *Store) SetProfile(name string) {
	p := s.find(name)
	if p == nil {
		p = &s.profiles[0]
	}
	s.profile, s.active = p.Name, New(p.Bindings)
}

// Reset drops the user's changes.
func (s *Store) Reset() { s.SetProfile(s.profile) }

// ResetCommand gives a command the keys of the profile again, taking them from whatever has them now.
func (s *Store) ResetCommand(command string) {
	for _, b := range s.active.Of(command) {
		s.active.Unbind(b.Mode, b.Chord)
	}
	for _, b := range New(s.find(s.profile).Bindings).Of(command) {
		s.active.Bind(b.Mode, b.Chord, command)
	}
}

// Changed reports whether the active map differs from its profile.
func (s *Store) Changed() bool { return !s.active.Equal(New(s.find(s.profile).Bindings)) }

// CommandChanged reports whether a command has other keys than in the profile.
func (s *Store) CommandChanged(command string) bool {
	return !slices.Equal(s.active.Of(command), New(s.find(s.profile).Bindings).Of(command))
}

// Scope returns the mode in which a command makes sense: that of its bindings in the first profile,
// [Any] where it has none or several.
func (s *Store) Scope(command string) Mode {
	scope, found := Any, false
	for _, b := range s.profiles[0].Bindings {
		if b.Command != command {
			continue
		}
		if found && b.Mode != scope {
			return Any
		}
		scope, found = b.Mode, true
	}
	return scope
}

// Save writes the profile's name and the changes, whole or not at all. Nothing is written where nothing
// changed. It fails with [ErrKeys].
func (s *Store) Save() error {
	if s.file == nil || s.savedMap.Equal(s.active) && s.savedAs == s.profile {
		return nil
	}
	out := form{Profile: s.profile, Overrides: append(s.overrides(), s.foreign...)}
	if err := s.file.Save(out); err != nil {
		return fmt.Errorf("%w: %w", ErrKeys, err)
	}
	s.savedMap, s.savedAs = s.active.Clone(), s.profile
	return nil
}

// overrides lists how the active map differs from its profile.
func (s *Store) overrides() []override {
	base := New(s.find(s.profile).Bindings)
	at := map[slot]bool{}
	for k := range base.commands {
		at[k] = true
	}
	for k := range s.active.commands {
		at[k] = true
	}
	differ := map[slot]string{}
	for k := range at {
		if now := s.active.commands[k]; now != base.commands[k] {
			differ[k] = now
		}
	}
	var out []override
	for k, command := range differ {
		other, both := differ[slot{View + Edit - k.mode, k.chord}]
		switch {
		case !both || other != command:
			out = append(out, override{modeNames[k.mode], k.chord.String(), command})
		case k.mode == View:
			out = append(out, override{"", k.chord.String(), command})
		}
	}
	slices.SortFunc(out, func(a, b override) int { return slices.Compare([]string{a.Key, a.Mode}, []string{b.Key, b.Mode}) })
	return out
}

var modeNames = [...]string{Any: "", View: "view", Edit: "edit"}

func modeNamed(name string) (Mode, bool) {
	i := slices.Index(modeNames[:], name)
	return Mode(max(i, 0)), i >= 0
}
