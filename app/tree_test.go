package app

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/uitest"
)

// windowTree returns what the front window shows once it has taken what the user did until now; nothing where there is
// no window yet.
func windowTree() *uitest.Tree {
	tree := &uitest.Tree{}
	afterEvents(func() {
		windows := fyne.CurrentApp().Driver().AllWindows()
		if len(windows) == 0 {
			return
		}
		c := windows[0].Canvas()
		x, y := c.PixelCoordinateForPosition(fyne.NewPos(1000, 1000))
		scale := float64(x+y) / 2000
		w := treeWalk{tree: tree, scale: scale}
		tree.Scale, tree.Size = scale, w.size(c.Size())
		all := w.box(fyne.NewPos(0, 0), c.Size())
		w.walk(c.Content(), fyne.NewPos(0, 0), -1, all, all)
		for _, o := range c.Overlays().List() {
			w.layer++
			w.walk(o, fyne.NewPos(0, 0), -1, all, all)
		}
	})
	return tree
}

// afterEvents runs a function on the UI goroutine after that has looked at the mouse and the keyboard, and returns then:
// animations tick after the toolkit has polled its events, where a call that is queued may come before.
func afterEvents(do func()) {
	done := make(chan struct{})
	var once sync.Once
	a := fyne.NewAnimation(time.Hour, nil)
	a.Tick = func(float32) {
		once.Do(func() {
			a.Stop()
			do()
			close(done)
		})
	}
	fyne.Do(a.Start)
	<-done
}

// treeWalk walks through visible objects in the order of painting.
type treeWalk struct {
	tree  *uitest.Tree
	scale float64
	layer int
}

func (w *treeWalk) size(s fyne.Size) uitest.Size {
	return uitest.Size{W: float64(s.Width) * w.scale, H: float64(s.Height) * w.scale}
}

func (w *treeWalk) box(at fyne.Position, size fyne.Size) uitest.Box {
	x, y, s := float64(at.X)*w.scale, float64(at.Y)*w.scale, w.size(size)
	return uitest.Box{X0: x, Y0: y, X1: x + s.W, Y1: y + s.H}
}

// walk adds an object and what is in it. Nothing outside of seen can be seen, whatever is scrolled; nothing outside
// of fence can be brought into view.
func (w *treeWalk) walk(o fyne.CanvasObject, at fyne.Position, parent int, seen, fence uitest.Box) {
	if o == nil || !o.Visible() {
		return
	}
	at = at.Add(o.Position())
	box := w.box(at, o.Size())
	n := uitest.Node{Parent: parent, Layer: w.layer, Box: box, Seen: box.Intersect(seen), Fence: fence, Need: w.size(o.MinSize())}
	n.Type = strings.TrimPrefix(fmt.Sprintf("%T", o), "*")
	n.Type = n.Type[strings.LastIndex(n.Type, ".")+1:]
	n.Kind = n.Type
	describe(&n, o)
	if d, ok := o.(fyne.Disableable); ok {
		n.Disabled = d.Disabled()
	}
	var inside []fyne.CanvasObject
	switch o := o.(type) {
	case *fyne.Container:
		inside = o.Objects
	case fyne.Widget:
		n.Widget = true
		inside = test.WidgetRenderer(o).Objects()
	}
	number := len(w.tree.Nodes)
	w.tree.Nodes = append(w.tree.Nodes, n)
	switch o := o.(type) {
	case *container.Scroll:
		seen, fence = n.Seen, scrolled(box, fence, o.Direction)
	case *container.Clip:
		seen, fence = n.Seen, fence.Intersect(box)
	}
	for _, child := range inside {
		w.walk(child, at, number, seen, fence)
	}
}

// scrolled is the fence of what lies in a scroll container.
func scrolled(box, fence uitest.Box, d fyne.ScrollDirection) uitest.Box {
	const far = 1e6
	out := fence.Intersect(box)
	if d == container.ScrollBoth || d == container.ScrollHorizontalOnly {
		out.X0, out.X1 = -far, far
	}
	if d == container.ScrollBoth || d == container.ScrollVerticalOnly {
		out.Y0, out.Y1 = -far, far
	}
	return out
}

// describe notes what an object says. A widget of the program that embeds one of the toolkit is described as that.
func describe(n *uitest.Node, o any) {
	switch o := o.(type) {
	case *canvas.Text:
		n.Text, n.Align = o.Text, int(o.Alignment)
	case *canvas.Rectangle:
		if o.FillColor != nil {
			_, _, _, alpha := o.FillColor.RGBA()
			n.Opaque = alpha == 0xffff && o.CornerRadius == 0
		}
	case *widget.Label:
		n.Text = o.Text
	case *widget.Button:
		n.Text, n.On = o.Text, o.Importance == widget.HighImportance
		if o.Icon != nil {
			n.Icon = o.Icon.Name()
		}
	case *widget.Check:
		n.Text, n.On = o.Text, o.Checked
	case *widget.Entry:
		n.Text, n.Hint = o.Text, o.PlaceHolder
	case *widget.Select:
		n.Text, n.Hint = o.Selected, o.PlaceHolder
	case *widget.Slider:
		if n.Range = o.Max - o.Min; n.Range > 0 {
			n.Value = (o.Value - o.Min) / n.Range
		}
	case *widget.Hyperlink:
		n.Text = o.Text
	case *widget.RadioGroup:
		n.Hint = o.Selected
	default:
		embedded(n, o)
		return
	}
	n.Kind = strings.TrimPrefix(fmt.Sprintf("%T", o), "*widget.")
	n.Kind = strings.TrimPrefix(n.Kind, "*canvas.")
}

// embedded describes a widget by the widget of the toolkit that its structure begins with.
func embedded(n *uitest.Node, o any) {
	v := reflect.ValueOf(o)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return
	}
	for i := range v.Elem().NumField() {
		f := v.Elem().Type().Field(i)
		if !f.Anonymous || !f.IsExported() || f.Type.Kind() != reflect.Struct || f.Type.PkgPath() != "fyne.io/fyne/v2/widget" {
			continue
		}
		describe(n, v.Elem().Field(i).Addr().Interface())
	}
}
