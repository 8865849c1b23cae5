//go:build !cgo

package app

// screenSize cannot be asked for without the window system's library.
func screenSize() (width, height int, ok bool) { return 0, 0, false }
