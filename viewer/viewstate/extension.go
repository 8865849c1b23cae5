package viewstate

import (
	"image/color"

	"bayeslice/internal/geom"
	"bayeslice/render"
)

// Extension is a part of the window's state that lives in a package of its own: measurements, the
// editing of contours, the exploration of calibration. A [State] asks its extensions in the order in
// which they were added. Embed [NoExtension] to implement only what is needed. All calls come from
// the window's goroutine; an extension that changes something visible calls [State.Notify].
type Extension interface {
	// Apply carries out a command; false leaves it to the next extension and to the State.
	Apply(c Command) bool
	// Point takes a mouse event in a viewport; true keeps it from others. An extension that takes a
	// press gets every event up to and including its release.
	Point(e PointerEvent) bool
	// Decorate adds contours or a map to what is drawn in viewport v. It must not keep the scene.
	Decorate(v int, scene *render.Scene)
	// Marks returns lines and labels over the image of viewport v, which need no new picture.
	Marks(v int) []Mark
}

// Annotator is an [Extension] that changes what a viewport's image shows, and says so in it.
type Annotator interface {
	// Note returns what must be said in the corner of viewport v, or "". It is shown whatever texts are hidden.
	Note(v int) string
	// LegendIn returns the colour bar of what [Extension.Decorate] puts over viewport v in place of the layer; ok is
	// false where it leaves the layer as it is.
	LegendIn(v int) (l Legend, ok bool)
}

// Grip is what the mouse can take hold of at a place in a viewport.
type Grip uint8

// Grips: nothing; a point, or a whole figure, which go anywhere; a handle that goes sideways, or up and down, on the screen.
const (
	NoGrip Grip = iota
	GripPoint
	GripWhole
	GripSideways
	GripUpright
)

// Gripper is an [Extension] with drawings that the mouse can take hold of.
type Gripper interface {
	// GripAt returns what a press with the left button, logical pixels from the top left corner of viewport v, would
	// take hold of, or what it holds.
	GripAt(v int, x, y float64) Grip
}

// GripAt returns what the left button would take hold of at a place in a viewport, in logical pixels from its top left corner.
func (s *State) GripAt(v int, x, y float64) Grip {
	for _, e := range s.extensions {
		if g, ok := e.(Gripper); ok {
			if grip := g.GripAt(v, x, y); grip != NoGrip {
				return grip
			}
		}
	}
	return NoGrip
}

// Notes returns what extensions say in the corner of a viewport.
func (s *State) Notes(v int) []string {
	var out []string
	for _, e := range s.extensions {
		if a, ok := e.(Annotator); ok {
			if note := a.Note(v); note != "" {
				out = append(out, note)
			}
		}
	}
	return out
}

// annotated returns the colour bar that an extension puts in place of the layer's.
func (s *State) annotated(v int) (l Legend, ok bool) {
	for _, e := range s.extensions {
		if a, is := e.(Annotator); is {
			if l, ok = a.LegendIn(v); ok {
				return l, true
			}
		}
	}
	return Legend{}, false
}

// NoExtension implements [Extension] by doing nothing.
type NoExtension struct{}

// Apply implements [Extension].
func (NoExtension) Apply(Command) bool { return false }

// Point implements [Extension].
func (NoExtension) Point(PointerEvent) bool { return false }

// Decorate implements [Extension].
func (NoExtension) Decorate(int, *render.Scene) {}

// Marks implements [Extension].
func (NoExtension) Marks(int) []Mark { return nil }

// PointerKind is what the mouse did.
type PointerKind uint8

// Kinds of mouse events. PointerHover is a movement without a button, PointerDrag one with a button
// held (from the first pixel on), PointerCancel the end of a press whose release was not seen.
const (
	PointerDown PointerKind = iota
	PointerDrag
	PointerUp
	PointerHover
	PointerWheel
	PointerDouble
	PointerCancel
)

// PointerEvent is one mouse event in a viewport.
type PointerEvent struct {
	Kind    PointerKind
	View    int
	Button  Button // of Down, Drag, Up and Double
	Mods    Mods
	X, Y    float64   // logical pixels from the viewport's top left corner
	World   geom.Vec3 // LPS mm on the shown slice; meaningful only with OK
	OK      bool      // the viewport shows an image
	Clicked bool      // Up: the mouse stayed within [ClickTolerance] of the press
	Notches int       // Wheel: whole notches, positive away from the user
}

// Mark is a drawing over an image in world space (LPS mm), projected on the shown slice along its normal.
type Mark struct {
	Points []geom.Vec3 // a polyline; a single point is a spot, or the centre of a circle
	Closed bool        // the last point is joined to the first
	Radius float64     // mm; > 0 draws a circle of that radius round the only point
	Color  color.NRGBA
	Width  float64 // logical pixels of the line; 0 is 1.5
	Spots  bool    // a handle at each point
	Label  string  // beside the last point
}

// Extend adds an extension.
func (s *State) Extend(e Extension) { s.extensions = append(s.extensions, e) }

// Notify reports a change that an extension made.
func (s *State) Notify(c Change) { s.mark(c) }

// Marks returns what extensions draw over the image of a viewport.
func (s *State) Marks(v int) []Mark {
	if s.Series(v) == nil {
		return nil
	}
	var out []Mark
	for _, e := range s.extensions {
		out = append(out, e.Marks(v)...)
	}
	return out
}

// event completes a mouse event with where it is in the world.
func (s *State) event(e PointerEvent) PointerEvent {
	e.World, e.OK = s.WorldAt(e.View, e.X, e.Y)
	return e
}

// offer gives a mouse event to the extensions, and returns the one that took it.
func (s *State) offer(e PointerEvent) Extension {
	e = s.event(e)
	for _, x := range s.extensions {
		if x.Point(e) {
			return x
		}
	}
	return nil
}

// DoubleClick reports a double click in a viewport: it shows it alone, or all again, unless a tool wants it. Two fast
// clicks in different places, such as the corners of a polygon, are none.
func (s *State) DoubleClick(v int, m Mods, x, y float64) {
	if s.pressed.apart {
		return
	}
	if s.offer(PointerEvent{Kind: PointerDouble, View: v, Button: Left, Mods: m, X: x, Y: y}) == nil {
		s.ToggleMaximised(v)
	}
}
