package viewer

import (
	"time"

	"fyne.io/fyne/v2"

	"bayeslice/viewer/viewstate"
)

// How long a key is held to count as held rather than pressed, and the time between two pictures of a flicker.
const (
	holdAfter   = 350 * time.Millisecond
	flickerPace = 400 * time.Millisecond
)

// holdKeys gives keys that hide or show something a second meaning: pressed they toggle, held they peek, and go back to what was there
// when they are let go. The key of the map and the fused series flickers while it is held. One serves all viewports, since
// the focus may move while a key is down.
type holdKeys struct {
	apply func(viewstate.Command)
	do    func(func())
	now   func() time.Time
	after func(time.Duration, func())

	held    viewstate.Command // whose key is down, or NoCommand
	key     fyne.KeyName
	since   time.Time
	toggled bool // it shows the other state than before the key went down
	presses int  // counts, so that a flicker ends with its key
}

func newHoldKeys(apply func(viewstate.Command), do func(func())) *holdKeys {
	return &holdKeys{apply: apply, do: do, now: time.Now, after: func(d time.Duration, f func()) { time.AfterFunc(d, f) }}
}

// holds reports whether a command means something else while its key is held.
func holds(c viewstate.Command) bool {
	return c == viewstate.ToggleContours || c == viewstate.ToggleOverlay || c == viewstate.ToggleReference
}

// down is told that a key went down, and what it means.
func (h *holdKeys) down(key fyne.KeyName, c viewstate.Command) {
	if h.held != viewstate.NoCommand { // its release was not seen
		h.end()
	}
	if !holds(c) {
		return
	}
	h.held, h.key, h.since, h.toggled = c, key, h.now(), true
	h.presses++
	h.apply(c)
	if c == viewstate.ToggleOverlay {
		h.flicker(h.presses, holdAfter)
	}
}

// flicker toggles after a while, again and again until the key of a press is let go.
func (h *holdKeys) flicker(press int, after time.Duration) {
	h.after(after, func() {
		h.do(func() {
			if h.held == viewstate.NoCommand || h.presses != press {
				return
			}
			h.toggled = !h.toggled
			h.apply(h.held)
			h.flicker(press, flickerPace)
		})
	})
}

// typed reports whether a typed key is one that is held: it was carried out when it went down.
func (h *holdKeys) typed(c viewstate.Command) bool { return c != viewstate.NoCommand && c == h.held }

// up is told that a key was let go.
func (h *holdKeys) up(key fyne.KeyName) {
	if h.held == viewstate.NoCommand || key != h.key {
		return
	}
	if h.now().Sub(h.since) < holdAfter {
		h.held = viewstate.NoCommand
		return
	}
	h.end()
}

// end goes back to what was there before the key went down.
func (h *holdKeys) end() {
	c := h.held
	h.held = viewstate.NoCommand
	if h.toggled {
		h.apply(c)
	}
}
