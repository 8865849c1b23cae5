// Package compare sets two segmentations of one exam beside each other: labels against a reference, one reader
// against another. It says which numbers of a mask file mean what, brings a reference onto the grid of the labels
// where that is allowed, and reports overlap, surface distances, volumes, a strip of slices and contours with
// distances, all of which are defined in package metrics.
//
// Everything is immutable and safe for concurrent use; positions are world LPS mm.
package compare

import "errors"

var (
	// ErrFrame marks a reference in another frame of reference: positions of both do not mean the same place.
	ErrFrame = errors.New("compare: the reference lies in another frame of reference")
	// ErrElsewhere marks a reference whose labels do not lie on the image.
	ErrElsewhere = errors.New("compare: the reference does not lie on this image")
	// ErrNumbering marks label numbers that the chosen numbering does not know.
	ErrNumbering = errors.New("compare: unknown label numbers")
	// ErrNothing marks segmentations that have no structure in common to be compared in.
	ErrNothing = errors.New("compare: nothing to compare")
)
