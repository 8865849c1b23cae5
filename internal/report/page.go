package report

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"time"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/measure"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/report/paper"
	"bayeslice/internal/volume"
	"bayeslice/render"
)

// pageDPI is the resolution of the report as a picture: 1654 × 2339 pixels.
const pageDPI = 200

// ErrPage marks what does not make a report; the text says why.
var ErrPage = errors.New("report: the report cannot be made")

// Page is what the one-page report shows, in English, on A4. Exam and Predictions must be set. The same
// page gives the same file, byte by byte, on any machine that renders alike; no clock is read.
type Page struct {
	Exam        *exam.Exam
	Predictions []*inference.Prediction // at most one of each task
	Renderer    render.Renderer         // draws the slices; nil takes the CPU renderer
	Program     string                  // name and version, for the foot
	Reference   *volume.Mask            // an annotation, drawn as white lines; nil for none
	// References are annotations for the pictures of one task, which take the place of Reference there.
	References map[modelcard.Task]*volume.Mask

	Density      *measure.Density   // of a PSA that was typed; nil for none
	Ellipsoid    *measure.Ellipsoid // of three diameters that a reader drew; nil for none
	Sectors      map[int]string     // proposed sector of a lesion candidate, by its ID
	Measurements []Measurement
	Reviewed     []Reviewed     // volumes of contours that a reader drew or corrected
	KeySlices    []KeySlice     // slices that a reader marked, shown first; the rest are chosen by what was predicted
	Alignment    string         // a sentence about how T2W and DWI lie on each other, or ""
	Identity     *exam.Identity // nil, the default, leaves out who the patient is
	Created      time.Time      // the zero value leaves the date out
}

// Measurement is a number that a reader took, ready to be shown.
type Measurement struct {
	Name  string // "Distance 1"
	Value string // with its unit: "14.2 mm"
	Where string // "T2W, slice 9", or ""
}

// Reviewed is the volume of a structure after a reader drew or corrected it.
type Reviewed struct {
	Structure string // "WG", "TZ", "PZ" or "csPCa"
	ML        float64
}

// KeySlice is a slice of the T2W image that a reader marked, counted from 0.
type KeySlice struct {
	Slice int
	Note  string // or ""
}

// of returns the prediction of a task, or nil.
func (g Page) of(t modelcard.Task) *inference.Prediction {
	for _, p := range g.Predictions {
		if p.Card.Task == t {
			return p
		}
	}
	return nil
}

// reference is the annotation that is drawn on pictures of a task, or nil.
func (g Page) reference(t modelcard.Task) *volume.Mask {
	if m := g.References[t]; m != nil {
		return m
	}
	return g.Reference
}

// check reports, as [ErrPage] or [ErrNothing], what keeps the page from being made.
func (g Page) check() error {
	if g.Exam == nil || len(g.Predictions) == 0 {
		return fmt.Errorf("%w: no model was run; run one first", ErrNothing)
	}
	if g.Exam.Chosen(exam.T2W) == nil {
		return fmt.Errorf("%w: the exam has no T2W image", ErrPage)
	}
	seen := map[modelcard.Task]bool{}
	for _, p := range g.Predictions {
		if err := complete(p); err != nil {
			return err
		}
		if seen[p.Card.Task] {
			return fmt.Errorf("%w: two models of one task; choose one of them", ErrPage)
		}
		seen[p.Card.Task] = true
	}
	return nil
}

// compose lays the page out.
func (g Page) compose(ctx context.Context) (*paper.Page, error) {
	if err := g.check(); err != nil {
		return nil, err
	}
	s := &setter{Page: paper.NewPage(paper.A4Width, paper.A4Height), of: g}
	y := s.head()
	y, err := s.pictures(ctx, y)
	if err != nil {
		return nil, err
	}
	foot := s.foot()
	end, err := s.columns(ctx, y, foot)
	if err != nil {
		return nil, err
	}
	s.issues(s.provenance(end), foot)
	return s.Page, nil
}

// PDF returns the report as a PDF file. It fails with [ErrPage], [ErrNothing], what the renderer says, or ctx's error.
func (g Page) PDF(ctx context.Context) ([]byte, error) {
	p, err := g.compose(ctx)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = p.PDF(&out, paper.Meta{Title: "Bayeslice report, " + studyName(g.Exam), Subject: Disclaimer, Program: g.Program, Created: g.Created})
	return out.Bytes(), err
}

// Picture returns the same page as a picture of 1654 × 2339 pixels. It fails as [Page.PDF].
func (g Page) Picture(ctx context.Context) (*image.RGBA, error) {
	p, err := g.compose(ctx)
	if err != nil {
		return nil, err
	}
	return p.Image(pageDPI)
}

// WritePDF writes [Page.PDF] to a file, whole or not at all, and reads it back.
func (g Page) WritePDF(ctx context.Context, path string) error {
	data, err := g.PDF(ctx)
	if err != nil {
		return err
	}
	return sameBytes(path, data)
}

// WritePNG writes [Page.Picture] to a file, whole or not at all, and reads it back.
func (g Page) WritePNG(ctx context.Context, path string) error {
	img, err := g.Picture(ctx)
	if err != nil {
		return err
	}
	return WritePicture(path, img)
}

// studyName names an exam by its hash alone.
func studyName(e *exam.Exam) string { return "study " + shortKey(e) }
