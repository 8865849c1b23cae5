package render

import (
	"context"
	"errors"
	"fmt"
	"image"
	"sync"
)

// Names that [New] takes.
const (
	PreferAuto = "auto" // OpenGL where there is a context, else the CPU; "" means the same
	PreferGL   = "gl"   // the same, and the note says why where it is not OpenGL
	PreferCPU  = "cpu"
)

// New returns the preferred renderer, or the CPU's where there is no OpenGL 3.3. note is empty where
// the wish was met in full, and else a sentence for the user that says what draws instead and why. What
// draws with OpenGL is a [Fallback]. On macOS and Windows New and Close must be called on the main
// thread (see [NewGL]).
func New(prefer string) (r Renderer, note string) {
	switch prefer {
	case PreferCPU:
		return NewCPU(), ""
	case "", PreferAuto, PreferGL:
	default:
		note = fmt.Sprintf("Renderer %q is unknown (choose auto, gl or cpu); using auto. ", prefer)
	}
	gl, err := NewGL()
	if err != nil {
		return NewCPU(), note + fmt.Sprintf("Slices are drawn on the CPU: %v.", err)
	}
	if !gl.Hardware() {
		note += fmt.Sprintf("No graphics device was found; OpenGL runs in software: %s.", gl.Name())
	}
	return NewFallback(gl, NewCPU()), note
}

// Fallback draws with one renderer until it fails with [ErrDevice], and from then on with another. A
// single picture that fails with [ErrVolumeSize] is drawn by the other one too. Nothing of that is
// silent: [Fallback.Name] and [Fallback.Note] tell.
type Fallback struct {
	first, second Renderer

	mu     sync.Mutex
	note   string
	failed bool
}

var _ Renderer = (*Fallback)(nil)

// NewFallback takes over both renderers; Close closes them.
func NewFallback(first, second Renderer) *Fallback { return &Fallback{first: first, second: second} }

// Render draws with the first renderer, or the second where the first cannot.
func (f *Fallback) Render(ctx context.Context, scene Scene, w, h int) (*image.RGBA, error) {
	f.mu.Lock()
	failed := f.failed
	f.mu.Unlock()
	if failed {
		return f.second.Render(ctx, scene, w, h)
	}
	img, err := f.first.Render(ctx, scene, w, h)
	if !errors.Is(err, ErrDevice) && !errors.Is(err, ErrVolumeSize) {
		return img, err
	}
	f.mu.Lock()
	f.failed = f.failed || errors.Is(err, ErrDevice)
	f.note = fmt.Sprintf("Slices are drawn on the CPU: %v.", err)
	f.mu.Unlock()
	return f.second.Render(ctx, scene, w, h)
}

// Name returns the name of the renderer in use.
func (f *Fallback) Name() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failed {
		return f.second.Name()
	}
	return f.first.Name()
}

// Note returns why the second renderer drew last, or "" where the first always could.
func (f *Fallback) Note() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.note
}

// Close closes both renderers.
func (f *Fallback) Close() error { return errors.Join(f.first.Close(), f.second.Close()) }
