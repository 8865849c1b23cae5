package viewer

import (
	"strings"
	"testing"

	"fyne.io/fyne/v2"
)

// TestEscapeAnswersADialogWithNo presses Escape where no field has the focus and where one has it, and over a dialog that
// another covers.
func TestEscapeAnswersADialogWithNo(t *testing.T) {
	h := newHarness(t, &fakeEngine{}, Options{})
	h.openExam()
	press := func() {
		h.t.Helper()
		key := &fyne.KeyEvent{Name: fyne.KeyEscape}
		if f := h.win.Canvas().Focused(); f != nil {
			f.TypedKey(key)
		} else {
			h.win.Canvas().OnTypedKey()(key)
		}
	}
	h.showPreferences()
	if h.win.Canvas().Focused() != nil {
		t.Error("a field of the preferences has the focus before anyone chose one")
	}
	h.showSentence("A title", "What happened.", "What to do next.", "")
	press()
	if text := h.overlayText(); strings.Contains(text, "What happened.") || !strings.Contains(text, "Preferences") {
		t.Errorf("Escape over a dialog over the preferences leaves %q", text)
	}
	press()
	if h.asking() {
		t.Errorf("Escape leaves %q open", h.overlayText())
	}
	h.showPreferences()
	h.showHelp() // a field of it has the focus
	press()
	if text := h.overlayText(); strings.Contains(text, "Keys and mouse") {
		t.Errorf("Escape within a field leaves %q", text)
	}
	press()
	press() // nothing is open
	if h.asking() || len(h.escapes) > 2 {
		t.Errorf("%d dialogs are remembered, open is %q", len(h.escapes), h.overlayText())
	}
}
