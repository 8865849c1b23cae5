package viewer

import (
	"slices"

	"fyne.io/fyne/v2"
)

// barItem is an object in the tool bar, which gives way where the window is narrow.
type barItem struct {
	object  fyne.CanvasObject
	rank    int               // lower ones give way first; 0 never does
	instead fyne.CanvasObject // stands in its place then; nil for nothing
	wanted  func() bool       // whether it is there at all; nil for always
	right   bool              // from the right edge
}

func (i barItem) there() bool { return i.wanted == nil || i.wanted() }

// barLayout places the items of the tool bar in one row and leaves out those for which there is no room.
type barLayout struct{ items []barItem }

// barGap is the space between items, logical pixels.
const barGap = 5

// objects lists everything that may be shown.
func (l *barLayout) objects() []fyne.CanvasObject {
	var out []fyne.CanvasObject
	for _, i := range l.items {
		out = append(out, i.object)
		if i.instead != nil {
			out = append(out, i.instead)
		}
	}
	return out
}

// MinSize implements [fyne.Layout]: the row with everything left out that can be.
func (l *barLayout) MinSize([]fyne.CanvasObject) fyne.Size {
	var size fyne.Size
	for _, i := range l.items {
		if !i.there() {
			continue
		}
		size.Height = max(size.Height, i.object.MinSize().Height)
		if o := i.smallest(); o != nil {
			size.Width += o.MinSize().Width + barGap
		}
	}
	return size
}

// smallest returns what stands there where room is short.
func (i barItem) smallest() fyne.CanvasObject {
	if i.rank == 0 {
		return i.object
	}
	return i.instead
}

// Layout implements [fyne.Layout].
func (l *barLayout) Layout(_ []fyne.CanvasObject, size fyne.Size) {
	shown := l.fitting(size.Width)
	left, right := float32(0), size.Width
	for n, i := range l.items {
		setVisible(i.object, shown[n] == i.object)
		if i.instead != nil {
			setVisible(i.instead, shown[n] == i.instead)
		}
		o := shown[n]
		if o == nil {
			continue
		}
		want := o.MinSize()
		if i.right {
			right -= want.Width
			place(o, right, (size.Height-want.Height)/2, want.Width, want.Height)
			right -= barGap
		} else {
			place(o, left, (size.Height-want.Height)/2, want.Width, want.Height)
			left += want.Width + barGap
		}
	}
}

// fitting returns what is shown of each item in a width; nil for nothing.
func (l *barLayout) fitting(width float32) []fyne.CanvasObject {
	shown := make([]fyne.CanvasObject, len(l.items))
	var ranks []int
	for n, i := range l.items {
		if i.there() {
			shown[n] = i.object
			ranks = append(ranks, i.rank)
		}
	}
	slices.Sort(ranks)
	for _, rank := range slices.Compact(ranks) {
		if rank == 0 || rowWidth(shown) <= width {
			continue
		}
		for n, i := range l.items {
			if i.rank == rank && shown[n] != nil {
				shown[n] = i.instead
			}
		}
	}
	return shown
}

func rowWidth(objects []fyne.CanvasObject) (w float32) {
	for _, o := range objects {
		if o != nil {
			w += o.MinSize().Width + barGap
		}
	}
	return w
}
