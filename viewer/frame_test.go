package viewer

import (
	"strings"
	"testing"

	"fyne.io/fyne/v2"

	"bayeslice/viewer/viewstate"
)

func TestTheWindowFitsSmallAndMagnifiedScreens(t *testing.T) {
	h := newHarness(t, &fakeEngine{models: collection()}, Options{Trainer: struct{ viewstate.Trainer }{}}) // its page is not opened
	h.openExam()
	h.startRun()
	h.until("the end", func() bool { return h.running == nil })
	h.settle()
	for _, c := range []struct {
		w, h   float32
		narrow bool
		shown  []string // in the tool bar
		absent string
	}{
		{1280, 800, false, []string{"Uncertainty", "Train", "TRAINED ON PHANTOMS"}, "nothing"},
		{960, 540, false, []string{"Uncertainty"}, "TRAINED ON PHANTOMS"}, // 1920 × 1080 at twice the size
		{640, 400, true, []string{"Uncertainty"}, "Reset"},                // 1280 × 800 at twice the size
	} {
		size := fyne.NewSize(c.w, c.h)
		h.images.Resize(size)
		if min := h.images.MinSize(); min.Width > c.w || min.Height > c.h {
			t.Errorf("at %v the window needs %v", size, min)
		}
		if h.frame.narrow != c.narrow || h.tabs.Visible() == c.narrow && h.frame.over {
			t.Errorf("at %v: narrow %v", size, h.frame.narrow)
		}
		bar := texts(h.bar.content)
		for _, want := range c.shown {
			if !strings.Contains(bar, want) {
				t.Errorf("at %v the tool bar lacks %q:\n%s", size, want, bar)
			}
		}
		if strings.Contains(bar, c.absent) {
			t.Errorf("at %v the tool bar has %q:\n%s", size, c.absent, bar)
		}
	}
	if shown := h.bar.row.fitting(h.bar.row.MinSize(nil).Width); shown[1] != h.bar.layouts {
		t.Error("where there is least room the layouts are not a list")
	}
	before := h.views[1].Size().Width
	h.toggleSide()
	if !h.frame.ground.Visible() || h.views[1].Size().Width != before {
		t.Error("the panel does not come over the images")
	}
	h.toggleSide()
	if h.frame.ground.Visible() {
		t.Error("the panel does not go away")
	}
}
