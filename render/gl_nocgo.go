//go:build !cgo

package render

import (
	"context"
	"errors"
	"image"
)

// GL is the OpenGL renderer; this program was built without cgo and has none.
type GL struct{}

// NewGL always fails in a program built without cgo.
func NewGL() (*GL, error) {
	return nil, errors.New("render: this program was built without cgo, which OpenGL needs")
}

// Render always fails.
func (*GL) Render(context.Context, Scene, int, int) (*image.RGBA, error) { return nil, ErrClosed }

// Name returns "none".
func (*GL) Name() string { return "none" }

// Hardware returns false.
func (*GL) Hardware() bool { return false }

// Close does nothing.
func (*GL) Close() error { return nil }
