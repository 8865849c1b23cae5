package viewer

import (
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/test"
)

func TestOnlyRowsInViewExist(t *testing.T) {
	test.NewTempApp(t)
	alive := map[int]*canvas.Rectangle{}
	rows := make([]lazyRow, 200)
	for i := range rows {
		rows[i] = lazyRow{
			height: func(width float32) float32 { return 10 + float32(i%2)*width/20 },
			build: func() fyne.CanvasObject {
				alive[i] = canvas.NewRectangle(colorPanel)
				return alive[i]
			},
		}
	}
	l := newLazyRows()
	l.set(rows)
	w := test.NewTempWindow(t, l.object)
	w.SetPadded(false)
	w.Resize(fyne.NewSize(212, 100)) // 200 wide beside the bar: rows of 10 and 20
	if n := len(l.inner.Objects); n < 7 || n > 9 {
		t.Fatalf("%d rows are there for a view of 100", n)
	}
	l.scroll.Scrolled(&fyne.ScrollEvent{Scrolled: fyne.Delta{DY: -1500}})
	if at := alive[100].Position().Y; at != 1500 {
		t.Errorf("row 100 is at %g", at)
	}
	if alive[101].Position().Y != 1510 || alive[101].Size() != fyne.NewSize(200, 20) {
		t.Errorf("row 101 is at %v, %v large", alive[101].Position(), alive[101].Size())
	}
	for _, o := range l.inner.Objects {
		if o == alive[0] {
			t.Error("the first row is still there")
		}
	}
	before := len(l.inner.Objects)
	w.Resize(fyne.NewSize(212, 300))
	if n := len(l.inner.Objects); n < 2*before {
		t.Errorf("%d rows fill a view of 300, %d did one of 100", n, before)
	}
	l.keep(rows[:120])
	if l.scroll.Offset.Y != 1500 || l.inner.MinSize().Height != 1800 {
		t.Errorf("other rows are shown from %g of %g", l.scroll.Offset.Y, l.inner.MinSize().Height)
	}
}
