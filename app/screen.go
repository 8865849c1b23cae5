//go:build cgo

package app

import "github.com/go-gl/glfw/v3.3/glfw"

// screenSize returns the size of the primary screen without bars of the system, in device pixels; ok is
// false where there is none to ask. GLFW is initialised, harmlessly where the toolkit has done so, and
// left to the toolkit. It must be called on the main goroutine.
func screenSize() (width, height int, ok bool) {
	if err := glfw.Init(); err != nil {
		return 0, 0, false
	}
	monitor := glfw.GetPrimaryMonitor()
	if monitor == nil {
		return 0, 0, false
	}
	_, _, width, height = monitor.GetWorkarea()
	return width, height, width > 0 && height > 0
}
