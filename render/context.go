//go:build cgo

package render

import (
	"errors"
	"unsafe"
)

// errNoContext is why no OpenGL context could be made, in words.
var errNoContext = errors.New("no OpenGL 3.3 context")

// glContext is an offscreen OpenGL 3.3 core context of some window system.
type glContext interface {
	// makeCurrent binds the context to the calling OS thread.
	makeCurrent() error
	// procAddress finds a GL function; the context is current on the calling OS thread.
	procAddress(name string) unsafe.Pointer
	// release unbinds the context from the calling OS thread.
	release()
	// destroy frees the released context, on the thread that made it where the window system asks for that.
	destroy()
}

// contextSource makes one kind of context, on the thread that calls [NewGL].
type contextSource struct {
	name string // "EGL surfaceless", for error texts
	open func() (glContext, error)
}
