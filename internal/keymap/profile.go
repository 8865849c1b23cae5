package keymap

import "bayeslice/internal/lang"

// Profile is a whole map under a name.
type Profile struct {
	Name     string    // stable; maps are stored with it
	Title    lang.Text // on screen
	About    lang.Text // one sentence
	Bindings []Binding
}

// Names of the profiles.
const (
	Own     = "bayeslice"
	Slicer  = "slicer"
	ITKSnap = "itk-snap"
	PACS    = "pacs"
)

// change puts other keys in the place of all that a command has in the program's own map.
type change struct {
	command string
	mode    Mode
	chords  []string
}

// manner is a profile as its difference from the program's own.
type manner struct {
	name         string
	title, about lang.Text
	changes      []change
}

// manners follow the documentation of each program, as far as this one has the command. What they leave
// out keeps its own key unless that is taken.
var manners = []manner{
	{Slicer, lang.Mark("Slicer-like"), lang.Mark("Keys of 3D Slicer and its Segment Editor."), []change{
		{"slice-up", Any, []string{"Right", "F", "Up"}},
		{"slice-down", Any, []string{"Left", "B", "Down"}},
		{"next-series", Any, []string{"]", "Next"}},
		{"previous-series", Any, []string{"[", "Prior"}},
		{"fit", Any, []string{"Shift+F"}},
		{"reset", Any, []string{"R"}},
		{"toggle-contours", Any, []string{"G", "S"}},
		{"toggle-map", Any, []string{"T", "O"}},
		{"toggle-reference", Any, []string{"Shift+T"}},
		{"fill-between", Any, []string{"Ctrl+G"}},
		{"tool-brush", Any, []string{"1"}},
		{"tool-eraser", Any, []string{"2"}},
		{"tool-polygon", Any, []string{"3", "P"}},
		{"tool-lasso", Any, []string{"4"}},
		{"tool-browse", Any, []string{"0", "V"}},
		{"brush-smaller", Edit, []string{"-"}},
		{"brush-larger", Edit, []string{"+", "="}},
		{"label-previous", Edit, []string{"Q", "<"}},
		{"label-next", Edit, []string{"W", ">"}},
		{"less-opacity", Any, []string{"Shift+Q"}},
		{"more-opacity", Any, []string{"Shift+E"}},
		{"undo", Any, []string{"Z", "Ctrl+Z"}},
		{"redo", Any, []string{"Y", "Ctrl+Y", "Ctrl+Shift+Z"}},
		{"voxel", Any, []string{"Shift+Y"}},
		{"preset-1", View, []string{"Alt+1"}},
		{"preset-2", View, []string{"Alt+2"}},
		{"preset-3", View, []string{"Alt+3"}},
		{"preset-4", View, []string{"Alt+4"}},
		{"preset-5", View, []string{"Alt+5"}},
		{"label-wg", Edit, []string{"Alt+1"}},
		{"label-tz", Edit, []string{"Alt+2"}},
		{"label-pz", Edit, []string{"Alt+3"}},
		{"label-lesion", Edit, []string{"Alt+4"}},
		{"help", Any, []string{"Ctrl+1", "?", "F1"}},
	}},
	{ITKSnap, lang.Mark("ITK-SNAP-like"), lang.Mark("Keys of ITK-SNAP's slice views and tools."), []change{
		{"slice-up", Any, []string{"Prior", "Up"}},
		{"slice-down", Any, []string{"Next", "Down"}},
		{"previous-series", Any, []string{"["}},
		{"next-series", Any, []string{"]"}},
		{"fit", Any, []string{"Ctrl+F", "F"}},
		{"zoom-in", Any, []string{"Ctrl+Up"}},
		{"zoom-out", Any, []string{"Ctrl+Down"}},
		{"toggle-contours", Any, []string{"S"}},
		{"toggle-everywhere", Any, []string{"Shift+A"}},
		{"less-opacity", Any, []string{"A", "Q"}},
		{"more-opacity", Any, []string{"D", "E"}},
		{"toggle-map", Any, []string{"W", "O"}},
		{"hide-all", Any, []string{"X"}},
		{"tool-browse", Any, []string{"1", "V"}},
		{"tool-polygon", Any, []string{"3", "P"}},
		{"tool-brush", Any, []string{"4", "B"}},
		{"tool-eraser", Any, []string{"5"}},
		{"tool-ruler", Any, []string{"6"}},
		{"brush-smaller", Any, []string{"-"}},
		{"brush-larger", Any, []string{"+", "="}},
		{"label-previous", Any, []string{"<"}},
		{"label-next", Any, []string{">"}},
		{"preset-1", View, []string{"Alt+1"}},
		{"preset-2", View, []string{"Alt+2"}},
		{"preset-3", View, []string{"Alt+3"}},
		{"preset-4", View, []string{"Alt+4"}},
		{"preset-5", View, []string{"Alt+5"}},
		{"label-wg", Edit, []string{"Alt+1"}},
		{"label-tz", Edit, []string{"Alt+2"}},
		{"label-pz", Edit, []string{"Alt+3"}},
		{"label-lesion", Edit, []string{"Alt+4"}},
		{"open", Any, []string{"Ctrl+G", "Ctrl+O"}},
		{"cine", Any, []string{"Ctrl+Shift+P", "C"}},
	}},
	{PACS, lang.Mark("PACS-like"), lang.Mark("Keys that reading programs such as OHIF and Weasis share."), []change{
		{"invert-greys", Any, []string{"I"}},
		{"cycle-texts", Any, []string{"Shift+I"}},
		{"fit", Any, []string{"="}},
		{"reset", View, []string{"Escape"}},
		{"reset", Any, []string{"Shift+R"}},
		{"reject", Edit, []string{"Escape"}},
		{"next-view", Any, []string{"Right", "Tab"}},
		{"previous-view", Any, []string{"Left", "Shift+Tab"}},
		{"zoom-in", Any, []string{"+", "Ctrl++"}},
		{"zoom-out", Any, []string{"-", "Ctrl+-"}},
		{"tool-ruler", Any, []string{"D", "L"}},
		{"tool-browse", Any, []string{"W", "V"}},
		{"more-opacity", Any, []string{"Shift+E"}},
		{"less-opacity", Any, []string{"Shift+Q"}},
		{"toggle-crosshair", Any, []string{"H", "Shift+X"}},
		{"tool-region", Any, []string{"R"}},
		{"tool-eraser", Edit, []string{"E"}},
		{"fill-between", Edit, []string{"N", "G"}},
		{"next-spot", View, []string{"N"}},
		{"tool-last", Any, []string{"Ctrl+Space", "`"}},
	}},
}

// Profiles lists the profiles, first the program's own, whose bindings are given: the others are made
// of them.
func Profiles(own []Binding) []Profile {
	out := []Profile{{Own, lang.Mark("Bayeslice"), lang.Mark("The keys that this program's help describes."), own}}
	for _, m := range manners {
		out = append(out, Profile{m.name, m.title, m.about, m.bindings(own)})
	}
	return out
}

// bindings puts the manner's keys in the place of the program's own.
func (m manner) bindings(own []Binding) []Binding {
	var out []Binding
	replaced := map[string]bool{}
	for _, c := range m.changes {
		replaced[c.command] = true
		for _, text := range c.chords {
			chord, err := ParseChord(text)
			if err != nil {
				panic(err) // a fault of the table above, which a test reads
			}
			out = append(out, Binding{c.mode, chord, c.command})
		}
	}
	taken := New(out)
	for _, b := range own {
		if replaced[b.Command] {
			continue
		}
		for _, at := range slots(b.Mode, b.Chord) {
			if taken.commands[at] == "" {
				out = append(out, Binding{at.mode, at.chord, b.Command})
			}
		}
	}
	return New(out).Bindings()
}
