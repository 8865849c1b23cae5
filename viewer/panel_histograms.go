package viewer

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/lang"
	"bayeslice/viewer/viewstate"
)

// histogramPanel shows, per class, the mean probability over the predicted segment, and the samples
// at the pinned voxel.
type histogramPanel struct {
	state   *viewstate.State
	own     *viewport // the viewport that the panel covers, nil in the side panel
	content *fyne.Container
	segment [len(viewstate.Classes)]*chart
	voxel   [len(viewstate.Classes)]*chart
	where   *widget.Label
}

func newHistogramPanel(s *viewstate.State) *histogramPanel {
	p := &histogramPanel{state: s, where: caption("")}
	segment, voxel := container.NewGridWithColumns(2), container.NewGridWithColumns(2)
	for i, c := range viewstate.Classes {
		p.segment[i], p.voxel[i] = newChart(c, lang.T("voxels")), newChart(c, lang.T("samples"))
		segment.Add(inset(p.segment[i]))
		voxel.Add(inset(p.voxel[i]))
	}
	p.content = snug(
		wrapped(heading(lang.T("Probability over the predicted segment"))), segment,
		gapDown(6), widget.NewSeparator(),
		heading(lang.T("Samples at the clicked voxel")), p.where, voxel)
	return p
}

func (p *histogramPanel) object() fyne.CanvasObject { return p.content }

// view is the viewport whose result is described: beside compared models the focused one.
func (p *histogramPanel) view() int {
	if p.own != nil {
		return p.own.index
	}
	return p.state.Focus()
}

// update draws the histograms anew after a change that concerns them.
func (p *histogramPanel) update(c viewstate.Change) {
	if p.own != nil && !p.own.covered() {
		return
	}
	const of = viewstate.ChangedPrediction | viewstate.ChangedExam | viewstate.ChangedCompared | viewstate.ChangedLayout
	if c.Has(of) {
		for i, class := range viewstate.Classes {
			h, ok := p.state.SegmentHistogram(p.view(), class)
			if !ok {
				h = viewstate.Histogram{Class: class}
			}
			p.segment[i].set(h)
		}
	}
	if c.Has(of | viewstate.ChangedProbe) {
		p.updateVoxel()
	}
}

func (p *histogramPanel) updateVoxel() {
	world, pinned := p.state.Pinned()
	text := lang.T("Click a voxel to see how its probability varies.")
	if pinned {
		text = viewstate.PositionText(world)
	}
	reason, shown := "", false
	for i, class := range viewstate.Classes {
		h := viewstate.Histogram{Class: class}
		if pinned {
			var note string
			if h, note = p.state.VoxelHistogram(p.view(), class, world); note != "" {
				reason = note
				h.Class = class
			} else {
				shown = true
			}
		}
		p.voxel[i].set(h)
	}
	if pinned && !shown {
		text += ". " + reason
	}
	p.where.SetText(text)
}

// addCharts lets a viewport show the histograms instead of an image, where a layout wants them there.
func (w *Window) addCharts(v *viewport) {
	if !viewstate.Charted(v.index) {
		return
	}
	charts := newHistogramPanel(w.state)
	charts.own = v
	w.charts = append(w.charts, charts)
	v.cover = container.NewVScroll(charts.content)
	v.covered = func() bool { return w.state.Content(v.index).Chart && w.state.Exam() != nil }
	v.cover.Hide()
}

// showVoxel shows the samples at the clicked voxel: beside the images, or where the layout has them.
func (w *Window) showVoxel() {
	if layout, _ := w.state.Layout(); layout != viewstate.Uncertainty {
		w.selectPanel(w.histograms)
	}
}

// wrapped lets a label take a second line where it has no room.
func wrapped(l *widget.Label) *widget.Label {
	l.Wrapping = fyne.TextWrapWord
	return l
}
