package viewer

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/annotate"
	masks "bayeslice/internal/compare"
	"bayeslice/internal/lang"
	"bayeslice/internal/volume"
	"bayeslice/viewer/viewstate/compare"
)

// editedLabels gives the contours of the editor to the comparison.
type editedLabels struct{ w *Window }

var _ compare.Edited = editedLabels{}

// settleAfter is how long contours must stay as they are before they are compared.
const settleAfter = 250 * time.Millisecond

// settle waits until nothing has changed for a moment, or ctx ends.
func settle(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(settleAfter):
	}
}

// offerMasks offers, below a button, what can be compared with; done is told what became of a mask.
func (w *Window) offerMasks(below fyne.CanvasObject, done func(error)) {
	var items []*fyne.MenuItem
	for i, from := range w.review.compare.Offered() {
		if w.state.Private() { // files of masks often are named after patients
			from.Name = lang.T("Labels %d", i+1)
		}
		items = append(items, fyne.NewMenuItem(from.Name, func() { w.review.compare.Load(from, done) }))
	}
	if w.knowsTruth() {
		items = append(items, fyne.NewMenuItem(lang.T("Truth of the synthetic exam"), w.useTruth))
	}
	if len(items) > 0 {
		items = append(items, fyne.NewMenuItemSeparator())
	}
	items = append(items, fyne.NewMenuItem(lang.T("Mask file (NIfTI, MHA, DICOM SEG) …"), func() { w.pickPath(pickLabels, func(path string) { w.loadMask(path, done) }) }))
	at := w.app.Driver().AbsolutePositionForObject(below).AddXY(0, below.Size().Height+2)
	widget.ShowPopUpMenuAtPosition(fyne.NewMenu("", items...), w.win.Canvas(), at)
}

// loadMask makes a mask file the reference.
func (w *Window) loadMask(path string, done func(error)) {
	name := filepath.Base(path)
	for _, x := range maskExtensions {
		name = strings.TrimSuffix(name, "."+x)
	}
	if w.state.Private() {
		name = lang.T("Mask file")
	}
	w.chooseMask(path, func(read func() (*volume.Mask, error)) {
		w.review.compare.Load(compare.Source{Name: name, Read: read}, done)
	})
}

// maskExtensions are the files that hold masks.
var maskExtensions = []string{"gz", "nii", "mha", "mhd", "nrrd", "nhdr", "dcm", "seg"}

// maskLoaded tells what went wrong with a mask, and shows the comparison.
func (w *Window) maskLoaded(err error) {
	switch {
	case w.closing:
	case err != nil:
		w.showError(lang.T("The mask was not loaded"), err)
	default:
		w.selectPanel(w.review)
	}
}

// Labels implements [compare.Edited]: what is drawn, unless nothing is.
func (e editedLabels) Labels() (read func() masks.Labels, ok bool) {
	shot := e.w.labels.editor.Snapshot()
	if shot == nil {
		return nil, false
	}
	zones, lesions := !shot.Empty(annotate.Zones), !shot.Empty(annotate.Lesions)
	return func() (l masks.Labels) {
		if zones {
			l.Zones = shot.Mask(annotate.Zones)
		}
		if lesions {
			l.Lesions = shot.Mask(annotate.Lesions)
		}
		return l
	}, zones || lesions
}
