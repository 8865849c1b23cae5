package viewstate

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"bayeslice/internal/keymap"
	"bayeslice/internal/testenv"
)

var updateKeys = flag.Bool("update", false, "write docs/keys.md anew from the keyboard maps")

// keysPage is docs/keys.md.
func keysPage() string {
	var b strings.Builder
	b.WriteString("# Keys and mouse\n\n" +
		"Every key can be changed: **☰ → Keys and mouse → Change keys** chooses one of the maps below and changes single keys; a key\n" +
		"that has a meaning already says so before it is taken. What differs from the map is kept in `keys.json` in the settings folder.\n" +
		"Digits and a few letters mean one thing while images are looked at (*view*) and another while labels are edited (*edit*); the\n" +
		"badge at the lower left of the window says which. On macOS ⌘ takes the place of Ctrl.\n\n" +
		"This page is made by the program's own tests (`go test ./viewer/viewstate -run TestTheKeysPage -update`).\n\n## Mouse\n\n| | |\n|---|---|\n")
	for _, l := range MouseHelp() {
		fmt.Fprintf(&b, "| %s | %s |\n", l.Keys, l.Meaning)
	}
	profiles := Profiles()
	for _, g := range Groups {
		fmt.Fprintf(&b, "\n## %s\n\n| ", g)
		for _, p := range profiles {
			fmt.Fprintf(&b, "| %s ", p.Title)
		}
		b.WriteString("|\n|---" + strings.Repeat("|---", len(profiles)) + "|\n")
		for _, c := range Commands() {
			if c.Info().Group != g {
				continue
			}
			fmt.Fprintf(&b, "| %s ", c.Info().Meaning)
			for _, p := range profiles {
				fmt.Fprintf(&b, "| %s ", keysOf(p, c))
			}
			b.WriteString("|\n")
		}
	}
	return b.String()
}

// keysOf writes the keys of a command in a profile, with the mode of those that do not hold in both.
func keysOf(p keymap.Profile, c Command) string {
	var out []string
	for _, b := range keymap.New(p.Bindings).Of(c.Info().Name) {
		text := "`" + b.Chord.Label() + "`"
		if b.Chord.Key == "`" {
			text = "`` " + b.Chord.Label() + " ``"
		}
		switch b.Mode {
		case keymap.View:
			text += " view"
		case keymap.Edit:
			text += " edit"
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

func TestTheKeysPageIsTrue(t *testing.T) {
	if runtime.GOOS == "darwin" {
		t.Skip("the page names the modifier keys of other systems")
	}
	path := filepath.Join(testenv.Root(), "docs", "keys.md")
	want := keysPage()
	if *updateKeys {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("docs/keys.md is not what the maps say (%v); run go test ./viewer/viewstate -run TestTheKeysPage -update", err)
	}
}
