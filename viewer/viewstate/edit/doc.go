// Package edit is the state of editing contours, free of the toolkit: which structure is drawn with which
// tool, strokes and outlines in progress, previews, undo, and what of it is drawn over the images. It is an
// extension of the window's state; the contours themselves are a document of package annotate. All calls
// come from the window's goroutine; what takes longer than a frame is handed to a [Worker].
package edit
