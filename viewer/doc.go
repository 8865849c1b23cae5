// Package viewer is the window: Fyne widgets around a [viewstate.State]. It turns events into the
// state's commands and gestures, draws the viewports through a render.Renderer, and asks an [Engine]
// for everything that takes time. It holds no image processing and no model.
//
// Widgets and the state are touched on the UI goroutine only. Work runs on goroutines the window owns
// and waits for; they come back through fyne.Do, which is called in this package and nowhere else.
package viewer
