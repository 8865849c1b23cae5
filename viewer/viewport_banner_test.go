package viewer

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"fyne.io/fyne/v2"
)

func TestNotesAreBrokenWhole(t *testing.T) {
	for _, c := range []struct {
		notes string
		width int
		want  []string
	}{
		{"A · B", 9, []string{"A · B"}},
		{"SYNTH. · ADC in colour · moved", 24, []string{"SYNTH. · ADC in colour", "moved"}},
		{"SYNTH. · other frame of reference · moved", 16, []string{"SYNTH. · other", "frame of", "reference · moved"}},
		{"a · b · c · d", 1, []string{"a", "b", "c · d"}}, // no room: cut by what shows it
	} {
		got := brokenNotes(c.notes, 3, func(s string) bool { return utf8.RuneCountInString(s) <= c.width })
		if !slices.Equal(got, c.want) {
			t.Errorf("%q on %d: %q, want %q", c.notes, c.width, got, c.want)
		}
	}
}

func TestABannerSaysAllInANarrowViewport(t *testing.T) {
	h := newHarness(t, &fakeEngine{}, Options{})
	h.openExam()
	v := h.views[0]
	const fullest, brief = "SYNTHETIC · ADC (b 50–800) in colour · shifted by hand 1.0 L, 0.5 A mm · ★ key image", "SYNTH. · ADC (b 50–800) in colour · shifted by hand 1.0 L, 0.5 A mm · ★ key image"
	for _, width := range []float32{1000, 460, 220} {
		v.note.set(width, fullest, brief)
		v.note.show(true)
		v.note.place(8, 30, 0)
		if got := v.note.text(); got != fullest && got != brief || strings.Contains(got, "…") {
			t.Errorf("on %v: %q", width, got)
		}
		last := float32(0)
		for _, l := range v.note.lines {
			if !l.text.Visible() {
				continue
			}
			if w := fyne.MeasureText(l.text.Text, l.text.TextSize, l.text.TextStyle).Width; w > width || l.bottom() <= last {
				t.Errorf("on %v the line %q is %v wide and ends at %v", width, l.text.Text, w, l.bottom())
			}
			last = l.bottom()
		}
	}
}
