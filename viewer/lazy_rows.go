package viewer

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
)

// lazyRow is a row of [lazyRows].
type lazyRow struct {
	height func(width float32) float32 // logical pixels; it is asked for every row, and must be cheap
	build  func() fyne.CanvasObject    // makes what is shown, while it is in view
}

// lazyRows scrolls many rows of which only those in view exist: all of them at once would hold the window up.
type lazyRows struct {
	object *fyne.Container // to be shown
	scroll *container.Scroll
	inner  *fyne.Container
	rows   []lazyRow
	tops   []float32 // of each row, and the height of all at the end
	width  float32   // of the rows
	built  map[int]fyne.CanvasObject
}

func newLazyRows() *lazyRows {
	l := &lazyRows{}
	l.inner = container.New(l)
	l.scroll = container.NewVScroll(besideBar(l.inner))
	l.scroll.OnScrolled = func(fyne.Position) { l.show() }
	l.object = container.New(lazyFrame{l}, l.scroll)
	return l
}

// set puts rows in the place of those before, and shows the first.
func (l *lazyRows) set(rows []lazyRow) {
	l.scroll.ScrollToTop()
	l.keep(rows)
}

// keep puts rows in the place of those before, and stays where it is.
func (l *lazyRows) keep(rows []lazyRow) {
	l.rows, l.built = rows, map[int]fyne.CanvasObject{}
	l.measure()
	l.scroll.Refresh()
	l.show()
}

// measure finds out where every row is.
func (l *lazyRows) measure() {
	l.tops = make([]float32, 1, len(l.rows)+1)
	for i, r := range l.rows {
		l.tops = append(l.tops, l.tops[i]+whole(r.height(l.width)))
	}
}

// show builds the rows in view and drops the others.
func (l *lazyRows) show() {
	if l.width <= 0 {
		return // they are shown when they have a place
	}
	from, to := l.scroll.Offset.Y, l.scroll.Offset.Y+l.scroll.Size().Height
	var objects []fyne.CanvasObject
	for i, r := range l.rows {
		if l.tops[i+1] < from || l.tops[i] > to {
			delete(l.built, i)
			continue
		}
		o := l.built[i]
		if o == nil {
			o = r.build()
			l.built[i] = o
		}
		place(o, 0, l.tops[i], l.width, l.tops[i+1]-l.tops[i])
		objects = append(objects, o)
	}
	l.inner.Objects = objects
	l.inner.Refresh()
}

// lazyFrame gives the rows the space that there is.
type lazyFrame struct{ rows *lazyRows }

// MinSize implements [fyne.Layout].
func (f lazyFrame) MinSize([]fyne.CanvasObject) fyne.Size { return f.rows.scroll.MinSize() }

// Layout implements [fyne.Layout].
func (f lazyFrame) Layout(_ []fyne.CanvasObject, size fyne.Size) {
	f.rows.scroll.Resize(size)
	f.rows.show()
}

// MinSize implements [fyne.Layout].
func (l *lazyRows) MinSize([]fyne.CanvasObject) fyne.Size {
	if len(l.tops) == 0 {
		return fyne.Size{}
	}
	return fyne.NewSize(0, l.tops[len(l.tops)-1])
}

// Layout implements [fyne.Layout]; the rows have their places already.
func (l *lazyRows) Layout(_ []fyne.CanvasObject, size fyne.Size) {
	if size.Width != l.width {
		l.width = size.Width
		l.measure()
		l.show()
	}
}
