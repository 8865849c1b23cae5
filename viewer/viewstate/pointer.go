package viewstate

import "math"

// Button is a mouse button.
type Button uint8

// Mouse buttons.
const (
	NoButton Button = iota
	Left
	Middle
	Right
)

// DragAction is what dragging does.
type DragAction uint8

// Drag actions.
const (
	DragNothing DragAction = iota
	DragWindow
	DragPan
	DragZoom
)

// ClickTolerance is how far, in logical pixels, the mouse may move for a press to stay a click.
const ClickTolerance = 4

// zoomPixels is the vertical drag, logical pixels, that doubles the magnification.
const zoomPixels = 150

// DragFor returns what dragging with a button means; space tells whether the space bar is held.
func DragFor(b Button, space bool) DragAction {
	switch {
	case b == Middle || b == Left && space:
		return DragPan
	case b == Left:
		return DragWindow
	case b == Right:
		return DragZoom
	}
	return DragNothing
}

// pointer is the mouse press in progress.
type pointer struct {
	down         bool
	view         int
	button       Button
	mods         Mods
	action       DragAction
	startX       float64
	startY       float64
	lastX, lastY float64
	dragging     bool
	taken        Extension // the extension that the press belongs to, or nil
}

// pressed is where the last two presses were.
type pressed struct {
	view  int
	x, y  float64
	apart bool // the last two were in different places: clicks that follow each other fast are no double click
}

// note adds a press.
func (p *pressed) note(v int, x, y float64) {
	apart := p.view != v || math.Hypot(x-p.x, y-p.y) > 2*ClickTolerance
	*p = pressed{v, x, y, apart}
}

// Press begins a mouse press in a viewport, at logical pixels from its top left corner, and focuses it.
func (s *State) Press(v int, b Button, m Mods, space bool, x, y float64) {
	s.pointer = pointer{down: true, view: v, button: b, mods: m, action: DragFor(b, space), startX: x, startY: y, lastX: x, lastY: y}
	s.pressed.note(v, x, y)
	s.SetFocus(v)
	if s.pointer.action != DragPan {
		s.pointer.taken = s.offer(PointerEvent{Kind: PointerDown, View: v, Button: b, Mods: m, X: x, Y: y})
	}
}

// Move reports the mouse in a viewport: it drags while a button is held beyond [ClickTolerance], and
// moves the cursor while Shift alone is held.
func (s *State) Move(v int, m Mods, x, y float64) {
	p := &s.pointer
	if p.taken != nil {
		p.dragging = p.dragging || math.Hypot(x-p.startX, y-p.startY) >= ClickTolerance
		p.taken.Point(s.event(PointerEvent{Kind: PointerDrag, View: p.view, Button: p.button, Mods: m, X: x, Y: y}))
		return
	}
	if !p.down {
		if s.offer(PointerEvent{Kind: PointerHover, View: v, Mods: m, X: x, Y: y}) != nil {
			return
		}
		if m == Shift {
			if world, ok := s.WorldAt(v, x, y); ok {
				s.SetCursor(world)
			}
		}
		return
	}
	if !p.dragging {
		if math.Hypot(x-p.startX, y-p.startY) < ClickTolerance {
			return
		}
		p.dragging = true
	}
	dx, dy := x-p.lastX, y-p.lastY
	p.lastX, p.lastY = x, y
	switch p.action {
	case DragWindow:
		s.DragWindow(p.view, dx, dy)
	case DragPan:
		s.Pan(p.view, dx, dy)
	case DragZoom:
		s.Zoom(p.view, math.Exp2(-dy/zoomPixels), p.startX, p.startY)
	}
}

// Release ends a press. A left press that stayed within [ClickTolerance] is a click: it moves the
// cursor (not with Alt) and pins the voxel.
func (s *State) Release(x, y float64) {
	p := s.pointer
	s.pointer = pointer{}
	if p.taken != nil {
		p.taken.Point(s.event(PointerEvent{Kind: PointerUp, View: p.view, Button: p.button, Mods: p.mods, X: x, Y: y, Clicked: !p.dragging}))
		return
	}
	if !p.down || p.dragging || p.button != Left || p.action == DragPan {
		return
	}
	world, ok := s.WorldAt(p.view, x, y)
	if !ok {
		return
	}
	s.Update(func() {
		if p.mods&Alt == 0 {
			s.SetCursor(world)
		}
		s.Pin(world)
	})
}

// Wheel turns the wheel by whole notches, positive away from the user, over a viewport: slices, or
// zoom about the pointer with Ctrl. It focuses the viewport.
func (s *State) Wheel(v, notches int, m Mods, x, y float64) {
	s.Update(func() {
		s.SetFocus(v)
		if s.offer(PointerEvent{Kind: PointerWheel, View: v, Mods: m, X: x, Y: y, Notches: notches}) != nil {
			return
		}
		switch {
		case m&Ctrl != 0:
			s.Zoom(v, math.Pow(zoomStep, float64(notches)), x, y)
		case m&Shift != 0:
			s.Scroll(v, fastSlices*notches)
		default:
			s.Scroll(v, notches)
		}
	})
}

// Abandon forgets a press whose release was not seen, as when it happened outside the window.
func (s *State) Abandon() {
	p := s.pointer
	s.pointer = pointer{}
	if p.taken != nil {
		p.taken.Point(s.event(PointerEvent{Kind: PointerCancel, View: p.view, Button: p.button, Mods: p.mods, X: p.lastX, Y: p.lastY}))
	}
}
