package viewer

import (
	"image/color"
	"testing"

	"fyne.io/fyne/v2"
)

func TestLabelsAreNotWrittenOverEachOther(t *testing.T) {
	h := newHarness(t, &fakeEngine{}, Options{})
	h.openExam()
	v := h.views[0]
	within := fyne.NewSize(300, 160)
	v.marks.begin()
	v.title.place(200, 6, 0, 0)
	for i, at := range []fyne.Position{{X: 120, Y: 80}, {X: 122, Y: 82}, {X: 118, Y: 79}, {X: 295, Y: 150}, {X: 240, Y: 26}, {X: 120, Y: 80}, {X: 120, Y: 80}, {X: 120, Y: 80}, {X: 118, Y: 82}, {X: 122, Y: 82}} {
		v.marks.label(at, "310 ± 123", color.White, within, []*imageText{v.title})
		l := v.marks.labels[i]
		if p, size := l.text.Position(), l.text.Size(); p.X < 0 || p.Y < 0 || p.X+size.Width > within.Width || p.Y+size.Height > within.Height {
			t.Errorf("label %d at %v leaves the viewport", i, p)
		}
		for n, o := range append([]*imageText{v.title}, v.marks.labels[:i]...) {
			if l.overlaps(o) {
				t.Errorf("label %d lies over text %d", i, n)
			}
		}
	}
	if p := v.marks.labels[0].text.Position(); p.X != 130 || p.Y >= 80 {
		t.Errorf("a label with room stands at %v", p)
	}
}

func TestALabelWithoutRoomStandsWhereItWould(t *testing.T) {
	nowhere := func(fyne.Position) bool { return false }
	if p := freePlace(fyne.NewPos(50, 50), fyne.NewSize(40, 10), fyne.NewSize(200, 100), nowhere); p != fyne.NewPos(60, 36) {
		t.Errorf("at %v", p)
	}
}
