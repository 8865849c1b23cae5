package viewer

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"bayeslice/viewer/viewstate"
)

func TestASessionBringsItsTabBack(t *testing.T) {
	for _, c := range []struct {
		layout viewstate.Layout
		panel  func(*harness) panel
	}{
		{viewstate.Read, func(h *harness) panel { return h.reading }},
		{viewstate.Contour, func(h *harness) panel { return h.review }},
		{viewstate.Compare, func(h *harness) panel { return h.histograms }},
	} {
		h, _ := keeping(t, t.TempDir(), &fakeEngine{}, true)
		place := examPlace(t)
		h.Open(place)
		h.until("the opening", func() bool { return h.state.Exam() != nil && h.opening == nil })
		h.state.SetLayout(c.layout)
		h.selectPanel(c.panel(h))
		want := h.tabs.Selected().Text
		path := filepath.Join(t.TempDir(), "s.bayeslice")
		h.saveSessionTo(path)
		h.until("it is told", func() bool { return strings.Contains(h.run.status.Text, "session is saved") })
		h.state.SetLayout(viewstate.Uncertainty)
		h.selectPanel(h.layers)
		h.OpenSession(path)
		h.until("the session", func() bool { l, _ := h.state.Layout(); return l == c.layout && h.opening == nil })
		h.quiet()
		if got := h.tabs.Selected().Text; got != want {
			t.Errorf("%v: the tab is %q, was %q", c.layout, got, want)
		}
		if err := (tabSection{h.Window}).RestoreSection(json.RawMessage(`{"name":"of a newer version"}`)); err != nil || h.tabs.Selected().Text != want {
			t.Errorf("an unknown tab: %v, %q", err, h.tabs.Selected().Text)
		}
		if err := (tabSection{h.Window}).RestoreSection(json.RawMessage(`[]`)); err == nil {
			t.Error("damaged data are taken")
		}
	}
}
