package edit

import (
	"image/color"
	"math"

	"bayeslice/internal/annotate"
	"bayeslice/internal/volume"
	"bayeslice/render"
	"bayeslice/viewer/viewstate"
)

// How contours that are edited look: as those of the model, wider, with the chosen structure filled a little.
const (
	lineWider   = 1.25
	fillOpacity = 0.16
	previewFill = 0.10
)

// drawn is the order in which structures are drawn: the zones' common border belongs to TZ.
var drawn = [...]annotate.Label{annotate.PZ, annotate.TZ, annotate.WG, annotate.CsPCa}

// Decorate implements [viewstate.Extension].
func (e *Editor) Decorate(v int, scene *render.Scene) {
	if e.doc == nil || !e.visible(v) {
		return
	}
	_, scale := e.s.Size(v)
	shot := e.doc.Snapshot()
	for _, l := range drawn {
		f := e.field(shot, l, scene.Plane)
		if f == nil {
			continue
		}
		c := render.ZoneContour(l.String(), f, 0.5, scale)
		c.Width *= lineWider
		if l == e.label && e.s.Mode() == viewstate.EditMode {
			c.Fill = fillOpacity
		}
		scene.Contours = append(scene.Contours, c)
	}
	if e.preview != nil {
		e.decoratePreview(scene, scale)
	}
}

// decoratePreview draws the structures that a preview changes, dashed.
func (e *Editor) decoratePreview(scene *render.Scene, scale float64) {
	a := e.preview.Action()
	k, ok := e.slicePlane(scene.Plane)
	if !ok || k < a.From || k > a.To {
		return
	}
	after := e.preview.After()
	for _, l := range drawn {
		if l.Layer() != a.Label.Layer() || l == annotate.WG && a.Label != annotate.WG {
			continue
		}
		if f := after.SliceField(l, k); f != nil {
			c := render.ZoneContour(l.String(), f, 0.5, scale)
			c.Width, c.Dash, c.Fill = 2*scale, 4*scale, previewFill
			scene.Contours = append(scene.Contours, c)
		}
	}
}

// visible reports whether labels are drawn in a viewport: where the layout has contours, and everywhere
// while they are edited; the key that hides contours hides them too, unless a stroke is being drawn.
func (e *Editor) visible(v int) bool {
	if _, hidden := e.s.Contours(); hidden && e.stroke == nil && e.preview == nil {
		return false
	}
	c := e.s.Content(v)
	return e.s.Mode() == viewstate.EditMode || c.Lines && c.Slot == viewstate.OwnResult
}

// slicePlane returns the T2W slice that a plane shows; ok is false where it shows none, or cuts across.
func (e *Editor) slicePlane(p render.Plane) (k int, ok bool) {
	g := e.doc.Grid()
	if math.Abs(p.Right.Cross(p.Down).Dot(g.Normal())) < parallel {
		return 0, false
	}
	at := viewstate.SliceAt(g, p.Centre)
	return at.Index, at.Inside
}

// fieldCache keeps the fields that are drawn, so that the renderer need not take in what did not change.
type fieldCache struct {
	slices map[sliceKey]sliceField
	whole  map[annotate.Label]wholeField
}

type sliceKey struct {
	label annotate.Label
	k     int
}

type sliceField struct {
	labels *uint8 // the first voxel of the slice: slices of snapshots are never written again
	field  *volume.Volume
}

type wholeField struct {
	revision uint64
	field    *volume.Volume
}

// field returns a structure as it is drawn on a plane, nil where there is none of it: that slice alone where
// the plane is one of the T2W image, since a stroke changes no other, else all of it.
func (e *Editor) field(s *annotate.Snapshot, l annotate.Label, p render.Plane) *volume.Volume {
	k, on := e.slicePlane(p)
	if !on {
		return e.wholeField(s, l, p)
	}
	if e.fields.slices == nil {
		e.fields.slices = map[sliceKey]sliceField{}
	}
	key, first := sliceKey{l, k}, &s.Slice(l.Layer(), k)[0]
	f := e.fields.slices[key]
	if f.labels != first {
		f = sliceField{first, s.SliceField(l, k)}
		e.fields.slices[key] = f
	}
	return f.field
}

// wholeField is field for planes across the slices; a plane beyond the stack shows nothing.
func (e *Editor) wholeField(s *annotate.Snapshot, l annotate.Label, p render.Plane) *volume.Volume {
	if math.Abs(p.Right.Cross(p.Down).Dot(e.doc.Grid().Normal())) >= parallel {
		return nil
	}
	if e.fields.whole == nil {
		e.fields.whole = map[annotate.Label]wholeField{}
	}
	f, ok := e.fields.whole[l]
	if !ok || f.revision != s.Revision() {
		f = wholeField{s.Revision(), s.Field(l)}
		e.fields.whole[l] = f
	}
	return f.field
}

// colorErase marks the brush where it erases.
var colorErase = color.NRGBA{R: 233, G: 95, B: 89, A: 255}

// Marks implements [viewstate.Extension]: the circle of the brush and the outline in progress.
func (e *Editor) Marks(v int) []viewstate.Mark {
	if e.doc == nil || !e.s.Tool().Edits() {
		return nil
	}
	var out []viewstate.Mark
	if e.round() && e.hover.inside && e.hover.view == v {
		m := viewstate.Mark{Points: oneVec(e.hover.at), Radius: e.brush.radius, Color: LabelColor(e.label)}
		if e.hover.erases {
			m.Color, m.Label = colorErase, "−"
		}
		out = append(out, m)
	}
	return append(out, e.outlineMarks(v)...)
}

// outlineMarks draws the outline in progress where its slice is shown, with a line to the mouse.
func (e *Editor) outlineMarks(v int) []viewstate.Mark {
	o := &e.outline
	if len(o.points) == 0 || e.slice != o.k || e.s.Series(v) == nil || !e.isT2WPane(v) {
		return nil
	}
	m := viewstate.Mark{Points: o.world, Color: LabelColor(e.label), Spots: !o.free}
	if o.mode == annotate.Erase {
		m.Color = colorErase
	}
	out := []viewstate.Mark{m}
	if !o.free && e.hover.inside && e.hover.view == v {
		line := m
		line.Spots, line.Width = false, 1
		line.Points = append(oneVec(o.world[len(o.world)-1]), e.hover.at)
		out = append(out, line)
	}
	return out
}

// isT2WPane reports whether a viewport shows slices parallel to those of the T2W image.
func (e *Editor) isT2WPane(v int) bool {
	image := e.s.Volume(v)
	return image != nil && math.Abs(image.Grid().Normal().Dot(e.doc.Grid().Normal())) >= parallel
}

// LabelColor returns the colour of a structure.
func LabelColor(l annotate.Label) color.NRGBA { return render.ZoneColor(l.String()) }
