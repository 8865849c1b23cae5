package reading

import (
	"encoding/json"
	"errors"
	"fmt"

	"bayeslice/internal/align"
	"bayeslice/internal/geom"
	"bayeslice/internal/measure"
	sessionfile "bayeslice/internal/session"
)

// errSaved marks stored readings that cannot be shown.
var errSaved = errors.New("reading: the measurements of the session are damaged")

// kindKeys are the names under which kinds are stored: the same in every language.
var kindKeys = map[string]Kind{"distance": Distance, "ellipsoid": Ellipsoid, "region": Region, "darkest-nine": Darkest}

// savedMark is a measurement in a session file: what was drawn. What was measured is measured anew.
type savedMark struct {
	Kind   string         `json:"kind"`
	Lines  [][2]geom.Vec3 `json:"lines,omitempty"` // world LPS mm
	MM     [3]float64     `json:"mm"`              // diameters of an ellipsoid
	Figure *measure.Shape `json:"figure,omitempty"`
	Middle *geom.Vec3     `json:"middle,omitempty"` // of the darkest nine
	Series string         `json:"series,omitempty"`
}

// savedKey is a key image in a session file.
type savedKey struct {
	Series string    `json:"series"`
	Slice  int       `json:"slice"`
	Cursor geom.Vec3 `json:"cursor"`
}

// saved is the section of a session file that this package writes.
type saved struct {
	Marks         []savedMark `json:"marks,omitempty"`
	Keys          []savedKey  `json:"keyImages,omitempty"`
	Fused         string      `json:"fused,omitempty"`
	FusionOpacity float64     `json:"fusionOpacity"`
	Inverted      []string    `json:"inverted,omitempty"`
	PSA           string      `json:"psa,omitempty"` // ng/mL, as typed
	// Given is by how much images are moved for the models, world LPS mm, by Series.ID.
	Given map[string]geom.Vec3 `json:"modelMoves,omitempty"`
	Check *savedCheck          `json:"alignment,omitempty"`
}

// savedCheck is the result of an alignment check in a session file.
type savedCheck struct {
	Of       [3]string      `json:"of"` // as alignment.of
	Estimate align.Estimate `json:"estimate"`
}

// valid reports whether a check could have had this result.
func (c *savedCheck) valid() bool {
	e := &c.Estimate
	return e.Confidence <= align.Good && e.Shift.Length() <= maxOffsetMM
}

type section struct{ r *Reading }

// SessionSection returns the part of a session that reading is: measurements, key images, fusion, inverted series, the PSA and
// what the alignment check found. Restoring it needs the same exam to be open.
func (r *Reading) SessionSection() sessionfile.Section { return section{r} }

// SectionName implements [sessionfile.Section].
func (section) SectionName() string { return "reading" }

// SaveSection implements [sessionfile.Section].
func (x section) SaveSection() (any, error) {
	r := x.r
	if r.state.Exam() == nil {
		return nil, nil //nolint:nilnil // nothing to remember
	}
	out := saved{Fused: r.fusion.series, FusionOpacity: r.fusion.opacity, PSA: r.psa, Given: r.given}
	for _, m := range r.marks.list {
		s := savedMark{Series: m.Series}
		for name, k := range kindKeys {
			if k == m.Kind {
				s.Kind = name
			}
		}
		for _, l := range m.Lines {
			s.Lines = append(s.Lines, [2]geom.Vec3{l.A, l.B})
		}
		switch m.Kind {
		case Ellipsoid:
			s.MM = m.Ellipsoid.Diameters
		case Region:
			s.Figure = &m.Shape
		case Darkest:
			at := m.Shape.Centre()
			s.Middle = &at
		case Distance:
		}
		out.Marks = append(out.Marks, s)
	}
	for _, k := range r.keys {
		out.Keys = append(out.Keys, savedKey(k))
	}
	if e := r.alignment.estimate; e != nil {
		out.Check = &savedCheck{r.alignment.of, *e}
	}
	for _, s := range r.state.Exam().Series {
		if r.inverted[s.ID] {
			out.Inverted = append(out.Inverted, s.ID)
		}
	}
	return out, nil
}

// RestoreSection implements [sessionfile.Section]. Measurements of series that the exam does not have any more are told after the rest was
// restored.
func (x section) RestoreSection(data json.RawMessage) error {
	r := x.r
	var in saved
	if err := json.Unmarshal(data, &in); err != nil {
		return fmt.Errorf("%w: %w", errSaved, err)
	}
	if r.state.Exam() == nil {
		return fmt.Errorf("%w: no exam is open", errSaved)
	}
	if !(in.FusionOpacity >= 0 && in.FusionOpacity <= 1) {
		return fmt.Errorf("%w: an opacity of %g", errSaved, in.FusionOpacity)
	}
	for id, by := range in.Given {
		if !(by.Norm() <= maxOffsetMM) {
			return fmt.Errorf("%w: series %s is moved by %v mm", errSaved, id, by)
		}
	}
	if in.Check != nil && !in.Check.valid() {
		return fmt.Errorf("%w: an alignment of %.0f mm", errSaved, in.Check.Estimate.Shift.Length())
	}
	var list []Measurement
	missing := 0
	for _, s := range in.Marks {
		m, err := r.restored(s)
		switch {
		case errors.Is(err, errSaved):
			return err
		case err != nil:
			missing++
		default:
			m.ID = len(list) + 1
			list = append(list, m)
		}
	}
	r.forget()
	r.marks = history{list: list, last: len(list)}
	r.fusion.opacity, r.psa, r.given = in.FusionOpacity, in.PSA, in.Given
	if r.series(in.Fused) != nil {
		r.fusion.series = in.Fused
	}
	if in.Check != nil && in.Check.Of == r.checkable() {
		r.takeEstimate(in.Check.Estimate)
	}
	for _, id := range in.Inverted {
		r.inverted[id] = true
	}
	for _, k := range in.Keys {
		if k.Cursor.Finite() {
			r.keys = append(r.keys, KeyImage(k))
		}
	}
	r.redraw()
	if missing > 0 {
		return fmt.Errorf("reading: %d measurements of the session could not be repeated on the exam's series; they are left out", missing)
	}
	return nil
}

// restored repeats a measurement.
func (r *Reading) restored(s savedMark) (Measurement, error) {
	kind, ok := kindKeys[s.Kind]
	want := map[Kind]int{Distance: 1, Ellipsoid: 3}[kind]
	if !ok || len(s.Lines) != want {
		return Measurement{}, fmt.Errorf("%w: %q with %d lines", errSaved, s.Kind, len(s.Lines))
	}
	m := Measurement{Kind: kind, Series: s.Series}
	for _, l := range s.Lines {
		d, err := measure.NewDistance(l[0], l[1])
		if err != nil {
			return Measurement{}, fmt.Errorf("%w: %w", errSaved, err)
		}
		m.Lines = append(m.Lines, d)
	}
	switch kind {
	case Ellipsoid:
		e, err := measure.NewEllipsoid(s.MM[0], s.MM[1], s.MM[2])
		if err != nil {
			return Measurement{}, fmt.Errorf("%w: %w", errSaved, err)
		}
		m.Ellipsoid = e
	case Region, Darkest:
		return r.restoredFigure(kind, s)
	case Distance:
	}
	return m, nil
}

// restoredFigure repeats the measurement of a figure.
func (r *Reading) restoredFigure(kind Kind, s savedMark) (Measurement, error) {
	if kind == Region && s.Figure == nil || kind == Darkest && (s.Middle == nil || !s.Middle.Finite()) {
		return Measurement{}, fmt.Errorf("%w: %q without its place", errSaved, s.Kind)
	}
	series := r.series(s.Series)
	if series == nil {
		return Measurement{}, errLost
	}
	if kind == Darkest {
		return r.nine(series, *s.Middle, 0)
	}
	return r.region(series, *s.Figure)
}

// errLost says that a measurement's series is not there any more.
var errLost = errors.New("reading: the series is not in the exam")
