package viewer

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"bayeslice/viewer/viewstate"
)

// histogramPanel shows, per class, the mean probability over the predicted segment, and the samples
// at the pinned voxel.
type histogramPanel struct {
	state   *viewstate.State
	content *fyne.Container
	segment [len(viewstate.Classes)]*chart
	voxel   [len(viewstate.Classes)]*chart
	where   *widget.Label
}

func newHistogramPanel(s *viewstate.State) *histogramPanel {
	p := &histogramPanel{state: s, where: caption("")}
	segment, voxel := container.NewGridWithColumns(2), container.NewGridWithColumns(2)
	for i, c := range viewstate.Classes {
		p.segment[i], p.voxel[i] = newChart(c, "voxels"), newChart(c, "samples")
		segment.Add(inset(p.segment[i]))
		voxel.Add(inset(p.voxel[i]))
	}
	p.content = snug(
		heading("Probability over the predicted segment"), segment,
		gapDown(6), widget.NewSeparator(),
		heading("Samples at the clicked voxel"), p.where, voxel)
	return p
}

// update draws the histograms anew after a change that concerns them.
func (p *histogramPanel) update(c viewstate.Change) {
	if c.Has(viewstate.ChangedPrediction | viewstate.ChangedExam) {
		for i, class := range viewstate.Classes {
			h, ok := p.state.SegmentHistogram(class)
			if !ok {
				h = viewstate.Histogram{Class: class}
			}
			p.segment[i].set(h)
		}
	}
	if c.Has(viewstate.ChangedPrediction | viewstate.ChangedExam | viewstate.ChangedProbe) {
		p.updateVoxel()
	}
}

func (p *histogramPanel) updateVoxel() {
	world, pinned := p.state.Pinned()
	text := "Click a voxel to see how its probability varies."
	if pinned {
		text = viewstate.PositionText(world)
	}
	reason, shown := "", false
	for i, class := range viewstate.Classes {
		h := viewstate.Histogram{Class: class}
		if pinned {
			var note string
			if h, note = p.state.VoxelHistogram(class, world); note != "" {
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
