package keymap

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"bayeslice/internal/lang"
)

// ErrChord marks text that names no key.
var ErrChord = errors.New("keymap: no such key")

// Chord is a key with modifiers. Key is the name of a key as Fyne writes it: "F", "1", "Up", "Home",
// "Prior" (page up), "Next" (page down), "F1", "."; for "+", "?", "<" and ">", which lie elsewhere on
// each keyboard, it is the typed character, without Shift. Ctrl stands for Command on macOS.
type Chord struct {
	Key              string
	Shift, Ctrl, Alt bool
}

// maxKey is the length of the longest sensible name of a key.
const maxKey = 20

// ParseChord reads what [Chord.String] writes, such as "Ctrl+Shift+H" or "Ctrl++". It fails with [ErrChord].
func ParseChord(text string) (Chord, error) {
	var c Chord
	rest := text
	for {
		before, after, found := strings.Cut(rest, "+")
		if !found || before == "" || after == "" { // a key, of which "+" may be one
			break
		}
		held := c.modifier(before)
		if held == nil || *held {
			return Chord{}, fmt.Errorf("%w: %q", ErrChord, text)
		}
		*held = true
		rest = after
	}
	if c.modifier(rest) != nil || rest == "" || len(rest) > maxKey || rest != "+" && strings.Contains(rest, "+") || strings.ContainsAny(rest, " \t\n") {
		return Chord{}, fmt.Errorf("%w: %q", ErrChord, text)
	}
	c.Key = rest
	return c, nil
}

// modifier returns the field of a modifier by its name, or nil.
func (c *Chord) modifier(name string) *bool {
	switch name {
	case "Ctrl":
		return &c.Ctrl
	case "Alt":
		return &c.Alt
	case "Shift":
		return &c.Shift
	}
	return nil
}

// String returns the chord as it is stored, the same on every system and in every language.
func (c Chord) String() string { return c.join("Ctrl", "Alt", "Shift", c.Key) }

func (c Chord) join(ctrl, alt, shift, key string) string {
	var parts []string
	for _, m := range []struct {
		held bool
		name string
	}{{c.Ctrl, ctrl}, {c.Alt, alt}, {c.Shift, shift}} {
		if m.held {
			parts = append(parts, m.name)
		}
	}
	return strings.Join(append(parts, key), "+")
}

// keyNames are the keys that are shown otherwise than they are stored.
var keyNames = map[string]lang.Text{
	"Up": lang.Mark("↑"), "Down": lang.Mark("↓"), "Left": lang.Mark("←"), "Right": lang.Mark("→"),
	"Prior": lang.Mark("Page up"), "Next": lang.Mark("Page down"), "Home": lang.Mark("Home"), "End": lang.Mark("End"),
	"Return": lang.Mark("Enter"), "KP_Enter": lang.Mark("Enter (number pad)"), "Escape": lang.Mark("Esc"),
	"BackSpace": lang.Mark("Backspace"), "Delete": lang.Mark("Delete"), "Insert": lang.Mark("Insert"),
	"Space": lang.Mark("Space"), "Tab": lang.Mark("Tab"), "-": lang.Mark("−"),
}

// Label returns the chord as the user knows it, in the user's language.
func (c Chord) Label() string {
	key := c.Key
	if name, ok := keyNames[key]; ok {
		key = name.String()
	}
	if runtime.GOOS == "darwin" {
		return c.join("⌘", "⌥", "⇧", key)
	}
	return c.join(lang.T("Ctrl"), lang.T("Alt"), lang.T("Shift"), key)
}

func (c Chord) compare(o Chord) int {
	weight := func(c Chord) int {
		n := 0
		for i, held := range []bool{c.Shift, c.Alt, c.Ctrl} {
			if held {
				n |= 1 << i
			}
		}
		return n
	}
	return cmp.Or(cmp.Compare(weight(c), weight(o)), cmp.Compare(c.Key, o.Key))
}

// Reserved reports whether the window needs a chord for itself, so that it cannot be bound: Space alone
// is held for panning, and keys that are modifiers do nothing by themselves.
func (c Chord) Reserved() bool {
	if c.Key == "Space" && c == (Chord{Key: "Space"}) {
		return true
	}
	switch c.Key {
	case "", "LeftShift", "RightShift", "LeftControl", "RightControl", "LeftAlt", "RightAlt", "LeftSuper", "RightSuper", "Menu", "CapsLock":
		return true
	}
	return false
}
