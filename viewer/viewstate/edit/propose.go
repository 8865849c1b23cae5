package edit

import (
	"context"
	"errors"

	"bayeslice/internal/annotate"
	"bayeslice/internal/lang"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/volume"
	"bayeslice/viewer/viewstate"
)

// proposer computes a change; it is called off the window's goroutine.
type proposer func(ctx context.Context, s *annotate.Snapshot) (*annotate.Proposal, error)

// propose computes a change off the window's goroutine, and makes it, or shows it first.
func (e *Editor) propose(op annotate.Op, preview bool, compute proposer) {
	if e.doc == nil || e.stroke != nil {
		return
	}
	if e.busy != 0 {
		e.warn(lang.T("Wait until “%s” is done, or stop it with Esc.", OpText(e.busy)))
		return
	}
	e.dropPreview()
	doc, shot := e.doc, e.doc.Snapshot()
	e.busy, e.note = op, Note{}
	e.s.Notify(viewstate.ChangedMarks)
	e.worker.Submit("edit", func(ctx context.Context) func() {
		p, err := compute(ctx, shot)
		return func() { e.proposed(doc, p, err, preview) }
	})
}

// proposed takes a computed change, on the window's goroutine.
func (e *Editor) proposed(doc *annotate.Document, p *annotate.Proposal, err error, preview bool) {
	if e.doc != doc || e.busy == 0 { // another exam, or stopped
		return
	}
	e.busy = 0
	switch {
	case err != nil:
		e.refuse(err)
	case preview:
		e.preview = p
		e.showPreview()
		e.s.Notify(viewstate.ChangedLabels | viewstate.ChangedMarks)
	default:
		if err := e.doc.Apply(p); err != nil {
			e.refuse(err)
			return
		}
		e.say(ActionText(p.Action()))
	}
}

// showPreview brings a slice up that the preview changes, where the shown one is none.
func (e *Editor) showPreview() { e.show(e.preview.Action()) }

// Busy returns what is being computed, in words; ok is false where nothing is.
func (e *Editor) Busy() (text string, ok bool) {
	if e.busy == 0 {
		return "", false
	}
	return OpText(e.busy), true
}

// Stop ends what is being computed; nothing of it is kept.
func (e *Editor) Stop() {
	if e.busy != 0 {
		e.stop()
		e.say(lang.T("Stopped. The contours are as they were."))
	}
}

func (e *Editor) stop() {
	if e.busy != 0 {
		e.busy = 0
		e.worker.Submit("edit", func(context.Context) func() { return nil }) // ends the work under way
	}
}

// refuse tells why something was not done.
func (e *Editor) refuse(err error) {
	if !errors.Is(err, context.Canceled) {
		e.warn(errorText(err))
	}
}

// FillBetween fills the empty slices between drawn ones, as a preview.
func (e *Editor) FillBetween() {
	label := e.label
	e.propose(annotate.OpInterpolate, true, func(ctx context.Context, s *annotate.Snapshot) (*annotate.Proposal, error) {
		return annotate.Interpolate(ctx, s, label, nil)
	})
}

// Smooth smooths the contours of both zones together, or of the lesions.
func (e *Editor) Smooth() {
	label, o := e.label, annotate.Smoothing{SigmaMM: e.smoothing, From: 1}
	e.propose(annotate.OpSmooth, false, func(ctx context.Context, s *annotate.Snapshot) (*annotate.Proposal, error) {
		return annotate.Smooth(ctx, s, label, o)
	})
}

// islandML is the volume up to which parts of a lesion layer are islands: with several lesions the largest
// is not the only one.
const islandML = 0.05

// RemoveIslands takes out what is not connected to the largest part of the structure; of csPCa, parts of
// 0.05 mL or less.
func (e *Editor) RemoveIslands() {
	label, most := e.label, 0.0
	if label == annotate.CsPCa {
		most = islandML
	}
	e.propose(annotate.OpIslands, false, func(ctx context.Context, s *annotate.Snapshot) (*annotate.Proposal, error) {
		return annotate.RemoveIslands(ctx, s, label, most)
	})
}

// FillHoles fills the holes of the gland, or of the lesions.
func (e *Editor) FillHoles() {
	label := e.label
	e.propose(annotate.OpHoles, false, func(ctx context.Context, s *annotate.Snapshot) (*annotate.Proposal, error) {
		return annotate.FillHoles(ctx, s, label)
	})
}

// CanStart reports whether there is a result of a task to start from.
func (e *Editor) CanStart(t modelcard.Task) bool { return e.doc != nil && e.s.Prediction(t) != nil }

// StartFromModel puts the most probable classes of a task's result in the place of its layer.
func (e *Editor) StartFromModel(t modelcard.Task) {
	p := e.s.Prediction(t)
	if p == nil {
		e.warn(lang.T("There is no result to start from: run the models first."))
		return
	}
	e.propose(annotate.OpModel, false, func(ctx context.Context, s *annotate.Snapshot) (*annotate.Proposal, error) {
		layer, m, err := annotate.FromModel(ctx, p.Card, p.Mean, s.Grid())
		if err != nil {
			return nil, err
		}
		return annotate.Replace(s, annotate.OpModel, layer, m)
	})
}

// Load puts labels that were read from a file in the place of a layer.
func (e *Editor) Load(l annotate.Layer, m *volume.Mask) {
	e.propose(annotate.OpLoad, false, func(_ context.Context, s *annotate.Snapshot) (*annotate.Proposal, error) {
		return annotate.Replace(s, annotate.OpLoad, l, m)
	})
}
