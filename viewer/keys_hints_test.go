package viewer

import (
	"strings"
	"testing"

	"bayeslice/viewer/viewstate"
)

// Buttons of the Contour tab name the keys that hold now, not those of the start.
func TestButtonsNameTheKeysThatHold(t *testing.T) {
	h := newHarness(t, &fakeEngine{}, Options{})
	h.openExam()
	accept := func() string {
		for _, b := range h.hints {
			if b.command == viewstate.Accept {
				return b.button.Text
			}
		}
		return ""
	}
	before := accept()
	if before != withKeys("Accept", h.state.Keys(), viewstate.Accept) || !strings.HasPrefix(before, "Accept  ") {
		t.Fatalf("%q", before)
	}
	keys := append(viewstate.Keymap(nil), h.state.Keys()...)
	for i := range keys {
		if keys[i].Command == viewstate.Accept {
			keys[i].Key, keys[i].Mods = "F9", 0
		}
	}
	h.state.SetKeys(keys)
	h.showHints()
	if got := accept(); got != "Accept  F9" {
		t.Errorf("%q after %q", got, before)
	}
}
