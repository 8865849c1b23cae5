package viewer

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/keymap"
	"bayeslice/viewer/viewstate"
)

// keyCatcher is a field that waits for a key with modifiers. It takes every key while it has the focus,
// Tab and Escape too.
type keyCatcher struct {
	widget.BaseWidget
	caught func(keymap.Chord)
	label  *widget.Label
	ground *canvas.Rectangle
	held   keymap.Chord // pressed, not yet let go
}

var (
	_ fyne.Focusable    = (*keyCatcher)(nil)
	_ fyne.Shortcutable = (*keyCatcher)(nil)
	_ fyne.Tabbable     = (*keyCatcher)(nil)
	_ fyne.Tappable     = (*keyCatcher)(nil)
	_ desktop.Keyable   = (*keyCatcher)(nil)
)

func newKeyCatcher(text string, caught func(keymap.Chord)) *keyCatcher {
	k := &keyCatcher{caught: caught, label: widget.NewLabel(text), ground: canvas.NewRectangle(colorInput)}
	k.label.Alignment = fyne.TextAlignCenter
	k.label.Wrapping = fyne.TextWrapWord
	k.ground.CornerRadius = 4
	k.ground.StrokeColor, k.ground.StrokeWidth = colorFocus, 2
	k.ExtendBaseWidget(k)
	return k
}

// CreateRenderer implements [fyne.Widget].
func (k *keyCatcher) CreateRenderer() fyne.WidgetRenderer {
	return &stackRenderer{objects: []fyne.CanvasObject{k.ground, k.label}, height: 76}
}

// stackRenderer shows objects over each other.
type stackRenderer struct {
	objects []fyne.CanvasObject
	height  float32
}

func (r *stackRenderer) Destroy()                     {}
func (r *stackRenderer) MinSize() fyne.Size           { return fyne.NewSize(300, r.height) }
func (r *stackRenderer) Objects() []fyne.CanvasObject { return r.objects }
func (r *stackRenderer) Layout(size fyne.Size) {
	place(r.objects[0], 0, 0, size.Width, size.Height)
	h := r.objects[1].MinSize().Height
	place(r.objects[1], 0, (size.Height-h)/2, size.Width, h)
}

func (r *stackRenderer) Refresh() {
	for _, o := range r.objects {
		o.Refresh()
	}
}

// Tapped implements [fyne.Tappable]: a click brings the focus back.
func (k *keyCatcher) Tapped(*fyne.PointEvent) {
	if c := fyne.CurrentApp().Driver().CanvasForObject(k); c != nil {
		c.Focus(k)
	}
}

// AcceptsTab implements [fyne.Tabbable].
func (k *keyCatcher) AcceptsTab() bool { return true }

// FocusGained implements [fyne.Focusable].
func (k *keyCatcher) FocusGained() { k.ground.StrokeColor = colorAccent; k.ground.Refresh() }

// FocusLost implements [fyne.Focusable].
func (k *keyCatcher) FocusLost() { k.ground.StrokeColor = colorFocus; k.ground.Refresh() }

// TypedKey implements [fyne.Focusable]; keys come through [keyCatcher.KeyDown].
func (k *keyCatcher) TypedKey(*fyne.KeyEvent) {}

// TypedShortcut implements [fyne.Shortcutable]: keys with Ctrl must not act on the window meanwhile.
func (k *keyCatcher) TypedShortcut(fyne.Shortcut) {}

// TypedRune implements [fyne.Focusable]: some characters lie elsewhere on each keyboard, and count as such.
func (k *keyCatcher) TypedRune(r rune) {
	if isTyped(r) && k.held.Key != "" && !k.held.Ctrl && !k.held.Alt {
		k.held = keymap.Chord{Key: string(r)}
	}
}

// KeyDown implements [desktop.Keyable].
func (k *keyCatcher) KeyDown(e *fyne.KeyEvent) { k.press(e.Name, modifiers()) }

func (k *keyCatcher) press(name fyne.KeyName, m viewstate.Mods) {
	c := viewstate.ChordOf(string(name), m)
	if name == fyne.KeyUnknown || name == "" || c.Reserved() {
		return
	}
	k.held = c
}

// KeyUp implements [desktop.Keyable]: the key counts when it is let go, since what it types comes between.
func (k *keyCatcher) KeyUp(e *fyne.KeyEvent) {
	c := k.held
	if c.Key == "" || (keymap.Chord{Key: string(e.Name)}).Reserved() {
		return
	}
	k.held = keymap.Chord{}
	k.caught(c)
}

// isTyped reports whether a character is bound as what is typed, not as the key that types it.
func isTyped(r rune) bool {
	switch r {
	case '+', '?', '<', '>':
		return true
	}
	return false
}
