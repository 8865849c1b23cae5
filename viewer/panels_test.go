package viewer

import (
	"fmt"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"bayeslice/viewer/viewstate"
)

// tabButtons counts the tabs that are shown; the toolkit puts those that have no room into a menu.
func tabButtons(o fyne.CanvasObject) int {
	n := 0
	if fmt.Sprintf("%T", o) == "*container.tabButton" {
		n++
	}
	var inside []fyne.CanvasObject
	switch o := o.(type) {
	case *fyne.Container:
		inside = o.Objects
	case fyne.Widget:
		inside = test.WidgetRenderer(o).Objects()
	}
	for _, o := range inside {
		n += tabButtons(o)
	}
	return n
}

func TestEveryTabHasItsPlace(t *testing.T) {
	h := newHarness(t, &fakeEngine{}, Options{})
	h.openExam()
	for _, layout := range viewstate.Layouts {
		h.state.SetLayout(layout)
		h.settle()
		if got := tabButtons(h.tabs); got != len(h.tabs.Items) {
			t.Errorf("%v: %d of %d tabs have room on %g pixels", layout, got, len(h.tabs.Items), h.tabs.Size().Width)
		}
	}
}
