package viewer

import (
	"testing"

	"fyne.io/fyne/v2"

	"bayeslice/viewer/viewstate"
)

func TestTheHeadOfACalibratedHistogramHasRoom(t *testing.T) {
	newHarness(t, &fakeEngine{}, Options{})
	c := newChart(viewstate.Classes[0], "voxels")
	c.setClass(viewstate.Classes[0], "calibrated, T 0.47")
	c.set(viewstate.Histogram{Class: viewstate.Classes[0], N: 13240, Mean: 0.95, SD: 0.12})
	c.Resize(fyne.NewSize(c.headWidth(), 90))
	c.Refresh()
	if c.facts.Text != "0.95 ± 0.12" {
		t.Errorf("the head says %q", c.facts.Text)
	}
}
