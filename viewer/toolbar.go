package viewer

import (
	"image/color"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/lang"
	"bayeslice/viewer/viewstate"
)

// toolbar is the row at the top: opening, arrangement, grey window, and what the pictures must not
// be taken for.
type toolbar struct {
	w         *Window
	content   *fyne.Container
	row       *barLayout
	layout    *segmented
	layouts   *widget.Select // in place of them where the window is narrow
	side      *widget.Button // shows the panels over the images where the window is narrow
	train     *widget.Button // nil where the program cannot train
	presets   *widget.Select
	synthetic *badge
	untrained *badge
	phantoms  *badge
	device    *badge
	// deviceShort stands in its place where the window is narrow.
	deviceShort *badge
	deviceIs    Device
}

func newToolbar(w *Window) *toolbar {
	t := &toolbar{w: w}
	var open *widget.Button
	open = widget.NewButtonWithIcon(lang.T("Open"), theme.FolderOpenIcon(), func() { w.showOpenMenu(open) })
	t.layout = newNarrowSegmented(names(viewstate.Layouts[:]), func(i int) { w.state.SetLayout(viewstate.Layout(i)) })
	t.presets = widget.NewSelect(nil, nil)
	t.presets.PlaceHolder = lang.T("Grey window")
	reset := widget.NewButtonWithIcon(lang.T("Reset"), theme.ViewRefreshIcon(), func() { w.command(viewstate.ResetView) })
	var menu *widget.Button
	menu = widget.NewButtonWithIcon("", theme.MenuIcon(), func() { w.showMenu(menu) })
	dark := colorBackground
	if w.opt.Trainer != nil {
		t.train = widget.NewButtonWithIcon(lang.T("Train"), theme.MediaRecordIcon(), w.showTraining)
	}
	t.synthetic = newBadge(lang.T("SYNTHETIC"), colorWarning, dark)
	t.untrained = newBadge(lang.T("UNTRAINED"), colorWarning, dark)
	t.phantoms = newBadge(lang.T("TRAINED ON PHANTOMS"), colorWarning, dark)
	t.device = newBadge(lang.T("No run yet"), colorInput, colorText)
	t.deviceShort = newBadge("", colorInput, colorText)
	openIcon := widget.NewButtonWithIcon("", theme.FolderOpenIcon(), nil)
	openIcon.OnTapped = func() { w.showOpenMenu(openIcon) }
	t.layouts = widget.NewSelect(names(viewstate.Layouts[:]), nil)
	t.side = widget.NewButtonWithIcon("", theme.ListIcon(), w.toggleSide)
	flags := func() viewstate.Flags { return w.state.Flags() }
	t.row = &barLayout{items: []barItem{
		{object: open, instead: openIcon, rank: 4},
		{object: t.layout.Container, instead: t.layouts, rank: 5},
		{object: container.New(fixedWidth{144}, t.presets), rank: 3},
		{object: reset, rank: 1},
	}}
	if t.train != nil {
		t.row.items = append(t.row.items, barItem{object: t.train, rank: 2})
	}
	t.row.items = append(t.row.items, barItem{object: menu},
		barItem{object: t.side, right: true, wanted: func() bool { return w.frame.narrow }},
		barItem{object: t.device.Container, instead: t.deviceShort.Container, rank: 2, right: true},
		barItem{object: t.phantoms.Container, rank: 1, right: true, wanted: func() bool { return flags().SyntheticOnly }},
		barItem{object: t.untrained.Container, rank: 6, right: true, wanted: func() bool { return flags().Untrained }},
		barItem{object: t.synthetic.Container, rank: 6, right: true, wanted: func() bool { return flags().Synthetic }})
	t.content = container.New(layout.NewCustomPaddedLayout(4, 4, 6, 8), container.New(t.row, t.row.objects()...))
	return t
}

// arrange shows what there is room for.
func (t *toolbar) arrange() {
	row := t.content.Objects[0].(*fyne.Container)
	t.row.Layout(row.Objects, row.Size())
}

// setTraining tells how far a training is that goes on behind the images.
func (t *toolbar) setTraining(active bool, fraction float64) {
	text := lang.T("Train")
	if active {
		text = lang.T("Training %.0f %%", 100*fraction)
	}
	if t.train != nil && t.train.Text != text {
		t.train.SetText(text)
		t.arrange()
	}
}

// gap is empty space of a width.
func gap(width float32) fyne.CanvasObject {
	r := canvas.NewRectangle(color.Transparent)
	r.SetMinSize(fyne.NewSize(width, 1))
	return r
}

// update brings the row up to date with the state.
func (t *toolbar) update(c viewstate.Change) {
	s := t.w.state
	if c.Has(viewstate.ChangedLayout) {
		layout, alone := s.Layout()
		t.layout.set(int(layout))
		if alone >= 0 {
			t.layout.set(-1)
		}
		t.layouts.OnChanged = nil
		t.layouts.SetSelectedIndex(int(layout))
		t.layouts.OnChanged = func(string) { s.SetLayout(viewstate.Layout(t.layouts.SelectedIndex())) }
	}
	if c.Has(viewstate.ChangedLayout | viewstate.ChangedExam | viewstate.ChangedWindow) {
		t.updatePresets()
	}
	if c.Has(viewstate.ChangedExam | viewstate.ChangedPrediction | viewstate.ChangedCompared) {
		t.updateDevice()
		t.arrange()
	}
}

// updatePresets lists the presets of the focused viewport's series and marks the present one.
func (t *toolbar) updatePresets() {
	s := t.w.state
	presets := s.Presets(s.Focus())
	t.presets.OnChanged = nil
	t.presets.Options = nil
	selected := ""
	for _, p := range presets {
		t.presets.Options = append(t.presets.Options, p.Name)
		if selected == "" && p.Window == s.Window(s.Focus()) {
			selected = p.Name
		}
	}
	t.presets.PlaceHolder = lang.T("Grey window")
	if len(presets) > 0 && selected == "" {
		t.presets.PlaceHolder = lang.T("Manual window")
	}
	if selected == "" {
		t.presets.ClearSelected()
	} else {
		t.presets.SetSelected(selected)
	}
	enable(t.presets, len(presets) > 0)
	t.presets.OnChanged = func(string) { s.ApplyPreset(s.Focus(), t.presets.SelectedIndex()) }
	t.presets.Refresh()
}

// updateDevice shows what ran the network: red where it was not what was asked for.
func (t *toolbar) updateDevice() {
	text, ground := lang.T("No run yet"), colorInput
	var models []string
	fell := t.deviceIs.Fallback != ""
	for _, p := range t.w.results() {
		if p != nil {
			text = p.Device
			fell = fell || len(p.Changes) > 0 || len(p.Fallbacks) > 0
			if p.Card.Name != "" && !slices.Contains(models, p.Card.Name) {
				models = append(models, p.Card.Name)
			}
		}
	}
	short, _, _ := strings.Cut(text, " (") // without the version
	if len(models) > 0 {
		text = t.device.fitting(deviceWidth, ranTexts(models, text)...)
	}
	if fell {
		ground = colorDanger
		text += " · " + lang.T("fallback")
		short += " · " + lang.T("fallback")
	}
	if t.w.state.Flags().Moved {
		text += " · " + lang.T("moved input")
		short += " · " + lang.T("moved input")
	}
	t.device.set(text, ground)
	t.deviceShort.set(t.deviceShort.fitting(deviceWidth/2, short), ground)
}

// deviceWidth is the room for what ran the models, logical pixels: with every badge shown and a training
// under way the row still fits a window of 1280.
const deviceWidth = 236

// ranTexts say which models ran on which device, the fullest text first.
func ranTexts(models []string, device string) []string {
	short, _, _ := strings.Cut(device, " (") // without the version
	names, count := strings.Join(models, " + "), lang.N(len(models), "%d model", "%d models")
	return []string{lang.T("%s on %s", names, device), lang.T("%s on %s", names, short), lang.T("%s on %s", count, device), lang.T("%s on %s", count, short)}
}
