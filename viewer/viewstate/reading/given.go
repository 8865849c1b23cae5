package reading

import (
	"maps"

	"bayeslice/internal/align"
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/lang"
	"bayeslice/internal/modelcard"
)

// moves returns by how much images are displayed elsewhere than their files place them, by Series.ID.
func (r *Reading) moves() map[string]geom.Vec3 {
	out := map[string]geom.Vec3{}
	e := r.state.Exam()
	if e == nil {
		return out
	}
	for _, s := range e.Series {
		if by := r.state.Offset(s.ID); by != (geom.Vec3{}) {
			out[s.ID] = by
		}
	}
	return out
}

// ModelMoves returns by how much images are moved for the models, world LPS mm by Series.ID: not at all until
// [Reading.GiveOffset].
func (r *Reading) ModelMoves() map[string]geom.Vec3 { return maps.Clone(r.given) }

// GiveOffset moves the images for the models as they are displayed now, from the next run on.
func (r *Reading) GiveOffset() {
	r.given = r.moves()
	r.tell()
}

// OffsetNotGiven reports whether images are displayed elsewhere than the models see them.
func (r *Reading) OffsetNotGiven() bool { return !maps.Equal(r.given, r.moves()) }

// GivenText says what the models see where images were moved for them or are displayed elsewhere; else "".
func (r *Reading) GivenText() string {
	given := r.alongT2W(r.given)
	switch {
	case len(r.given) == 0 && !r.OffsetNotGiven():
		return ""
	case len(r.given) == 0:
		return lang.T("The offset changes the display only: the models see the images as the files place them.")
	}
	return lang.T("The models see diffusion moved by %s.", millimetres(given))
}

// MovedText says by how much the images were moved that the diagnosis shown was made from; "" where they were not.
func (r *Reading) MovedText() string {
	p := r.state.Prediction(modelcard.Diagnosis)
	if p == nil || len(p.Moved) == 0 {
		return ""
	}
	moved := map[string]geom.Vec3{}
	for _, m := range p.Moved {
		moved[m.Series] = m.MM
	}
	return lang.T("Diffusion was moved by %s.", millimetres(r.alongT2W(moved)))
}

// alongT2W writes the offset of the ADC map, else of the high-b image, along the frame of the T2W image.
func (r *Reading) alongT2W(moves map[string]geom.Vec3) align.Offset {
	t2w := r.chosen(exam.T2W)
	if t2w == nil || t2w.Volume == nil {
		return align.Offset{}
	}
	f := align.FrameOf(t2w.Volume.Grid())
	for _, role := range []exam.Role{exam.ADC, exam.HighB} {
		if s := r.chosen(role); s != nil {
			by := moves[s.ID]
			return align.Offset{Left: wholeMicrons(by.Dot(f.Left)), Back: wholeMicrons(by.Dot(f.Back)), Head: wholeMicrons(by.Dot(f.Head))}
		}
	}
	return align.Offset{}
}

// millimetres writes an offset.
func millimetres(o align.Offset) string {
	return lang.T("%s / %s / %s mm (L, P, H)", signed(o.Left), signed(o.Back), signed(o.Head))
}
