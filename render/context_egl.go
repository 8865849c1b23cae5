//go:build cgo && linux && !render_glfw

package render

/*
#cgo linux LDFLAGS: -ldl
#include "egl_linux.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"
)

// loadEGL opens libEGL.so.1 once for the process; the library is never unloaded.
var loadEGL = sync.OnceValue(func() error {
	if message := C.bs_egl_load(); message != nil {
		return errors.New(C.GoString(message))
	}
	return nil
})

// contextSources lists the ways to a context without a window: no surface at all, then every EGL
// device (where a vendor's driver has no surfaceless platform), then the default display.
func contextSources() ([]contextSource, error) {
	if err := loadEGL(); err != nil {
		return nil, fmt.Errorf("%w: %w; install the EGL library (Debian: libegl1, libgl1-mesa-dri)", errNoContext, err)
	}
	sources := []contextSource{{"EGL surfaceless", func() (glContext, error) { return openEGL(C.bs_egl_surfaceless()) }}}
	var devices [16]C.uintptr_t
	for _, d := range devices[:C.bs_egl_devices(&devices[0], C.int(len(devices)))] {
		sources = append(sources, contextSource{"EGL device", func() (glContext, error) { return openEGL(C.bs_egl_device(d)) }})
	}
	return append(sources, contextSource{"EGL default display", func() (glContext, error) { return openEGL(C.bs_egl_default()) }}), nil
}

// eglContext is a context with a pbuffer of one pixel, or with no surface where EGL allows that.
type eglContext struct{ c C.bs_context }

func openEGL(display C.uintptr_t) (glContext, error) {
	if display == 0 {
		return nil, errors.New("no such display")
	}
	e := &eglContext{}
	if message := C.bs_egl_open(display, &e.c); message != nil {
		return nil, fmt.Errorf("%s (EGL error 0x%x)", C.GoString(message), int(C.bs_egl_error()))
	}
	return e, nil
}

func (e *eglContext) makeCurrent() error {
	if C.bs_egl_current(&e.c) == 0 {
		return fmt.Errorf("the context cannot be made current (EGL error 0x%x)", int(C.bs_egl_error()))
	}
	return nil
}

func (*eglContext) procAddress(name string) unsafe.Pointer {
	s := C.CString(name)
	defer C.free(unsafe.Pointer(s))
	return C.bs_egl_proc(s)
}

func (e *eglContext) release() { C.bs_egl_release(&e.c) }

func (e *eglContext) destroy() { C.bs_egl_destroy(&e.c) }
