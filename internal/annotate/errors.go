package annotate

import "errors"

var (
	// ErrGrid marks labels or a point that do not lie on the document's grid.
	ErrGrid = errors.New("annotate: not on the grid of the T2W image")
	// ErrLabels marks a file or mask whose labels do not mean what was asked for.
	ErrLabels = errors.New("annotate: unexpected labels")
	// ErrBusy marks a change that was asked for while a stroke is being drawn.
	ErrBusy = errors.New("annotate: a stroke is being drawn; finish it first")
	// ErrStale marks a proposal that was made from an earlier state of the document.
	ErrStale = errors.New("annotate: the contours have changed since this was computed; compute it again")
	// ErrNothing marks a tool that would change nothing; the text says why.
	ErrNothing = errors.New("annotate: nothing to do")
	// ErrExists marks a file that would be replaced without the caller's say-so.
	ErrExists = errors.New("annotate: the file exists already")
	// ErrVerify marks a file that was read back and differs from what was written.
	ErrVerify = errors.New("annotate: a written file differs from the contours when read back; check the disk, and save to another folder")
	// ErrJournal marks a journal that cannot be used: damaged, of another version, in use, or of another exam.
	ErrJournal = errors.New("annotate: unusable journal")
)
