package viewer

import (
	"image/color"

	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"

	"bayeslice/inference"
	"bayeslice/internal/lang"
	"bayeslice/internal/volume"
	"bayeslice/viewer/viewstate"
)

// paneInset is the histogram of the selected class's probabilities over the predicted segment at the foot of a compared
// model's picture, as in the paper's Figure 3.
type paneInset struct {
	v     *viewport
	chart *chart
	of    *inference.Prediction // that the chart shows
	by    *volume.Volume        // the adjusted probabilities that it shows, nil for those of the model as they are
}

// addInsets gives every viewport its histogram.
func (w *Window) addInsets() {
	for _, v := range w.views {
		in := &paneInset{v: v, chart: newChart(w.state.Class(), lang.T("voxels"))}
		ground := canvas.NewRectangle(color.NRGBA{10, 12, 15, 205})
		ground.CornerRadius = 4
		v.foot = container.NewStack(ground, container.New(layout.NewCustomPaddedLayout(3, 3, 6, 6), in.chart))
		v.foot.Hide()
		v.footed = func() bool { return in.visible(w) }
		v.footNeeds = func() float32 { return in.chart.headWidth() + 2*6 }
		w.insets = append(w.insets, in)
	}
}

// visible reports whether the viewport shows a compared model with a result, and has room.
func (in *paneInset) visible(w *Window) bool {
	s := w.state
	slot := s.Content(in.v.index).Slot
	if slot == viewstate.OwnResult || s.Exam() == nil || s.Texts() == viewstate.NoTexts {
		return false
	}
	_, asking := w.explore.x.Question()
	return !asking && s.Compared(slot).Prediction != nil && in.v.Size().Height > 260 // else it would hide the picture
}

// updateInsets draws the histograms anew after a change that concerns them.
func (w *Window) updateInsets(c viewstate.Change) {
	if !c.Has(viewstate.ChangedCompared | viewstate.ChangedExam | viewstate.ChangedLayout | viewstate.ChangedLayer) {
		return
	}
	for _, in := range w.insets {
		if !in.visible(w) {
			continue
		}
		class := w.state.Class()
		slot := w.state.Content(in.v.index).Slot
		p := w.state.Compared(slot).Prediction
		by, how := w.explore.x.Adjusted(slot)
		if in.of == p && in.by == by && in.chart.hist.Class == class {
			continue
		}
		in.of, in.by = p, by
		h, ok := w.state.SegmentHistogram(in.v.index, class)
		if by != nil {
			h, ok = w.state.SegmentHistogramOf(in.v.index, class, by)
		}
		if !ok {
			h = viewstate.Histogram{Class: class}
		}
		in.chart.setClass(class, how)
		in.chart.set(h)
		in.v.arrangeInsets(in.v.Size()) // its head may need another width
	}
}
