package viewstate

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

// Commands. Those from OpenExam on concern the application; [State.Apply] leaves them to the window.
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
	NextViewport
	PreviousViewport
	FitView
	ResetView
	ZoomIn
	ZoomOut
	Preset1
	Preset2
	Preset3
	Preset4
	Preset5
	AutoWindow
	CycleUncertainty
	ToggleContours
	ToggleOverlay
	LessOpacity
	MoreOpacity
	CycleTexts
	ToggleCrosshair
	MaximiseView
	SwitchLayout
	OpenExam
	RunModel
	CancelRun
	ShowTraining
	ShowHelp
	Quit
)

// Binding is one line of the keyboard map. Key is the name of a key as Fyne and most toolkits write
// it: "F", "1", "Up", "Home", "Prior" (page up), "Next" (page down), "F1", "."; for "+" and "?", which
// lie elsewhere on each keyboard, it is the typed character.
type Binding struct {
	Key     string
	Mods    Mods
	Command Command
}

// Bindings is the keyboard map.
var Bindings = []Binding{
	{"Up", 0, SliceUp}, {"Down", 0, SliceDown}, {"Up", Shift, SliceUpFast}, {"Down", Shift, SliceDownFast},
	{"Home", 0, FirstSlice}, {"End", 0, LastSlice},
	{"Next", 0, NextSeries}, {"Prior", 0, PreviousSeries},
	{"Tab", 0, NextViewport}, {"Tab", Shift, PreviousViewport},
	{"F", 0, FitView}, {"R", 0, ResetView}, {"+", 0, ZoomIn}, {"=", 0, ZoomIn}, {"-", 0, ZoomOut},
	{"1", 0, Preset1}, {"2", 0, Preset2}, {"3", 0, Preset3}, {"4", 0, Preset4}, {"5", 0, Preset5},
	{"J", Ctrl, AutoWindow},
	{"U", 0, CycleUncertainty}, {"S", 0, ToggleContours}, {"O", 0, ToggleOverlay},
	{"Q", 0, LessOpacity}, {"E", 0, MoreOpacity},
	{"I", 0, CycleTexts}, {"X", Shift, ToggleCrosshair}, {"M", 0, MaximiseView}, {"L", 0, SwitchLayout},
	{"O", Ctrl, OpenExam}, {"R", Ctrl, RunModel}, {".", Ctrl, CancelRun}, {"T", Ctrl, ShowTraining},
	{"?", 0, ShowHelp}, {"F1", 0, ShowHelp}, {"Q", Ctrl, Quit},
}

// CommandFor returns the command bound to a key with exactly these modifiers, or [NoCommand].
func CommandFor(key string, m Mods) Command {
	for _, b := range Bindings {
		if b.Key == key && b.Mods == m {
			return b.Command
		}
	}
	return NoCommand
}

// fastSlices is the step of the fast slice commands.
const fastSlices = 5

// zoomStep is the magnification of one zoom command or wheel notch, opacityStep that of opacity.
const (
	zoomStep    = 1.2
	opacityStep = 0.1
)

// Apply carries out a command on the focused viewport. It returns false for commands that concern
// the application (opening, running, help), which the window carries out.
func (s *State) Apply(c Command) bool {
	if c >= OpenExam || c == NoCommand {
		return false
	}
	s.Update(func() {
		if !s.applySlice(c) && !s.applyView(c) {
			s.applyOverlay(c)
		}
	})
	return true
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
	case MaximiseView:
		s.ToggleMaximised(v)
	case SwitchLayout:
		s.SetLayout(1 - s.layout)
	default:
		return false
	}
	return true
}

func (s *State) applyOverlay(c Command) {
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
	case ToggleCrosshair:
		s.crosshair = !s.crosshair
		s.mark(ChangedTexts)
	}
}

// HelpLine is one line of the help sheet.
type HelpLine struct{ Keys, Meaning string }

// Help returns the sheet of keys and mouse gestures.
func Help() []HelpLine {
	return []HelpLine{
		{"Wheel, ↑ ↓", "next or previous slice (Shift: five)"},
		{"Home, End", "first, last slice"},
		{"Left click", "move the linked cursor and show the samples there"},
		{"Alt + click", "show the samples there, leave the cursor"},
		{"Shift + move", "the cursor follows the mouse"},
		{"Left drag", "window (sideways) and level (up, down)"},
		{"1 … 5, Ctrl+J", "grey presets of the series; default"},
		{"Middle drag, Space + left drag", "pan"},
		{"Right drag, Ctrl + wheel, + −", "zoom"},
		{"F, R", "fit; reset zoom and window"},
		{"Double click, M", "one viewport alone, all again"},
		{"L", "one large viewport, or three equal ones"},
		{"Tab, Shift+Tab", "next, previous viewport"},
		{"Page up, page down", "show another series in the viewport"},
		{"S", "contours on, off"},
		{"O", "map over the image on, off"},
		{"U", "entropy, mutual information, standard deviation, none"},
		{"Q, E", "less, more opacity"},
		{"I", "texts: all, essential, none"},
		{"Shift+X", "cursor lines on, off"},
		{"Ctrl+O", "open an exam"},
		{"Ctrl+R, Ctrl+.", "run the models; stop and keep the samples"},
		{"Ctrl+T", "train a network; back to the images"},
		{"?, F1", "this sheet"},
	}
}
