package viewstate

import (
	"bayeslice/internal/lang"
	"bayeslice/render"
)

// Mods is a set of modifier keys. Ctrl stands for Command on macOS.
type Mods uint8

// Modifier keys.
const (
	Shift Mods = 1 << iota
	Ctrl
	Alt
)

// Command is what a key or a button means.
type Command uint8

// Commands. A [State] and its extensions carry out what concerns the images and the labels; the window
// carries out those from OpenExam on, and whatever else nobody took.
const (
	NoCommand Command = iota

	SliceUp
	SliceDown
	SliceUpFast
	SliceDownFast
	FirstSlice
	LastSlice
	NextSeries
	PreviousSeries
	Cine

	NextViewport
	PreviousViewport
	FitView
	ResetView
	ZoomIn
	ZoomOut
	MaximiseView
	LayoutRead
	LayoutContour
	LayoutUncertainty
	LayoutCompare

	Preset1
	Preset2
	Preset3
	Preset4
	Preset5
	AutoWindow
	ResetWindow
	InvertGreys

	CycleUncertainty
	ToggleContours
	ToggleOverlay
	ToggleReference
	ToggleEverywhere
	LessOpacity
	MoreOpacity
	CycleTexts
	HideAll
	ToggleCrosshair

	BrowseTool
	WindowRegionTool
	RulerTool
	EllipsoidTool
	RegionTool
	DarkestNineTool
	BrushTool
	EraserTool
	PolygonTool
	LassoTool
	SwapTool
	KeyImage
	DeleteLast

	SmallerBrush
	LargerBrush
	Label1
	Label2
	Label3
	Label4
	NextLabel
	PreviousLabel
	PasteSlice
	FillBetween
	SmoothLabels
	Accept
	Reject
	Undo
	Redo

	NextSpot
	PreviousSpot
	NextCase
	AcceptCase
	FlagCase

	OpenExam
	SaveLabels
	SaveLabelsAs
	SaveSession
	OpenSession
	Export
	CopyView
	RunModel
	CancelRun
	ShowTraining
	ShowVoxel
	ShowPreferences
	ShowHelp
	ShowAbout
	HideIdentity
	FullScreen
	Quit

	commandCount
)

// Group is a section of the help sheet.
type Group = lang.Text

// Groups, in the order of the sheet.
const (
	GroupSlices  lang.Text = "Slices and series"
	GroupViews   lang.Text = "Views"
	GroupGreys   lang.Text = "Grey window"
	GroupResults lang.Text = "Results over the images"
	GroupTools   lang.Text = "Tools"
	GroupLabels  lang.Text = "Labels"
	GroupReview  lang.Text = "Review"
	GroupProgram lang.Text = "Program"
)

// Groups lists every group in display order.
var Groups = [...]Group{GroupSlices, GroupViews, GroupGreys, GroupResults, GroupTools, GroupLabels, GroupReview, GroupProgram}

// CommandInfo is what is said about a command.
type CommandInfo struct {
	Name    string // stable; keyboard maps are stored with it
	Group   Group
	Meaning string
}

// commandEntry is a line of the table of commands.
type commandEntry struct {
	name    string
	group   Group
	meaning lang.Text
}

var commandTable = [commandCount]commandEntry{
	SliceUp:        {"slice-up", GroupSlices, lang.Mark("next slice towards the head")},
	SliceDown:      {"slice-down", GroupSlices, lang.Mark("next slice towards the feet")},
	SliceUpFast:    {"slice-up-5", GroupSlices, lang.Mark("five slices towards the head")},
	SliceDownFast:  {"slice-down-5", GroupSlices, lang.Mark("five slices towards the feet")},
	FirstSlice:     {"first-slice", GroupSlices, lang.Mark("first slice")},
	LastSlice:      {"last-slice", GroupSlices, lang.Mark("last slice")},
	NextSeries:     {"next-series", GroupSlices, lang.Mark("next series in this view")},
	PreviousSeries: {"previous-series", GroupSlices, lang.Mark("previous series in this view")},
	Cine:           {"cine", GroupSlices, lang.Mark("play the slices")},

	NextViewport:      {"next-view", GroupViews, lang.Mark("next view")},
	PreviousViewport:  {"previous-view", GroupViews, lang.Mark("previous view")},
	FitView:           {"fit", GroupViews, lang.Mark("fit the slice into the view")},
	ResetView:         {"reset", GroupViews, lang.Mark("reset zoom and grey window")},
	ZoomIn:            {"zoom-in", GroupViews, lang.Mark("zoom in")},
	ZoomOut:           {"zoom-out", GroupViews, lang.Mark("zoom out")},
	MaximiseView:      {"maximise", GroupViews, lang.Mark("this view alone, all again")},
	LayoutRead:        {"layout-read", GroupViews, lang.Mark("layout Read")},
	LayoutContour:     {"layout-contour", GroupViews, lang.Mark("layout Contour")},
	LayoutUncertainty: {"layout-uncertainty", GroupViews, lang.Mark("layout Uncertainty")},
	LayoutCompare:     {"layout-compare", GroupViews, lang.Mark("layout Compare")},

	Preset1:     {"preset-1", GroupGreys, lang.Mark("first grey preset")},
	Preset2:     {"preset-2", GroupGreys, lang.Mark("second grey preset")},
	Preset3:     {"preset-3", GroupGreys, lang.Mark("third grey preset")},
	Preset4:     {"preset-4", GroupGreys, lang.Mark("fourth grey preset")},
	Preset5:     {"preset-5", GroupGreys, lang.Mark("fifth grey preset")},
	AutoWindow:  {"auto-window", GroupGreys, lang.Mark("grey window from the gland")},
	ResetWindow: {"reset-window", GroupGreys, lang.Mark("default grey window of every series")},
	InvertGreys: {"invert-greys", GroupGreys, lang.Mark("invert the greys")},

	CycleUncertainty: {"cycle-uncertainty", GroupResults, lang.Mark("entropy, mutual information, standard deviation, none")},
	ToggleContours:   {"toggle-contours", GroupResults, lang.Mark("contours on, off (hold: peek)")},
	ToggleOverlay:    {"toggle-map", GroupResults, lang.Mark("map or fused series on, off (hold: flicker)")},
	ToggleReference:  {"toggle-reference", GroupResults, lang.Mark("reference on, off")},
	ToggleEverywhere: {"toggle-everywhere", GroupResults, lang.Mark("results on every image, or where the layout puts them")},
	LessOpacity:      {"less-opacity", GroupResults, lang.Mark("map less opaque")},
	MoreOpacity:      {"more-opacity", GroupResults, lang.Mark("map more opaque")},
	CycleTexts:       {"cycle-texts", GroupResults, lang.Mark("texts: all, essential, none")},
	HideAll:          {"hide-all", GroupResults, lang.Mark("everything over the images off, on")},
	ToggleCrosshair:  {"toggle-crosshair", GroupResults, lang.Mark("cursor lines on, off")},

	BrowseTool:       {"tool-browse", GroupTools, lang.Mark("window, level and cursor")},
	WindowRegionTool: {"tool-window-region", GroupTools, lang.Mark("grey window from a box")},
	RulerTool:        {"tool-ruler", GroupTools, lang.Mark("distance")},
	EllipsoidTool:    {"tool-ellipsoid", GroupTools, lang.Mark("ellipsoid volume from three diameters")},
	RegionTool:       {"tool-region", GroupTools, lang.Mark("statistics of a region")},
	DarkestNineTool:  {"tool-darkest-nine", GroupTools, lang.Mark("mean of the nine darkest voxels")},
	BrushTool:        {"tool-brush", GroupTools, lang.Mark("brush")},
	EraserTool:       {"tool-eraser", GroupTools, lang.Mark("eraser")},
	PolygonTool:      {"tool-polygon", GroupTools, lang.Mark("polygon")},
	LassoTool:        {"tool-lasso", GroupTools, lang.Mark("lasso")},
	SwapTool:         {"tool-last", GroupTools, lang.Mark("the tool before")},
	KeyImage:         {"key-image", GroupTools, lang.Mark("mark as key image, unmark")},
	DeleteLast:       {"delete-last", GroupTools, lang.Mark("delete the last point of the polygon, or the selected measurement")},

	SmallerBrush:  {"brush-smaller", GroupLabels, lang.Mark("smaller brush")},
	LargerBrush:   {"brush-larger", GroupLabels, lang.Mark("larger brush")},
	Label1:        {"label-wg", GroupLabels, lang.Mark("label WG")},
	Label2:        {"label-tz", GroupLabels, lang.Mark("label TZ")},
	Label3:        {"label-pz", GroupLabels, lang.Mark("label PZ")},
	Label4:        {"label-lesion", GroupLabels, lang.Mark("label csPCa")},
	NextLabel:     {"label-next", GroupLabels, lang.Mark("next label")},
	PreviousLabel: {"label-previous", GroupLabels, lang.Mark("previous label")},
	PasteSlice:    {"paste-slice", GroupLabels, lang.Mark("contour of the slice before")},
	FillBetween:   {"fill-between", GroupLabels, lang.Mark("fill between drawn slices, as a preview")},
	SmoothLabels:  {"smooth", GroupLabels, lang.Mark("smooth the zones together")},
	Accept:        {"accept", GroupLabels, lang.Mark("accept the preview, close the polygon")},
	Reject:        {"reject", GroupLabels, lang.Mark("reject the preview, drop the polygon")},
	Undo:          {"undo", GroupLabels, lang.Mark("undo")},
	Redo:          {"redo", GroupLabels, lang.Mark("redo")},

	NextSpot:     {"next-spot", GroupReview, lang.Mark("next uncertain spot")},
	PreviousSpot: {"previous-spot", GroupReview, lang.Mark("previous uncertain spot")},
	NextCase:     {"next-case", GroupReview, lang.Mark("next exam of the work list that is not done")},
	AcceptCase:   {"accept-case", GroupReview, lang.Mark("accept this exam and go on")},
	FlagCase:     {"flag-case", GroupReview, lang.Mark("flag this exam")},

	OpenExam:        {"open", GroupProgram, lang.Mark("open an exam")},
	SaveLabels:      {"save", GroupProgram, lang.Mark("save the labels")},
	SaveLabelsAs:    {"save-as", GroupProgram, lang.Mark("save the labels under another name")},
	SaveSession:     {"save-session", GroupProgram, lang.Mark("save the session")},
	OpenSession:     {"open-session", GroupProgram, lang.Mark("open a session")},
	Export:          {"export", GroupProgram, lang.Mark("export masks, maps or a report")},
	CopyView:        {"copy-view", GroupProgram, lang.Mark("save this view as a picture")},
	RunModel:        {"run", GroupProgram, lang.Mark("run the models")},
	CancelRun:       {"cancel-run", GroupProgram, lang.Mark("stop the run and keep its samples")},
	ShowTraining:    {"training", GroupProgram, lang.Mark("train a network; back to the images")},
	ShowVoxel:       {"voxel", GroupProgram, lang.Mark("samples at the clicked voxel")},
	ShowPreferences: {"preferences", GroupProgram, lang.Mark("preferences")},
	ShowHelp:        {"help", GroupProgram, lang.Mark("keys and mouse")},
	ShowAbout:       {"about", GroupProgram, lang.Mark("version and licences")},
	HideIdentity:    {"privacy", GroupProgram, lang.Mark("hide everything that names the patient")},
	FullScreen:      {"full-screen", GroupProgram, lang.Mark("full screen")},
	Quit:            {"quit", GroupProgram, lang.Mark("quit")},
}

// Info returns what is said about a command.
func (c Command) Info() CommandInfo {
	e := commandTable[c]
	return CommandInfo{e.name, e.group, e.meaning.String()}
}

// Commands lists every command in the order of the help sheet.
func Commands() []Command {
	out := make([]Command, 0, commandCount-1)
	for c := NoCommand + 1; c < commandCount; c++ {
		out = append(out, c)
	}
	return out
}

// CommandNamed returns the command of a stable name; ok is false where there is none.
func CommandNamed(name string) (c Command, ok bool) {
	for _, c := range Commands() {
		if commandTable[c].name == name {
			return c, true
		}
	}
	return NoCommand, false
}

// Binding is one line of a keyboard map. Key is the name of a key as Fyne and most toolkits write
// it: "F", "1", "Up", "Home", "Prior" (page up), "Next" (page down), "F1", "."; for "+", "?", "<" and
// ">", which lie elsewhere on each keyboard, it is the typed character.
type Binding struct {
	Key     string
	Mods    Mods
	Mode    Mode
	Command Command
}

// Keymap is a keyboard map.
type Keymap []Binding

// For returns the command bound to a key with exactly these modifiers in a mode (ViewMode or
// EditMode), or [NoCommand]. A binding of the mode goes before one of both modes.
func (k Keymap) For(mode Mode, key string, m Mods) Command {
	found := NoCommand
	for _, b := range k {
		if b.Key != key || b.Mods != m {
			continue
		}
		if b.Mode == mode {
			return b.Command
		}
		if b.Mode == AnyMode && found == NoCommand {
			found = b.Command
		}
	}
	return found
}

// DefaultKeymap returns the keyboard map of the program, new each time.
func DefaultKeymap() Keymap { return append(Keymap{}, defaultKeymap...) }

var defaultKeymap = Keymap{
	{"Up", 0, AnyMode, SliceUp}, {"Down", 0, AnyMode, SliceDown}, {"Up", Shift, AnyMode, SliceUpFast}, {"Down", Shift, AnyMode, SliceDownFast},
	{"Home", 0, AnyMode, FirstSlice}, {"End", 0, AnyMode, LastSlice},
	{"Next", 0, AnyMode, NextSeries}, {"Prior", 0, AnyMode, PreviousSeries}, {"C", 0, AnyMode, Cine},

	{"Tab", 0, AnyMode, NextViewport}, {"Tab", Shift, AnyMode, PreviousViewport},
	{"F", 0, AnyMode, FitView}, {"R", 0, AnyMode, ResetView}, {"+", 0, AnyMode, ZoomIn}, {"=", 0, AnyMode, ZoomIn}, {"-", 0, AnyMode, ZoomOut},
	{"M", 0, AnyMode, MaximiseView},
	{"F5", 0, AnyMode, LayoutRead}, {"F6", 0, AnyMode, LayoutContour}, {"F7", 0, AnyMode, LayoutUncertainty}, {"F8", 0, AnyMode, LayoutCompare},

	{"1", 0, ViewMode, Preset1}, {"2", 0, ViewMode, Preset2}, {"3", 0, ViewMode, Preset3}, {"4", 0, ViewMode, Preset4}, {"5", 0, ViewMode, Preset5},
	{"J", Ctrl, AnyMode, AutoWindow}, {"J", Ctrl | Shift, AnyMode, ResetWindow}, {"I", Shift, AnyMode, InvertGreys},

	{"U", 0, AnyMode, CycleUncertainty}, {"S", 0, AnyMode, ToggleContours}, {"O", 0, AnyMode, ToggleOverlay},
	{"T", 0, AnyMode, ToggleReference}, {"A", 0, AnyMode, ToggleEverywhere},
	{"Q", 0, AnyMode, LessOpacity}, {"E", 0, ViewMode, MoreOpacity}, {"W", 0, AnyMode, MoreOpacity},
	{"I", 0, AnyMode, CycleTexts}, {"X", 0, AnyMode, HideAll}, {"X", Shift, AnyMode, ToggleCrosshair},

	{"V", 0, AnyMode, BrowseTool}, {"W", Shift, AnyMode, WindowRegionTool}, {"D", 0, AnyMode, RulerTool}, {"D", Shift, AnyMode, EllipsoidTool},
	{"H", 0, AnyMode, RegionTool}, {"H", Shift, AnyMode, DarkestNineTool},
	{"B", 0, AnyMode, BrushTool}, {"E", 0, EditMode, EraserTool}, {"P", 0, AnyMode, PolygonTool}, {"P", Shift, AnyMode, LassoTool},
	{"`", 0, AnyMode, SwapTool}, {"K", 0, AnyMode, KeyImage}, {"BackSpace", 0, AnyMode, DeleteLast}, {"Delete", 0, AnyMode, DeleteLast},

	{"[", 0, AnyMode, SmallerBrush}, {"]", 0, AnyMode, LargerBrush},
	{"1", 0, EditMode, Label1}, {"2", 0, EditMode, Label2}, {"3", 0, EditMode, Label3}, {"4", 0, EditMode, Label4},
	{">", 0, AnyMode, NextLabel}, {"<", 0, AnyMode, PreviousLabel},
	{"V", Ctrl, AnyMode, PasteSlice}, {"G", 0, AnyMode, FillBetween}, {"G", Shift, AnyMode, SmoothLabels},
	{"Return", 0, AnyMode, Accept}, {"KP_Enter", 0, AnyMode, Accept}, {"Escape", 0, AnyMode, Reject},
	{"Z", Ctrl, AnyMode, Undo}, {"Z", Ctrl | Shift, AnyMode, Redo}, {"Y", Ctrl, AnyMode, Redo},

	{"N", 0, AnyMode, NextSpot}, {"N", Shift, AnyMode, PreviousSpot}, {"N", Ctrl | Shift, AnyMode, NextCase},
	{"Return", Ctrl, AnyMode, AcceptCase}, {"F", Ctrl | Shift, AnyMode, FlagCase},

	{"O", Ctrl, AnyMode, OpenExam}, {"S", Ctrl, AnyMode, SaveLabels}, {"S", Ctrl | Shift, AnyMode, SaveSession}, {"O", Ctrl | Shift, AnyMode, OpenSession},
	{"E", Ctrl, AnyMode, Export}, {"P", Ctrl, AnyMode, CopyView}, {"R", Ctrl, AnyMode, RunModel}, {".", Ctrl, AnyMode, CancelRun},
	{"T", Ctrl, AnyMode, ShowTraining}, {"Y", 0, AnyMode, ShowVoxel}, {",", Ctrl, AnyMode, ShowPreferences},
	{"?", 0, AnyMode, ShowHelp}, {"F1", 0, AnyMode, ShowHelp}, {"F1", Shift, AnyMode, ShowAbout}, {"H", Ctrl | Shift, AnyMode, HideIdentity},
	{"F11", 0, AnyMode, FullScreen}, {"Q", Ctrl, AnyMode, Quit},
}

// Keys returns the active keyboard map.
func (s *State) Keys() Keymap { return s.keys }

// SetKeys makes a keyboard map the active one.
func (s *State) SetKeys(k Keymap) { s.keys = k }

// CommandFor returns what a key with exactly these modifiers means now.
func (s *State) CommandFor(key string, m Mods) Command { return s.keys.For(s.Mode(), key, m) }

// fastSlices is the step of the fast slice commands.
const fastSlices = 5

// zoomStep is the magnification of one zoom command or wheel notch, opacityStep that of opacity.
const (
	zoomStep    = 1.2
	opacityStep = 0.1
)

// Apply carries out a command on the focused viewport, or lets an extension do so. It returns false
// for commands that concern the application (opening, running, help), which the window carries out.
func (s *State) Apply(c Command) (done bool) {
	if c == NoCommand {
		return false
	}
	s.Update(func() {
		for _, e := range s.extensions {
			if e.Apply(c) {
				done = true
				return
			}
		}
		done = s.applySlice(c) || s.applyView(c) || s.applyOverlay(c) || s.applyTool(c)
	})
	return done
}

func (s *State) applySlice(c Command) bool {
	v := s.focus
	switch c {
	case SliceUp:
		s.Scroll(v, 1)
	case SliceDown:
		s.Scroll(v, -1)
	case SliceUpFast:
		s.Scroll(v, fastSlices)
	case SliceDownFast:
		s.Scroll(v, -fastSlices)
	case FirstSlice:
		s.GoToSlice(v, 0)
	case LastSlice:
		s.GoToSlice(v, int(^uint(0)>>1))
	case NextSeries:
		s.CycleSeries(v, 1)
	case PreviousSeries:
		s.CycleSeries(v, -1)
	default:
		return false
	}
	return true
}

func (s *State) applyView(c Command) bool {
	v := s.focus
	switch c {
	case NextViewport:
		s.SetFocus((v + 1) % ViewportCount)
	case PreviousViewport:
		s.SetFocus((v + ViewportCount - 1) % ViewportCount)
	case FitView:
		s.Fit(v)
	case ResetView:
		s.Reset(v)
	case ZoomIn:
		s.ZoomCentre(v, zoomStep)
	case ZoomOut:
		s.ZoomCentre(v, 1/zoomStep)
	case Preset1, Preset2, Preset3, Preset4, Preset5:
		s.ApplyPreset(v, int(c-Preset1))
	case AutoWindow:
		s.ApplyPreset(v, 0)
	case ResetWindow:
		s.windows = map[string]render.Window{}
		s.mark(ChangedWindow)
	case MaximiseView:
		s.ToggleMaximised(v)
	case LayoutRead, LayoutContour, LayoutUncertainty, LayoutCompare:
		s.SetLayout(Layout(c - LayoutRead))
	default:
		return false
	}
	return true
}

func (s *State) applyOverlay(c Command) bool {
	switch c {
	case CycleUncertainty:
		s.CycleUncertainty()
	case ToggleContours:
		s.hidden = !s.hidden
		s.mark(ChangedLayer)
	case ToggleOverlay:
		s.layerHidden = !s.layerHidden
		s.mark(ChangedLayer)
	case LessOpacity:
		s.SetOpacity(s.opacity - opacityStep)
	case MoreOpacity:
		s.SetOpacity(s.opacity + opacityStep)
	case CycleTexts:
		s.texts = (s.texts + 1) % (NoTexts + 1)
		s.mark(ChangedTexts)
	case ToggleReference:
		s.HideReference(!s.referenceHidden)
	case ToggleEverywhere:
		s.SetEverywhere(!s.everywhere)
	case HideAll:
		s.hideAll()
	case ToggleCrosshair:
		s.crosshair = !s.crosshair
		s.mark(ChangedTexts)
	default:
		return false
	}
	return true
}

// hideAll hides contours, map, reference, texts and cursor lines, or shows them again.
func (s *State) hideAll() {
	if s.kept == nil {
		s.kept = &overlays{s.hidden, s.layerHidden, s.referenceHidden, s.crosshair, s.texts}
		s.hidden, s.layerHidden, s.referenceHidden, s.crosshair, s.texts = true, true, true, false, NoTexts
	} else {
		k := s.kept
		s.kept = nil
		s.hidden, s.layerHidden, s.referenceHidden, s.crosshair, s.texts = k.contours, k.layer, k.reference, k.crosshair, k.texts
	}
	s.mark(ChangedLayer | ChangedReference | ChangedTexts | ChangedMarks)
}

// overlays is what [HideAll] hides, as it was before.
type overlays struct {
	contours, layer, reference bool // hidden
	crosshair                  bool
	texts                      Texts
}

// AllHidden reports whether everything over the images is hidden.
func (s *State) AllHidden() bool { return s.kept != nil }

func (s *State) applyTool(c Command) bool {
	switch {
	case c >= BrowseTool && c <= LassoTool:
		s.SetTool(Tool(c - BrowseTool))
	case c == SwapTool:
		s.SwapTools()
	default:
		return false
	}
	return true
}

// HelpLine is one line of the help sheet.
type HelpLine struct{ Keys, Meaning string }

// MouseHelp returns what the mouse does, for the help sheet.
func MouseHelp() []HelpLine {
	return []HelpLine{
		{lang.T("Wheel"), lang.T("next or previous slice (Shift: five; when editing: size of the brush)")},
		{lang.T("Left click"), lang.T("move the linked cursor and show the samples there")},
		{lang.T("Alt + click"), lang.T("show the samples there, leave the cursor")},
		{lang.T("Shift + move"), lang.T("the cursor follows the mouse")},
		{lang.T("Left drag"), lang.T("window (sideways) and level (up, down), or the active tool")},
		{lang.T("Left drag on a measurement"), lang.T("a handle changes it, its line moves it; Escape leaves it as it was")},
		{lang.T("Ctrl + left drag"), lang.T("grey window from a box; when editing: the brush erases")},
		{lang.T("Middle drag, Space + left drag"), lang.T("pan")},
		{lang.T("Right drag, Ctrl + wheel"), lang.T("zoom (right drag when editing: erase)")},
		{lang.T("Double click"), lang.T("one view alone, all again")},
	}
}

// Text returns a binding's keys for a reader, e.g. "Ctrl+Shift+Z".
func (b Binding) Text() string { return b.Chord().Label() }

// Text returns the keys of a command for a reader, e.g. "Ctrl+Shift+Z, Ctrl+Y"; "" where it has none.
func (k Keymap) Text(c Command) string {
	text := ""
	for _, b := range k {
		if b.Command == c {
			if text != "" {
				text += ", "
			}
			text += b.Text()
		}
	}
	return text
}
