package reading

import (
	"slices"
	"strings"

	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/lang"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/volume"
	"bayeslice/render"
	"bayeslice/viewer/viewstate"
)

// Cine reports whether the slices of the focused viewport are being played; the window calls [Reading.Step] while they are.
func (r *Reading) Cine() bool { return r.cine }

// SetCine plays the slices of the focused viewport, or stops.
func (r *Reading) SetCine(on bool) {
	if on = on && r.state.Volume(r.state.Focus()) != nil; on != r.cine {
		r.cine, r.cineBack = on, false
		r.tell()
	}
}

// Step shows the next slice of the focused viewport, and turns round at the ends of the stack.
func (r *Reading) Step() {
	v := r.state.Focus()
	g, k, ok := r.slice(v)
	if !ok || g.Size[2] < 2 {
		r.SetCine(false)
		return
	}
	switch k {
	case 0:
		r.cineBack = false
	case g.Size[2] - 1:
		r.cineBack = true
	}
	step := 1
	if r.cineBack {
		step = -1
	}
	r.state.GoToSlice(v, k+step)
}

// KeyImage is a place that the reader marked: a slice with the cursor on it.
type KeyImage struct {
	Series string    // Series.ID
	Slice  int       // k of that series
	Cursor geom.Vec3 // world, LPS mm
}

// KeyImages returns the marked places, oldest first. Read only.
func (r *Reading) KeyImages() []KeyImage { return r.keys }

// KeyText names a key image: its series, and its slice counted from 1.
func (r *Reading) KeyText(k KeyImage) string {
	s := r.series(k.Series)
	if s == nil {
		return lang.T("slice %d", k.Slice+1)
	}
	return lang.T("%s, slice %d", viewstate.SeriesTitle(r.roleOf(s), s), k.Slice+1)
}

// roleOf returns the role of a series in the exam.
func (r *Reading) roleOf(s *exam.Series) exam.Role {
	for role, c := range r.state.Exam().Roles {
		if c.Series == s {
			return role
		}
	}
	return exam.RoleUnknown
}

// ToggleKeyImage marks the slice in the focused viewport as a key image, or takes the mark back.
func (r *Reading) ToggleKeyImage() {
	v := r.state.Focus()
	series := r.state.Series(v)
	_, k, ok := r.slice(v)
	if series == nil || !ok {
		return
	}
	n := len(r.keys)
	r.keys = slices.DeleteFunc(slices.Clone(r.keys), func(i KeyImage) bool { return i.Series == series.ID && i.Slice == k })
	if len(r.keys) == n {
		r.keys = append(r.keys, KeyImage{series.ID, k, r.state.Cursor()})
	}
	r.tell()
}

// GoToKeyImage shows the n-th key image.
func (r *Reading) GoToKeyImage(n int) {
	if n >= 0 && n < len(r.keys) {
		r.state.JumpTo(r.keys[n].Cursor)
	}
}

// DropKeyImage takes the mark of the n-th key image back.
func (r *Reading) DropKeyImage(n int) {
	if n >= 0 && n < len(r.keys) {
		r.keys = slices.Delete(slices.Clone(r.keys), n, n+1)
		r.tell()
	}
}

// isKey reports whether viewport v shows a key image.
func (r *Reading) isKey(v int) bool {
	series := r.state.Series(v)
	_, k, ok := r.slice(v)
	return ok && slices.ContainsFunc(r.keys, func(i KeyImage) bool { return i.Series == series.ID && i.Slice == k })
}

// noteIn says what this package changes in a viewport.
func (r *Reading) noteIn(v int) string {
	var notes []string
	if f := r.fusedIn(v); f != nil {
		notes = append(notes, lang.T("%s in colour", viewstate.SeriesTitle(r.roleOf(f), f)))
		if moved := r.state.OffsetNote(f.ID); moved != "" {
			notes = append(notes, moved)
		}
	}
	if s := r.state.Series(v); s != nil && r.inverted[s.ID] {
		notes = append(notes, lang.T("greys inverted"))
	}
	if r.isKey(v) {
		notes = append(notes, lang.T("★ key image"))
	}
	return strings.Join(notes, " · ")
}

// ToggleInverted inverts the greys of the series in a viewport, wherever it is shown, or takes that back.
func (r *Reading) ToggleInverted(v int) {
	if s := r.state.Series(v); s != nil {
		r.inverted[s.ID] = !r.inverted[s.ID]
		if !r.inverted[s.ID] {
			delete(r.inverted, s.ID)
		}
		r.redraw()
	}
}

// negatives keeps the negative of the images that are shown inverted, each with the image that it was made of.
type negatives map[string][2]*volume.Volume

// invert draws the negative of an image with the negative window, so that what was white is black.
func (r *Reading) invert(v int, scene *render.Scene) {
	s := r.state.Series(v)
	if s == nil || !r.inverted[s.ID] || scene.Base == nil {
		return
	}
	kept, ok := r.negatives[s.ID]
	if !ok || kept[0] != scene.Base {
		data := slices.Clone(scene.Base.Data())
		for i, x := range data {
			data[i] = -x
		}
		negative, err := volume.New(scene.Base.Grid(), data, scene.Base.Unit())
		if err != nil {
			return // impossible: the length is that of the image
		}
		kept = [2]*volume.Volume{scene.Base, negative}
		r.negatives[s.ID] = kept
	}
	scene.Base = kept[1]
	scene.Window.Level = -scene.Window.Level
}

// glandMarginMM is how far about the segmented gland the automatic grey window looks.
const glandMarginMM = 10

// autoWindow sets the window of a viewport's series from the gland that the anatomy model found; false where there is none, or
// for ADC maps, whose default is fixed: the state then applies its own.
func (r *Reading) autoWindow(v int) bool {
	p := r.state.Prediction(modelcard.Anatomy)
	role := r.state.Role(v)
	series := r.state.Series(v)
	if p == nil || p.Hard == nil || series == nil || role == exam.ADC && r.isADC(series) {
		return false
	}
	top := 99.5
	if role == exam.HighB || role == exam.DWI {
		top = 99.8
	}
	w, ok := render.GlandWindow(r.state.Volume(v), p.Hard, glandMarginMM, 1, top)
	if !ok {
		return false
	}
	r.state.SetWindow(v, w)
	return true
}
