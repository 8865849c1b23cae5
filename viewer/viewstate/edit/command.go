package edit

import (
	"slices"

	"bayeslice/internal/annotate"
	"bayeslice/internal/lang"
	"bayeslice/viewer/viewstate"
)

// Apply implements [viewstate.Extension].
func (e *Editor) Apply(c viewstate.Command) bool {
	if e.doc == nil {
		return false
	}
	return e.applyDrawing(c) || e.applySetting(c) || e.applyTool(c)
}

// applyDrawing carries out what concerns an outline, a preview or history.
func (e *Editor) applyDrawing(c viewstate.Command) bool {
	switch c {
	case viewstate.Accept:
		return e.accept()
	case viewstate.Reject:
		return e.reject()
	case viewstate.DeleteLast:
		return e.deleteCorner()
	case viewstate.Undo:
		e.undo()
	case viewstate.Redo:
		e.redo()
	default:
		return false
	}
	return true
}

// applySetting carries out what concerns the label and the brush.
func (e *Editor) applySetting(c viewstate.Command) bool {
	switch c {
	case viewstate.Label1, viewstate.Label2, viewstate.Label3, viewstate.Label4:
		e.SetLabel(annotate.Labels[c-viewstate.Label1])
	case viewstate.NextLabel:
		e.cycleLabel(1)
	case viewstate.PreviousLabel:
		e.cycleLabel(len(annotate.Labels) - 1)
	case viewstate.LargerBrush:
		e.stepRadius(1)
	case viewstate.SmallerBrush:
		e.stepRadius(-1)
	default:
		return false
	}
	return true
}

// applyTool carries out what changes whole slices.
func (e *Editor) applyTool(c viewstate.Command) bool {
	switch c {
	case viewstate.PasteSlice:
		e.Paste()
	case viewstate.FillBetween:
		e.FillBetween()
	case viewstate.SmoothLabels:
		e.Smooth()
	default:
		return false
	}
	return true
}

func (e *Editor) cycleLabel(step int) {
	n := slices.Index(annotate.Labels[:], e.label)
	e.SetLabel(annotate.Labels[(n+step)%len(annotate.Labels)])
}

// accept makes the preview, or closes the polygon.
func (e *Editor) accept() bool {
	switch {
	case e.preview != nil:
		p := e.preview
		e.preview = nil
		e.done(e.doc.Apply(p))
	case len(e.outline.points) > 0:
		e.closeOutline()
	default:
		return false
	}
	return true
}

// reject drops what is in progress.
func (e *Editor) reject() bool {
	switch {
	case e.stroke != nil:
		e.stroke.Cancel()
		e.stroke = nil
		e.say(lang.T("The stroke was dropped."))
	case e.busy != 0:
		e.Stop()
	case e.preview != nil:
		e.dropPreview()
	case len(e.outline.points) > 0:
		e.outline.drop()
		e.s.Notify(viewstate.ChangedMarks)
	default:
		return false
	}
	return true
}

func (e *Editor) deleteCorner() bool {
	n := len(e.outline.points)
	if n == 0 {
		return false
	}
	e.outline.points, e.outline.world = e.outline.points[:n-1], e.outline.world[:n-1]
	e.s.Notify(viewstate.ChangedMarks)
	return true
}

// dropPreview takes a preview away.
func (e *Editor) dropPreview() {
	if e.preview != nil {
		e.preview = nil
		e.s.Notify(viewstate.ChangedLabels | viewstate.ChangedMarks)
	}
}

func (e *Editor) undo() {
	if e.stroke != nil {
		return
	}
	if e.deleteCorner() {
		return
	}
	e.dropPreview()
	if a, ok := e.doc.Undo(); ok {
		e.show(a)
		e.say(lang.T("Undone: %s", ActionText(a)))
	} else {
		e.warn(lang.T("There is nothing to undo."))
	}
}

func (e *Editor) redo() {
	if e.stroke != nil {
		return
	}
	e.dropPreview()
	if a, ok := e.doc.Redo(); ok {
		e.show(a)
		e.say(lang.T("Done again: %s", ActionText(a)))
	} else {
		e.warn(lang.T("There is nothing to do again."))
	}
}

// show brings a slice up in which a step changed something, where the shown one was not concerned.
func (e *Editor) show(a annotate.Action) {
	if e.slice >= a.From && e.slice <= a.To {
		return
	}
	k := a.From
	if e.slice > a.To {
		k = a.To
	}
	g := e.doc.Grid()
	v := g.Voxel(e.s.Cursor())
	v[2] = float64(k)
	e.s.SetCursor(g.World(v))
}

// NextUndo returns the step that would be undone, in words; ok is false where there is none.
func (e *Editor) NextUndo() (text string, ok bool) {
	if e.doc == nil {
		return "", false
	}
	a, ok := e.doc.NextUndo()
	return ActionText(a), ok
}

// NextRedo returns the step that would be done again, in words; ok is false where there is none.
func (e *Editor) NextRedo() (text string, ok bool) {
	if e.doc == nil {
		return "", false
	}
	a, ok := e.doc.NextRedo()
	return ActionText(a), ok
}

// Paste copies the contour of a neighbouring slice into the shown one: of the two that hold the structure, of
// the one that was shown before, else of the one with the lower number.
func (e *Editor) Paste() {
	if e.doc == nil || e.stroke != nil || e.slice < 0 {
		return
	}
	e.dropPreview()
	from := -1
	shot := e.doc.Snapshot()
	for _, k := range []int{e.slice - 1, e.slice + 1} {
		if k >= 0 && k < shot.Grid().Size[2] && shot.Has(e.label, k) && (from < 0 || k == e.cameFrom) {
			from = k
		}
	}
	if from < 0 {
		e.warn(lang.T("Neither slice beside this one holds %s to paste.", e.label))
		return
	}
	e.done(e.doc.Paste(e.label, from, e.slice))
}

// ClearSlice takes the structure out of the shown slice.
func (e *Editor) ClearSlice() {
	if e.doc == nil || e.stroke != nil || e.slice < 0 {
		return
	}
	e.dropPreview()
	e.done(e.doc.Clear(e.label, e.slice))
}

// done tells how a change went.
func (e *Editor) done(err error) {
	if err != nil {
		e.refuse(err)
		return
	}
	a, _ := e.doc.NextUndo()
	e.say(ActionText(a))
}
