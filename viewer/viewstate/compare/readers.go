package compare

import (
	"context"
	"fmt"
	"slices"

	masks "bayeslice/internal/compare"
	"bayeslice/internal/exam"
	"bayeslice/internal/lang"
	"bayeslice/internal/volume"
	"bayeslice/viewer/viewstate"
)

// Reader is one segmentation to compare with: a reference, or another reader's contours. It is immutable.
type Reader struct {
	Name      string // as the user knows it; may hold identity, see [Comparison.Title]
	Numbering masks.Numbering
	Guess     masks.Guess // what the numbers probably mean
	Note      string      // what was done to bring it on the T2W grid, a sentence, or ""
	label     int         // 1 + position in exam.Exam.Labels; 0 for a mask from elsewhere
	raw       *volume.Mask
	frame     string
	reference *viewstate.Reference
}

// Known reports whether the reader's numbering can be chosen: not for one that was set from elsewhere.
func (r *Reader) Known() bool { return r.raw != nil }

// Source is where a mask is read from; it may take seconds and is called on the worker.
type Source struct {
	Name  string // for the list of readers
	Frame string // frame of reference of the mask (hashed), "" where unknown
	Read  func() (*volume.Mask, error)
	// Numbering says what the mask's numbers mean; "" guesses.
	Numbering masks.Numbering

	label int // 1 + position in exam.Exam.Labels; 0 for a mask from elsewhere
}

// Load reads a mask and makes it the reference. done is called on the window's goroutine with the error, or nil; the
// list of readers is as it was where it fails. Without an open exam nothing happens.
func (c *Comparison) Load(from Source, done func(error)) {
	e := c.s.Exam()
	if e == nil {
		return
	}
	c.worker.Submit(c.loading(), func(ctx context.Context) func() {
		r, err := read(ctx, e, from)
		return func() {
			if err == nil && c.s.Exam() == e {
				c.readers = append(c.readers, r)
				c.s.SetReference(r.reference)
			}
			done(err)
		}
	})
}

// loading names a reading of a mask, each by a name of its own, so that none replaces another.
func (c *Comparison) loading() string {
	c.loads++
	return fmt.Sprintf("load %d", c.loads)
}

// Renumber says what the numbers of the selected reader's mask mean. done is called as by [Comparison.Load].
func (c *Comparison) Renumber(n masks.Numbering, done func(error)) {
	at, e := c.Selected(), c.s.Exam()
	if at < 0 || e == nil || !c.Readers()[at].Known() {
		return
	}
	old := c.Readers()[at]
	from := Source{Name: old.Name, label: old.label, Frame: old.frame, Numbering: n, Read: func() (*volume.Mask, error) { return old.raw, nil }}
	c.worker.Submit(c.loading(), func(ctx context.Context) func() {
		r, err := read(ctx, e, from)
		return func() {
			if n := slices.Index(c.readers, old); err == nil && n >= 0 && c.s.Exam() == e {
				c.readers[n] = r
				c.s.SetReference(r.reference)
			}
			done(err)
		}
	})
}

// read reads a mask and brings it on the T2W grid of an exam.
func read(ctx context.Context, e *exam.Exam, from Source) (*Reader, error) {
	grid, ok := e.ReferenceGrid()
	if !ok {
		return nil, fmt.Errorf("%w: the exam has no T2W image to compare on; choose one under Exam", masks.ErrNothing)
	}
	raw, err := from.Read()
	if err != nil {
		return nil, err
	}
	r := &Reader{Name: from.Name, label: from.label, Numbering: from.Numbering, raw: raw, frame: from.Frame}
	r.Guess, err = masks.GuessNumbering(raw)
	if r.Numbering == "" {
		if err != nil {
			return nil, err
		}
		r.Numbering = r.Guess.Numbering
	}
	placed, note, err := masks.Place(ctx, raw, from.Frame, grid, e.Chosen(exam.T2W).FrameOfReference)
	if err != nil {
		return nil, err
	}
	labels, err := r.Numbering.Apply(placed)
	if err != nil {
		return nil, err
	}
	r.Note = note
	r.reference = &viewstate.Reference{Name: from.Name, Zones: labels.Zones, Lesions: labels.Lesions}
	return r, nil
}

// Readers lists the readers in the order in which they came, then a reference that was set from elsewhere.
func (c *Comparison) Readers() []*Reader {
	out := slices.Clone(c.readers)
	if ref := c.s.Reference(); ref != nil && !slices.ContainsFunc(out, func(r *Reader) bool { return r.reference == ref }) {
		out = append(out, &Reader{Name: ref.Name, reference: ref})
	}
	return out
}

// Selected returns the position of the reference in [Comparison.Readers], −1 where there is none.
func (c *Comparison) Selected() int {
	ref := c.s.Reference()
	return slices.IndexFunc(c.Readers(), func(r *Reader) bool { return r.reference == ref })
}

// Select makes a reader the reference; −1 removes the reference and keeps the readers.
func (c *Comparison) Select(n int) {
	all := c.Readers()
	switch {
	case n < 0:
		c.keepForeign()
		c.s.SetReference(nil)
	case n < len(all):
		c.keepForeign()
		c.s.SetReference(all[n].reference)
	}
}

// keepForeign keeps a reference that was set from elsewhere in the list when another one is selected.
func (c *Comparison) keepForeign() { c.readers = c.Readers() }

// Remove takes the selected reader off the list.
func (c *Comparison) Remove() {
	if at := c.Selected(); at >= 0 {
		all := c.Readers()
		c.readers = slices.Delete(all, at, at+1)
		c.s.SetReference(nil)
	}
}

// Title is the name of a reader on screen: in private mode a number in place of a file's name.
func (c *Comparison) Title(n int) string {
	all := c.Readers()
	switch {
	case n < 0 || n >= len(all):
		return ""
	case c.s.Private():
		return lang.T("Reader %d", n+1)
	}
	return all[n].Name
}

// Choices returns the numberings that the selected reader's mask may have, the likeliest first; nil where
// there is nothing to choose.
func (c *Comparison) Choices() []masks.Numbering {
	at := c.Selected()
	if at < 0 || !c.Readers()[at].Known() {
		return nil
	}
	g := c.Readers()[at].Guess
	if g.Numbering == "" {
		return []masks.Numbering{c.Readers()[at].Numbering}
	}
	return append([]masks.Numbering{g.Numbering}, g.Others...)
}
