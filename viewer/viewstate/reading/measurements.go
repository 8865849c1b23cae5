package reading

import (
	"slices"

	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/lang"
	"bayeslice/internal/measure"
	"bayeslice/viewer/viewstate"
)

// Kind is what a measurement is.
type Kind uint8

// Kinds of measurements.
const (
	Distance Kind = iota
	Ellipsoid
	Region
	Darkest
)

// SeriesStats are the statistics of one series in a measurement's figure.
type SeriesStats struct {
	Series string // Series.ID
	Label  string // "ADC", "T2W"
	ADC    bool   // the values are ADC in the exam's unit
	measure.Stats
}

// Measurement is one entry of the list. Immutable.
type Measurement struct {
	ID        int
	Kind      Kind
	Lines     []measure.Distance // one of a distance, three of an ellipsoid: transverse, anterior-posterior, cranio-caudal
	Ellipsoid measure.Ellipsoid  // of an ellipsoid
	Shape     measure.Shape      // of a region, and of the darkest nine
	Series    string             // Series.ID that was measured; "" for lengths
	Values    []SeriesStats      // of a region and of the darkest nine: the series first that was drawn on
}

// At returns the point that a click in the list jumps to, world LPS mm.
func (m Measurement) At() geom.Vec3 {
	if len(m.Lines) > 0 {
		return m.Lines[0].A.Add(m.Lines[0].B).Scale(0.5)
	}
	return m.Shape.Centre()
}

// Title returns what the measurement is, in the user's language.
func (m Measurement) Title() string {
	switch m.Kind {
	case Distance:
		return lang.T("Distance")
	case Ellipsoid:
		return lang.T("Ellipsoid")
	case Darkest:
		return lang.T("Darkest nine")
	case Region:
	}
	return lang.T("Region")
}

// Text returns the result with its unit.
func (m Measurement) Text() string {
	switch m.Kind {
	case Distance:
		return lengthText(m.Lines[0].MM())
	case Ellipsoid:
		return lang.T("%.1f mL", m.Ellipsoid.ML)
	case Region, Darkest:
		return meanText(m.Values[0])
	}
	return ""
}

// Details returns lines about the result: its parts, and every series measured.
func (m Measurement) Details() []string {
	if m.Kind == Ellipsoid {
		d := m.Ellipsoid.Diameters
		return []string{lang.T("%.1f × %.1f × %.1f mm (transverse, AP, CC)", d[0], d[1], d[2])}
	}
	var out []string
	for _, v := range m.Values {
		out = append(out, statsText(v))
	}
	return out
}

// Definition returns how the number is computed and where that comes from.
func (m Measurement) Definition() measure.Definition {
	switch m.Kind {
	case Ellipsoid:
		return m.Ellipsoid.Definition()
	case Region:
		return m.Values[0].Definition()
	case Darkest:
		return measure.DarkestDefinition()
	case Distance:
	}
	return measure.Distance{}.Definition()
}

// maxUndo bounds the steps that can be taken back.
const maxUndo = 200

// history is a list of measurements with the lists before and after it. Lists are never changed in place.
type history struct {
	list   []Measurement
	before [][]Measurement
	after  [][]Measurement
	last   int // the last ID given
}

// set makes another list the present one.
func (h *history) set(list []Measurement) {
	h.before = append(h.before, h.list)
	if len(h.before) > maxUndo {
		h.before = slices.Clone(h.before[1:])
	}
	h.after, h.list = nil, list
}

// Measurements returns the list, oldest first. Read only.
func (r *Reading) Measurements() []Measurement { return r.marks.list }

// Selected returns the ID of the selected measurement, 0 for none.
func (r *Reading) Selected() int { return r.selected }

// add appends a measurement and selects it.
func (r *Reading) add(m Measurement) {
	r.marks.last++
	m.ID = r.marks.last
	r.marks.set(append(slices.Clone(r.marks.list), m))
	r.selected, r.message = m.ID, ""
	r.tell()
}

// Select selects a measurement and jumps to it.
func (r *Reading) Select(id int) {
	for _, m := range r.marks.list {
		if m.ID == id {
			r.selected = id
			r.state.Update(func() {
				r.state.JumpTo(m.At())
				r.tell()
			})
		}
	}
}

// Delete removes a measurement; [Reading.Undo] brings it back.
func (r *Reading) Delete(id int) {
	list := slices.DeleteFunc(slices.Clone(r.marks.list), func(m Measurement) bool { return m.ID == id })
	if len(list) == len(r.marks.list) {
		return
	}
	r.marks.set(list)
	if r.selected == id {
		r.selected = 0
	}
	r.tell()
}

// DeleteAll removes every measurement; [Reading.Undo] brings them back.
func (r *Reading) DeleteAll() {
	if len(r.marks.list) > 0 {
		r.marks.set(nil)
		r.selected = 0
		r.tell()
	}
}

// CanUndo and CanRedo report whether there is a step to take back, or to take again.
func (r *Reading) CanUndo() bool { return len(r.marks.before) > 0 }

// CanRedo reports whether there is a step to take again.
func (r *Reading) CanRedo() bool { return len(r.marks.after) > 0 }

// Undo takes the last change of the list back; false where there is none.
func (r *Reading) Undo() bool {
	h := &r.marks
	if !r.CanUndo() {
		return false
	}
	n := len(h.before) - 1
	h.after = append(h.after, h.list)
	h.list, h.before = h.before[n], h.before[:n]
	r.selected = 0
	r.tell()
	return true
}

// Redo makes the change that was taken back again; false where there is none.
func (r *Reading) Redo() bool {
	h := &r.marks
	if !r.CanRedo() {
		return false
	}
	n := len(h.after) - 1
	h.before = append(h.before, h.list)
	h.list, h.after = h.after[n], h.after[:n]
	r.selected = 0
	r.tell()
	return true
}

// deleteLast removes the last corner of a polygon that is being drawn, else the selected measurement.
func (r *Reading) deleteLast() bool {
	if n := len(r.draft.points); n > 0 {
		r.draft.points = r.draft.points[:n-1]
		r.tell()
		return true
	}
	if r.selected == 0 {
		return false
	}
	r.Delete(r.selected)
	return true
}

// region measures a figure in a series, and in the ADC map where that is another one.
func (r *Reading) region(series *exam.Series, shape measure.Shape) (Measurement, error) {
	stats, err := measure.ROI(r.state.Displayed(series), shape)
	if err != nil {
		return Measurement{}, err
	}
	m := Measurement{Kind: Region, Shape: shape, Series: series.ID,
		Values: []SeriesStats{r.stats(series, stats)}}
	if adc := r.chosen(exam.ADC); adc != nil && adc != series && adc.Volume != nil {
		if stats, err := measure.ROI(r.state.Displayed(adc), shape); err == nil { // a figure too small for the coarser map has none
			m.Values = append(m.Values, r.stats(adc, stats))
		}
	}
	return m, nil
}

// nine measures the nine darkest voxels of a series within radiusMM of a point.
func (r *Reading) nine(series *exam.Series, at geom.Vec3, radiusMM float64) (Measurement, error) {
	image := r.state.Displayed(series)
	stats, err := measure.Darkest(image, at, radiusMM)
	if err != nil {
		return Measurement{}, err
	}
	return Measurement{Kind: Darkest, Shape: measure.Block(image.Grid(), stats), Series: series.ID,
		Values: []SeriesStats{r.stats(series, stats)}}, nil
}

// stats names the series that statistics are of.
func (r *Reading) stats(s *exam.Series, stats measure.Stats) SeriesStats {
	return SeriesStats{s.ID, viewstate.SeriesTitle(r.roleOf(s), s), r.isADC(s), stats}
}

// isADC reports whether a series holds ADC values in the exam's unit.
func (r *Reading) isADC(s *exam.Series) bool { return s.Volume.Unit() == exam.UnitADC }
