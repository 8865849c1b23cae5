package viewer

import (
	"context"

	"bayeslice/viewer/viewstate"
)

// awaited is what waits for pictures that were asked for, so that the window, whose repainting takes as long as a
// picture, repaints once for both. For the UI goroutine alone.
type awaited struct {
	asked bool     // since pictures were shown last; some will be
	then  []func() // done when they are
}

// ask asks the painter for pictures.
func (w *Window) ask(batch []request) {
	w.awaited.asked = w.awaited.asked || len(batch) > 0
	w.painter.submit(batch)
}

// withPictures does something together with the pictures that were asked for, or at once where none were.
func (w *Window) withPictures(do func()) {
	if !w.awaited.asked {
		do()
		return
	}
	w.awaited.then = append(w.awaited.then, do)
}

// deliver shows what the painter drew. It runs on the painter's goroutine.
func (w *Window) deliver(ctx context.Context, pictures []drawn) {
	shown := make(chan struct{})
	w.do(func() {
		w.showPictures(pictures)
		close(shown)
	})
	select {
	case <-shown:
	case <-ctx.Done():
	}
}

// showPictures shows what was drawn, and what belongs to it.
func (w *Window) showPictures(pictures []drawn) {
	for _, d := range pictures {
		w.views[d.view].show(d)
	}
	w.showStatus()
	then := w.awaited.then
	w.awaited = awaited{}
	for _, do := range then {
		do()
	}
}

// changed brings the window up to date with the state.
func (w *Window) changed(c viewstate.Change) {
	if c.Has(viewstate.ChangedLayout) {
		w.showPanels()
		w.grid.Refresh()
		w.grid.Layout.Layout(w.grid.Objects, w.grid.Size())
		c |= viewstate.ChangedCamera
	}
	var batch []request
	for _, v := range w.views {
		if w.labels.waits(v.index, c) {
			continue
		}
		if r, ok := v.update(c); ok {
			batch = append(batch, r)
		}
	}
	w.ask(batch)
	w.mode.update(c)
	if w.running != nil && c.Has(viewstate.ChangedPrediction) && !c.Has(viewstate.ChangedExam|viewstate.ChangedLayout) {
		w.withPictures(func() { w.changedBeside(c) })
	} else {
		w.changedBeside(c)
	}
	if len(batch) == 0 { // else with the pictures
		w.showStatus()
	}
}

// changedBeside brings what stands beside and over the pictures up to date.
func (w *Window) changedBeside(c viewstate.Change) {
	w.bar.update(c)
	w.updatePanels(c)
	w.updateInsets(c)
	for _, p := range w.charts {
		p.update(c)
	}
}
