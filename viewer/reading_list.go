package viewer

import (
	"slices"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/lang"
	"bayeslice/viewer/viewstate/reading"
)

// updateList lists the measurements, unless it shows them already.
func (p *readingPanel) updateList() {
	enable(p.undo, p.reading.CanUndo())
	list := p.reading.Measurements()
	enable(p.clear, len(list) > 0)
	if sameMeasurements(list, p.shown) && p.selected == p.reading.Selected() && len(p.list.Objects) > 0 {
		return
	}
	p.shown, p.selected = list, p.reading.Selected()
	p.list.RemoveAll()
	if len(list) == 0 {
		p.list.Add(caption(lang.T("None yet.")))
	}
	for n, m := range list {
		p.list.Add(p.measurementRow(n+1, m))
	}
}

// sameMeasurements compares by what never changes: the lists' IDs.
func sameMeasurements(a, b []reading.Measurement) bool {
	return slices.EqualFunc(a, b, func(x, y reading.Measurement) bool { return x.ID == y.ID })
}

// measurementRow is one measurement: a click jumps to it, and the selected one shows what it consists of.
func (p *readingPanel) measurementRow(n int, m reading.Measurement) fyne.CanvasObject {
	jump := widget.NewButton("", func() { p.reading.Select(m.ID) })
	jump.Importance = widget.LowImportance
	drop := widget.NewButtonWithIcon("", theme.CancelIcon(), func() { p.reading.Delete(m.ID) })
	drop.Importance = widget.LowImportance
	name := widget.NewLabel(lang.T("%d  %s", n, m.Title()))
	value := trailing(m.Text(), false)
	name.TextStyle.Bold, value.TextStyle.Bold = m.ID == p.selected, m.ID == p.selected
	line := container.New(tight{}, container.NewBorder(nil, nil, nil, drop,
		container.NewStack(jump, container.NewBorder(nil, nil, name, nil, value))))
	if m.ID != p.selected {
		return line
	}
	lines := []fyne.CanvasObject{line}
	for _, d := range m.Details() {
		lines = append(lines, caption(d))
	}
	def := m.Definition()
	return snug(append(lines, caption(lang.T("How: %s. Source: %s.", def.Formula, def.Source)))...)
}

// updateKeys lists the key images, unless it shows them already.
func (p *readingPanel) updateKeys() {
	list := p.reading.KeyImages()
	if slices.Equal(list, p.shownKeys) && len(p.keys.Objects) > 0 {
		return
	}
	p.shownKeys = list
	p.keys.RemoveAll()
	if len(list) == 0 {
		p.keys.Add(caption(lang.T("No key images. K marks the slice that is shown.")))
	}
	for n, k := range list {
		jump := widget.NewButton("", func() { p.reading.GoToKeyImage(n) })
		jump.Importance = widget.LowImportance
		drop := widget.NewButtonWithIcon("", theme.CancelIcon(), func() { p.reading.DropKeyImage(n) })
		drop.Importance = widget.LowImportance
		p.keys.Add(container.New(tight{}, container.NewBorder(nil, nil, nil, drop,
			container.NewStack(jump, widget.NewLabel("★  "+p.reading.KeyText(k))))))
	}
}

// cinePace is the time that a slice is shown for while slices are played.
const cinePace = 120 * time.Millisecond

// updateCine starts what plays the slices when they are to be played, and says so on the button.
func (p *readingPanel) updateCine() {
	on := p.reading.Cine()
	text, icon := lang.T("Play"), theme.MediaPlayIcon()
	if on {
		text, icon = lang.T("Stop"), theme.MediaStopIcon()
	}
	if p.cine.Text != text {
		p.cine.SetIcon(icon)
		p.cine.SetText(text)
	}
	if !on || p.playing {
		return
	}
	p.playing = true
	p.w.work.Go(func() { p.play() })
}

// play shows one slice after the other until that is stopped or the window closes. It waits for the window after each, so that
// slices do not queue up where drawing is slower than the pace.
func (p *readingPanel) play() {
	tick := time.NewTicker(cinePace)
	defer tick.Stop()
	for {
		select {
		case <-p.w.ctx.Done():
			return
		case <-tick.C:
		}
		goesOn := make(chan bool, 1)
		p.w.do(func() {
			if p.reading.Cine() {
				p.reading.Step()
			}
			p.playing = p.reading.Cine()
			goesOn <- p.playing
		})
		select {
		case <-p.w.ctx.Done():
			return
		case on := <-goesOn:
			if !on {
				return
			}
		}
	}
}
