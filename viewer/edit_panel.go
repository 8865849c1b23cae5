package viewer

import (
	"fmt"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/annotate"
	"bayeslice/internal/lang"
	"bayeslice/internal/modelcard"
	"bayeslice/viewer/viewstate"
	"bayeslice/viewer/viewstate/edit"
)

// editPanel is the tab for drawing contours.
type editPanel struct {
	w *Window
	l *labels
	e *edit.Editor

	content  *fyne.Container
	tools    []*widget.Button
	hint     *widget.Label
	chips    []*labelChip
	radius   *widget.Slider
	radiusAt *widget.Label
	ball     *widget.Check
	under    *widget.Check // the model's contours are shown below
	undo     *widget.Button
	redo     *widget.Button
	steps    *widget.Label
	slice    []*widget.Button
	shape    []*widget.Button
	sigma    *widget.Slider
	sigmaAt  *widget.Label
	start    []*widget.Button // in the order of runTasks
	open     *widget.Button
	save     *widget.Button
	preview  *previewBox
	busy     *fyne.Container
	busyText *widget.Label
	busyBar  *widget.ProgressBarInfinite
	note     *widget.Label
	trouble  *fyne.Container
	why      *widget.Label
	measured *annotate.Snapshot // of which volumes are shown
}

// drawingTools are the tools of the panel with what chooses them.
var drawingTools = []struct {
	tool    viewstate.Tool
	command viewstate.Command
	name    lang.Text
}{
	{viewstate.Browse, viewstate.BrowseTool, lang.Mark("View")}, {viewstate.Brush, viewstate.BrushTool, lang.Mark("Brush")},
	{viewstate.Eraser, viewstate.EraserTool, lang.Mark("Eraser")}, {viewstate.Polygon, viewstate.PolygonTool, lang.Mark("Polygon")},
	{viewstate.Lasso, viewstate.LassoTool, lang.Mark("Lasso")},
}

func newEditPanel(w *Window, l *labels) *editPanel {
	p := &editPanel{w: w, l: l, e: l.editor, hint: caption(""), steps: caption(""), note: caption(""), why: caption("")}
	p.preview = newPreviewBox(w)
	p.busyText, p.busyBar = widget.NewLabel(""), widget.NewProgressBarInfinite()
	p.busyBar.Stop()
	p.busy = container.NewBorder(nil, container.New(fixedHeight{6}, p.busyBar), nil,
		widget.NewButton(lang.T("Stop"), func() { w.command(viewstate.Reject) }), p.busyText)
	p.why.Importance = widget.WarningImportance
	p.trouble = container.NewVBox(p.why, widget.NewButton(lang.T("Try autosaving again"), l.tryAgain))
	p.content = container.NewVBox(p.makeTools(), p.hint, p.makeLabels(), p.makeBrush(), p.makeHistory(), p.steps, widget.NewSeparator(),
		p.preview.content, p.busy, p.makeShape(), widget.NewSeparator(), p.makeFiles(), p.note, p.trouble)
	return p
}

func (p *editPanel) object() fyne.CanvasObject { return p.content }

// button makes a button for a command, with its keys beside the text.
func (p *editPanel) button(text string, icon fyne.Resource, c viewstate.Command) *widget.Button {
	b := widget.NewButtonWithIcon("", icon, func() { p.w.command(c) })
	p.w.hint(b, text, c)
	return b
}

// withKeys puts the keys of a command behind a text.
func withKeys(text string, k viewstate.Keymap, c viewstate.Command) string {
	if keys := shortestKeys(k, c); keys != "" {
		return text + "  " + keys
	}
	return text
}

// shortestKeys returns the binding of a command that takes the least room, "" where it has none.
func shortestKeys(k viewstate.Keymap, c viewstate.Command) string {
	best := ""
	for _, b := range k {
		if text := b.Text(); b.Command == c && (best == "" || len(text) < len(best)) {
			best = text
		}
	}
	return best
}

func (p *editPanel) makeTools() fyne.CanvasObject {
	row := container.NewGridWithColumns(len(drawingTools))
	for _, t := range drawingTools {
		b := widget.NewButtonWithIcon("", toolIcon(t.tool), func() { p.w.command(t.command) })
		p.tools = append(p.tools, b)
		name := caption(t.name.String()) // keys have no room here: the hint below tells them
		name.Alignment = fyne.TextAlignCenter
		name.Wrapping = fyne.TextWrapOff
		row.Add(container.New(layout.NewCustomPaddedVBoxLayout(-4), b, name))
	}
	return inset(row)
}

// labelChip chooses a structure: its colour, name and volume.
type labelChip struct {
	*fyne.Container
	button *widget.Button
	ml     *widget.Label
}

func (p *editPanel) makeLabels() fyne.CanvasObject {
	row := container.NewGridWithColumns(len(annotate.Labels))
	for n, l := range annotate.Labels {
		chip := canvas.NewRectangle(edit.LabelColor(l))
		chip.CornerRadius = 2
		chip.SetMinSize(fyne.NewSize(0, 5))
		b := widget.NewButton("", func() { p.e.SetLabel(l) })
		p.w.hint(b, labelText(l), viewstate.Label1+viewstate.Command(n))
		ml := caption("")
		ml.Alignment = fyne.TextAlignCenter
		ml.Wrapping = fyne.TextWrapOff
		c := &labelChip{container.New(layout.NewCustomPaddedVBoxLayout(0), b, container.New(layout.NewCustomPaddedLayout(0, 0, 2, 2), chip), ml), b, ml}
		p.chips = append(p.chips, c)
		row.Add(c.Container)
	}
	return inset(row)
}

func (p *editPanel) makeBrush() fyne.CanvasObject {
	p.radius, p.radiusAt = slider(0, 1, 0.005, func(v float64) { p.e.SetRadius(edit.RadiusAt(v)) })
	p.radiusAt.SetText("00.0 mm")
	p.ball = widget.NewCheck(lang.T("Ball (3-D)"), p.e.SetSphere)
	p.under = widget.NewCheck(lang.T("Model's contours"), p.showModel)
	return container.NewVBox(row(lang.T("Radius"), container.NewBorder(nil, nil, nil, p.radiusAt, p.radius)), container.NewGridWithColumns(2, p.ball, p.under))
}

// showModel shows the model's contours below those that are drawn, or takes them away.
func (p *editPanel) showModel(on bool) {
	if mode, hidden := p.w.state.Contours(); (mode != viewstate.NoContours && !hidden) != on {
		mode = viewstate.NoContours
		if on {
			mode = viewstate.Bands
		}
		p.w.state.SetContours(mode)
	}
}

func (p *editPanel) makeHistory() fyne.CanvasObject {
	p.undo = p.button(lang.T("Undo"), theme.ContentUndoIcon(), viewstate.Undo)
	p.redo = p.button(lang.T("Redo"), theme.ContentRedoIcon(), viewstate.Redo)
	return inset(container.NewGridWithColumns(2, p.undo, p.redo))
}

func (p *editPanel) makeShape() fyne.CanvasObject {
	p.slice = []*widget.Button{
		p.button(lang.T("Paste slice"), theme.ContentPasteIcon(), viewstate.PasteSlice),
		widget.NewButtonWithIcon(lang.T("Clear slice"), theme.ContentClearIcon(), p.e.ClearSlice),
	}
	p.shape = []*widget.Button{
		p.button(lang.T("Fill between"), nil, viewstate.FillBetween),
		p.button(lang.T("Smooth"), nil, viewstate.SmoothLabels),
		widget.NewButton(lang.T("Remove islands"), p.e.RemoveIslands),
		widget.NewButton(lang.T("Fill holes"), p.e.FillHoles),
	}
	p.sigma, p.sigmaAt = slider(0.5, 4, 0.1, p.e.SetSmoothing)
	p.sigmaAt.SetText("0.0 mm")
	grid := container.NewGridWithColumns(2, p.slice[0], p.slice[1], p.shape[0], p.shape[1], p.shape[2], p.shape[3])
	return container.NewVBox(inset(grid), row(lang.T("Smooth by"), container.NewBorder(nil, nil, nil, p.sigmaAt, p.sigma)))
}

func (p *editPanel) makeFiles() fyne.CanvasObject {
	for _, t := range runTasks {
		text := lang.T("Model's zones")
		if t == modelcard.Diagnosis {
			text = lang.T("Model's lesions")
		}
		p.start = append(p.start, widget.NewButtonWithIcon(text, theme.DownloadIcon(), func() { p.e.StartFromModel(t) }))
	}
	p.open = widget.NewButtonWithIcon(lang.T("Open labels …"), theme.FolderOpenIcon(), nil)
	p.open.OnTapped = func() { p.l.showOpenLabels(p.open) }
	p.save = p.button(lang.T("Save"), theme.DocumentSaveIcon(), viewstate.SaveLabels)
	return inset(container.NewGridWithColumns(2, p.start[0], p.start[1], p.open, p.save))
}

// update brings the panel up to date with the state.
func (p *editPanel) update(c viewstate.Change) {
	p.l.update(c)
	const concerns = viewstate.ChangedExam | viewstate.ChangedTool | viewstate.ChangedLabels | viewstate.ChangedMarks | viewstate.ChangedPrediction | viewstate.ChangedLayer
	if _, drawing := p.e.Stroke(); drawing || !c.Has(concerns) {
		return // while the mouse draws, nothing else is done
	}
	p.updateTools()
	p.updateBrush()
	p.updateHistory()
	p.updateState()
	if c.Has(concerns &^ viewstate.ChangedMarks) {
		p.updateVolumes()
	}
}

func (p *editPanel) updateTools() {
	tool := p.w.state.Tool()
	for n, t := range drawingTools {
		setImportance(p.tools[n], t.tool == tool)
		enable(p.tools[n], p.e.Open() || t.tool == viewstate.Browse)
	}
	setText(p.hint, p.hintText(tool))
	for n, l := range annotate.Labels {
		setImportance(p.chips[n].button, l == p.e.Label() && p.e.Open())
		enable(p.chips[n].button, p.e.Open())
	}
}

// hintText says what the tool does.
func (p *editPanel) hintText(t viewstate.Tool) string {
	if !p.e.Open() {
		return lang.T("Open an exam with a T2W image to draw contours.")
	}
	keys := func(c viewstate.Command) string { return shortestKeys(p.w.state.Keys(), c) }
	switch t {
	case viewstate.Brush:
		return lang.T("Brush: drag to paint. The right button, or Ctrl, erases. Shift + wheel changes the size.")
	case viewstate.Eraser:
		return lang.T("Eraser: drag to erase. Ctrl paints. Shift + wheel changes the size.")
	case viewstate.Polygon:
		return lang.T("Polygon: click the corners; %s closes, %s removes the last, %s drops it.", keys(viewstate.Accept), keys(viewstate.DeleteLast), keys(viewstate.Reject))
	case viewstate.Lasso:
		return lang.T("Lasso: drag round a region. The right button, or Ctrl, erases it.")
	}
	return lang.T("Choose a tool to draw: brush %s, polygon %s, lasso %s. %s goes back to the tool before.", keys(viewstate.BrushTool),
		keys(viewstate.PolygonTool), keys(viewstate.LassoTool), keys(viewstate.SwapTool))
}

func (p *editPanel) updateBrush() {
	moveSlider(p.radius, edit.RadiusShare(p.e.Radius()))
	setText(p.radiusAt, fmt.Sprintf("%.1f mm", p.e.Radius()))
	moveSlider(p.sigma, p.e.Smoothing())
	setText(p.sigmaAt, fmt.Sprintf("%.1f mm", p.e.Smoothing()))
	if p.ball.Checked != p.e.Sphere() {
		p.ball.SetChecked(p.e.Sphere())
	}
	mode, hidden := p.w.state.Contours()
	if shown := mode != viewstate.NoContours && !hidden; p.under.Checked != shown {
		p.under.SetChecked(shown)
	}
}

func (p *editPanel) updateHistory() {
	undo, canUndo := p.e.NextUndo()
	redo, canRedo := p.e.NextRedo()
	enable(p.undo, canUndo)
	enable(p.redo, canRedo)
	text := ""
	if canUndo {
		text = lang.T("Last step: %s", undo)
	}
	if canRedo {
		if text != "" {
			text += "\n"
		}
		text += lang.T("To redo: %s", redo)
	}
	setText(p.steps, text)
	setVisible(p.steps, text != "")
}

// updateState shows what is being computed, what waits to be accepted, and what happened.
func (p *editPanel) updateState() {
	busy, computing := p.e.Busy()
	if setVisible(p.busy, computing); computing {
		setText(p.busyText, busy+" …")
		p.busyBar.Start()
	} else {
		p.busyBar.Stop()
	}
	p.preview.update(p.e)
	drawable := p.e.Open() && !computing
	for _, b := range append(append([]*widget.Button{p.open}, p.slice...), p.shape...) {
		enable(b, drawable)
	}
	for n, t := range runTasks {
		enable(p.start[n], drawable && p.e.CanStart(t))
	}
	enable(p.save, p.e.Open())
	note := p.e.Note()
	importance := widget.LowImportance
	if note.Warning {
		importance = widget.WarningImportance
	}
	if p.note.Importance != importance {
		p.note.Importance = importance
		p.note.Refresh()
	}
	if last, _ := p.e.NextUndo(); note.Text == last { // which stands under the buttons already
		note.Text = ""
	}
	setText(p.note, note.Text)
	setVisible(p.note, note.Text != "")
	p.updateTrouble()
}

func (p *editPanel) updateTrouble() {
	err := p.e.Trouble()
	if setVisible(p.trouble, err != nil); err != nil {
		setText(p.why, lang.T("Autosaving does not work: your contours are in memory only. Save them now. %s", detail(err)))
	}
}

// updateVolumes shows the volume of each structure, when a stroke has ended.
func (p *editPanel) updateVolumes() {
	shot := p.e.Snapshot()
	if _, drawing := p.e.Stroke(); drawing || shot == p.measured {
		return
	}
	p.measured = shot
	for n, l := range annotate.Labels {
		text := ""
		if shot != nil {
			if ml := shot.Volume(l); ml > 0 {
				text = fmt.Sprintf("%.1f mL", ml)
			}
		}
		setText(p.chips[n].ml, text)
	}
}
