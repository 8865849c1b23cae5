package viewer

import (
	"unicode/utf8"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"

	"bayeslice/viewer/viewstate"
)

var (
	_ desktop.Mouseable   = (*viewport)(nil)
	_ desktop.Hoverable   = (*viewport)(nil)
	_ desktop.Keyable     = (*viewport)(nil)
	_ fyne.Draggable      = (*viewport)(nil)
	_ fyne.Scrollable     = (*viewport)(nil)
	_ fyne.DoubleTappable = (*viewport)(nil)
	_ desktop.Cursorable  = (*viewport)(nil)
)

// modifiers returns the modifier keys that are held now; Fyne's hover and wheel events do not carry them.
func modifiers() viewstate.Mods {
	d, ok := fyne.CurrentApp().Driver().(desktop.Driver)
	if !ok {
		return 0
	}
	return mods(d.CurrentKeyModifiers())
}

// mods translates modifier keys; Command on macOS counts as Ctrl.
func mods(m fyne.KeyModifier) viewstate.Mods {
	var out viewstate.Mods
	if m&fyne.KeyModifierShift != 0 {
		out |= viewstate.Shift
	}
	if m&(fyne.KeyModifierControl|fyne.KeyModifierSuper) != 0 {
		out |= viewstate.Ctrl
	}
	if m&fyne.KeyModifierAlt != 0 {
		out |= viewstate.Alt
	}
	return out
}

func button(b desktop.MouseButton) viewstate.Button {
	switch b {
	case desktop.MouseButtonPrimary:
		return viewstate.Left
	case desktop.MouseButtonTertiary:
		return viewstate.Middle
	case desktop.MouseButtonSecondary:
		return viewstate.Right
	}
	return viewstate.NoButton
}

// grips are the mouse cursors over what can be taken hold of.
var grips = map[viewstate.Grip]desktop.Cursor{viewstate.NoGrip: desktop.CrosshairCursor, viewstate.GripPoint: desktop.PointerCursor,
	viewstate.GripWhole: desktop.PointerCursor, viewstate.GripSideways: desktop.HResizeCursor, viewstate.GripUpright: desktop.VResizeCursor}

// Cursor implements [desktop.Cursorable]. The toolkit asks before it tells that the mouse has moved, so that the shape is one
// movement late.
func (v *viewport) Cursor() desktop.Cursor {
	return grips[v.state.GripAt(v.index, float64(v.at.X), float64(v.at.Y))]
}

// MouseDown implements [desktop.Mouseable].
func (v *viewport) MouseDown(e *desktop.MouseEvent) {
	v.requestFocus(true)
	v.state.Press(v.index, button(e.Button), mods(e.Modifier), v.space, float64(e.Position.X), float64(e.Position.Y))
}

// MouseUp implements [desktop.Mouseable].
func (v *viewport) MouseUp(e *desktop.MouseEvent) {
	v.state.Release(float64(e.Position.X), float64(e.Position.Y))
}

// MouseIn implements [desktop.Hoverable]: keys act on the viewport under the mouse.
func (v *viewport) MouseIn(e *desktop.MouseEvent) {
	v.requestFocus(false)
	v.MouseMoved(e)
}

// MouseMoved implements [desktop.Hoverable]. Drags with the right button come through here, others
// through [viewport.Dragged]; one that ended outside the window is ended when the mouse comes back.
func (v *viewport) MouseMoved(e *desktop.MouseEvent) {
	if e.Button == 0 {
		v.state.Abandon()
	}
	v.at = e.Position
	v.state.Move(v.index, modifiers(), float64(e.Position.X), float64(e.Position.Y))
	v.hover(v.index, e.Position, true)
}

// MouseOut implements [desktop.Hoverable].
func (v *viewport) MouseOut() { v.hover(v.index, fyne.Position{}, false) }

// Dragged implements [fyne.Draggable].
func (v *viewport) Dragged(e *fyne.DragEvent) {
	v.state.Move(v.index, modifiers(), float64(e.Position.X), float64(e.Position.Y))
}

// DragEnd implements [fyne.Draggable]; the press itself ends in [viewport.MouseUp].
func (v *viewport) DragEnd() {}

// notch is the wheel movement of one slice: Fyne reports ±25 a notch on Linux and less on trackpads.
const notch = 10

// Scrolled implements [fyne.Scrollable]. Small movements of a trackpad add up to notches; a wheel
// makes one slice a notch however fast it turns.
func (v *viewport) Scrolled(e *fyne.ScrollEvent) {
	dy := e.Scrolled.DY
	if dy == 0 {
		return
	}
	if v.wheel*dy < 0 {
		v.wheel = 0
	}
	v.wheel += dy
	if v.wheel > -notch && v.wheel < notch {
		return
	}
	steps := 1
	if v.wheel < 0 {
		steps = -1
	}
	v.wheel = 0
	v.state.Wheel(v.index, steps, modifiers(), float64(e.Position.X), float64(e.Position.Y))
}

// DoubleTapped implements [fyne.DoubleTappable]: one viewport alone, or all again, unless a tool wants it.
func (v *viewport) DoubleTapped(e *fyne.PointEvent) {
	v.state.DoubleClick(v.index, modifiers(), float64(e.Position.X), float64(e.Position.Y))
}

// requestFocus makes keys go to this viewport; a field that is being typed in keeps them unless the
// viewport is clicked.
func (v *viewport) requestFocus(clicked bool) {
	c := fyne.CurrentApp().Driver().CanvasForObject(v)
	if c == nil || c.Focused() == fyne.Focusable(v) {
		return
	}
	if _, typing := c.Focused().(*field); typing && !clicked {
		return
	}
	c.Focus(v)
}

// FocusGained implements [fyne.Focusable].
func (v *viewport) FocusGained() { v.state.SetFocus(v.index) }

// FocusLost implements [fyne.Focusable].
func (v *viewport) FocusLost() { v.space = false }

// TypedKey implements [fyne.Focusable].
func (v *viewport) TypedKey(e *fyne.KeyEvent) {
	if r, size := utf8.DecodeRuneInString(string(e.Name)); size == len(e.Name) && isTyped(r) {
		return // comes as a character too
	}
	if c := v.state.CommandFor(string(e.Name), modifiers()); !v.hold.typed(c) {
		v.keys(c)
	}
}

// TypedRune implements [fyne.Focusable]: characters whose key differs between keyboards.
func (v *viewport) TypedRune(r rune) {
	if isTyped(r) {
		v.keys(v.state.CommandFor(string(r), 0))
	}
}

// KeyDown implements [desktop.Keyable].
func (v *viewport) KeyDown(e *fyne.KeyEvent) {
	if e.Name == fyne.KeySpace {
		v.space = true
	}
	v.hold.down(e.Name, v.state.CommandFor(string(e.Name), modifiers()))
}

// KeyUp implements [desktop.Keyable].
func (v *viewport) KeyUp(e *fyne.KeyEvent) {
	if e.Name == fyne.KeySpace {
		v.space = false
	}
	v.hold.up(e.Name)
}
