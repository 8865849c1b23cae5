// Package compare is what the window shows of a comparison of contours with a reference or another reader, without
// a toolkit: which two are compared, the figures of each structure, the strip of slices, and contours coloured by
// their distance. What the figures mean is defined in packages metrics and compare of the engines.
//
// A [Comparison] is used on the window's goroutine. What takes long is done by a [Worker].
package compare

import (
	"context"

	masks "bayeslice/internal/compare"
)

// Worker does work off the window's goroutine, one at a time and in the order in which it came. A later work replaces
// one of the same kind that has not begun, and ends ctx of one that has.
type Worker interface {
	// Submit hands over a work. What it returns, unless nil, is called on the window's goroutine.
	Submit(kind string, work func(ctx context.Context) (done func()))
}

// Edited is where the contours that are being edited come from.
type Edited interface {
	// Labels returns what reads them, as they are now, on the T2W grid, from any goroutine; ok is false where there are
	// none.
	Labels() (read func() masks.Labels, ok bool)
}

// Side is what is compared with the reference.
type Side uint8

// Sides.
const (
	Auto     Side = iota // the contours being edited where there are any, else the result of the models
	Contours             // being edited
	Result               // the most probable classes of the models
)
