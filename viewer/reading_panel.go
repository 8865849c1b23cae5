package viewer

import (
	"fmt"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/lang"
	"bayeslice/viewer/viewstate"
	"bayeslice/viewer/viewstate/reading"
)

// readingPanel is the tab of the measuring tools: what was measured, a second series over T2W, whether T2W and diffusion lie
// on each other, and key images.
type readingPanel struct {
	w       *Window
	reading *reading.Reading
	content *fyne.Container

	tools    []*widget.Button
	message  *widget.Label
	list     *fyne.Container // measurements
	shown    []reading.Measurement
	selected int
	undo     *widget.Button
	clear    *widget.Button

	fuse      *widget.Select
	fuseIDs   []string
	opacity   *widget.Slider
	opacityAt *widget.Label

	align *alignSection

	keys      *fyne.Container // key images
	shownKeys []reading.KeyImage
	cine      *widget.Button
	playing   bool // a goroutine plays the slices
}

// readingTools are the tools of the panel with their names there, which are shorter than those of the help sheet.
var readingTools = []struct {
	tool viewstate.Tool
	name lang.Text
	keys viewstate.Command
}{
	{viewstate.Browse, lang.Mark("Browse"), viewstate.BrowseTool},
	{viewstate.Ruler, lang.Mark("Ruler"), viewstate.RulerTool},
	{viewstate.Ellipsoid, lang.Mark("Ellipsoid"), viewstate.EllipsoidTool},
	{viewstate.Region, lang.Mark("Region"), viewstate.RegionTool},
	{viewstate.DarkestNine, lang.Mark("ADC 9 px"), viewstate.DarkestNineTool},
	{viewstate.WindowRegion, lang.Mark("Window box"), viewstate.WindowRegionTool},
}

func newReadingPanel(w *Window) *readingPanel {
	p := &readingPanel{w: w, reading: reading.New(w.state), list: snug(), keys: snug(), message: caption("")}
	p.align = newAlignSection(w, p.reading)
	p.content = container.NewVBox(p.toolRow(), p.message, p.listSection(), widget.NewSeparator(), p.fusionSection(),
		widget.NewSeparator(), p.align.content, widget.NewSeparator(), p.imageSection())
	return p
}

// toolRow is a grid of buttons of which one is chosen.
func (p *readingPanel) toolRow() fyne.CanvasObject {
	var objects []fyne.CanvasObject
	for _, t := range readingTools {
		b := widget.NewButton(t.name.String(), func() { p.w.state.SetTool(t.tool) })
		p.tools = append(p.tools, b)
		objects = append(objects, b)
	}
	return inset(container.New(layout.NewGridLayoutWithColumns(3), objects...))
}

// listSection is the list of measurements with what acts on all of it.
func (p *readingPanel) listSection() fyne.CanvasObject {
	p.undo = widget.NewButtonWithIcon("", theme.ContentUndoIcon(), func() { p.reading.Undo() })
	p.clear = widget.NewButtonWithIcon("", theme.DeleteIcon(), p.reading.DeleteAll)
	for _, b := range []*widget.Button{p.undo, p.clear} {
		b.Importance = widget.LowImportance
	}
	head := container.NewBorder(nil, nil, heading(lang.T("Measurements")), container.NewHBox(p.undo, p.clear))
	return snug(head, p.list)
}

// fusionSection lays a second series over T2W.
func (p *readingPanel) fusionSection() fyne.CanvasObject {
	p.fuse = widget.NewSelect(nil, nil)
	p.opacity, p.opacityAt = slider(0, 1, 0.05, p.reading.SetFusionOpacity)
	hint := caption(lang.T("In colour over the first T2W view. O shows and hides it, held it flickers; Q and W change the opacity."))
	return snug(heading(lang.T("Fusion")), row(lang.T("Over T2W"), p.fuse),
		row(lang.T("Opacity"), container.NewBorder(nil, nil, nil, p.opacityAt, p.opacity)), hint)
}

// imageSection plays slices, inverts greys and lists key images.
func (p *readingPanel) imageSection() fyne.CanvasObject {
	p.cine = widget.NewButtonWithIcon(lang.T("Play"), theme.MediaPlayIcon(), func() { p.w.command(viewstate.Cine) })
	invert := widget.NewButton(lang.T("Invert"), func() { p.w.command(viewstate.InvertGreys) })
	key := widget.NewButton(lang.T("Key image"), func() { p.w.command(viewstate.KeyImage) })
	return snug(heading(lang.T("Slices of the focused view")), inset(container.NewGridWithColumns(3, p.cine, invert, key)), p.keys)
}

// ending keeps what stands at the right end of a line as far from the edge as the controls above and below it.
func ending(o fyne.CanvasObject) fyne.CanvasObject {
	return container.New(layout.NewCustomPaddedLayout(0, 0, 0, 6), o)
}

func (p *readingPanel) object() fyne.CanvasObject { return p.content }

// update brings the panel up to date with the state.
func (p *readingPanel) update(c viewstate.Change) {
	const concerns = viewstate.ChangedExam | viewstate.ChangedTool | viewstate.ChangedMarks | viewstate.ChangedLayer | viewstate.ChangedCamera |
		viewstate.ChangedWindow | viewstate.ChangedPrediction
	if !c.Has(concerns) {
		return
	}
	p.updateTools()
	p.updateList()
	if c.Has(viewstate.ChangedExam | viewstate.ChangedLayer | viewstate.ChangedMarks) {
		p.updateFusion(c.Has(viewstate.ChangedExam))
	}
	p.align.update()
	p.updateKeys()
	p.updateCine()
}

// updateTools marks the active tool and says what it wants.
func (p *readingPanel) updateTools() {
	for i, t := range readingTools {
		importance := widget.MediumImportance
		if t.tool == p.w.state.Tool() {
			importance = widget.HighImportance
		}
		if p.tools[i].Importance != importance {
			p.tools[i].Importance = importance
			p.tools[i].Refresh()
		}
		enable(p.tools[i], p.w.state.Exam() != nil)
	}
	text := p.reading.Message()
	if text == "" {
		text = lang.T("Choose a tool, then draw on an image. Ctrl + drag sets the grey window from a box.")
	}
	if p.message.Text != text {
		p.message.SetText(text)
	}
}

// updateFusion fills the choice of series and sets the slider.
func (p *readingPanel) updateFusion(newExam bool) {
	id, opacity := p.reading.Fusion()
	p.fuse.OnChanged = nil
	if newExam || len(p.fuseIDs) == 0 {
		p.fuseIDs, p.fuse.Options = []string{""}, []string{lang.T("None")}
		for _, s := range p.reading.FusionChoices() {
			label := p.reading.FusionTitle(s)
			if slices.Contains(p.fuse.Options, label) {
				label = fmt.Sprintf("%s · %d", label, s.Number)
			}
			p.fuseIDs, p.fuse.Options = append(p.fuseIDs, s.ID), append(p.fuse.Options, label)
		}
		p.fuse.Refresh()
	}
	if at := max(slices.Index(p.fuseIDs, id), 0); p.fuse.SelectedIndex() != at {
		p.fuse.SetSelectedIndex(at)
	}
	p.fuse.OnChanged = func(string) {
		if i := p.fuse.SelectedIndex(); i >= 0 {
			p.reading.Fuse(p.fuseIDs[i])
			p.w.win.Canvas().Unfocus() // O, Q and W are for the image now, not for the list
		}
	}
	enable(p.fuse, len(p.fuseIDs) > 1)
	setSlider(p.opacity, p.opacityAt, opacity)
	if id == "" {
		p.opacity.Disable()
	} else {
		p.opacity.Enable()
	}
}
