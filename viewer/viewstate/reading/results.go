package reading

import (
	"math"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/findings"
	"bayeslice/internal/geom"
	"bayeslice/internal/lang"
	"bayeslice/internal/measure"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/sectors"
	"bayeslice/internal/volume"
	"bayeslice/viewer/viewstate"
)

// results keeps what was found about a result, which is found once.
type results struct {
	anatomy *inference.Prediction // that zones belongs to
	zones   *sectors.Map          // nil without zones
	lesions lesionsKey            // that list belongs to
	list    []Lesion
}

// lesionsKey is what a list of candidates is made of.
type lesionsKey struct {
	diagnosis *inference.Prediction
	zones     *sectors.Map
	adc       *volume.Volume
}

// Lesion is a csPCa candidate as it is listed: what the model says, and what is measured there.
type Lesion struct {
	inference.Lesion
	findings.Finding
}

// Lesions returns the candidates of the diagnosis model, the most confident first. It proposes places and never a PI-RADS score.
func (r *Reading) Lesions() []Lesion {
	p := r.state.Prediction(modelcard.Diagnosis)
	if p == nil {
		return nil
	}
	var adc *volume.Volume
	if s := r.chosen(exam.ADC); s != nil && s.Volume != nil && r.isADC(s) {
		adc = r.state.Displayed(s)
	}
	key := lesionsKey{p, r.zones(), adc}
	if key == r.results.lesions {
		return r.results.list
	}
	list := make([]Lesion, 0, len(p.Lesions))
	for _, l := range p.Lesions {
		f, err := findings.Describe(findings.Candidate{Grid: p.Grid, Voxels: l.Voxels, Peak: l.PeakWorld}, key.zones, adc)
		if err != nil { // a candidate without voxels, as a result read from a file has: its peak is all that is known
			f = findings.Finding{Zones: key.zones != nil}
			if f.Zones {
				f.Peak = key.zones.At(l.PeakWorld)
			}
		}
		list = append(list, Lesion{l, f})
	}
	r.results.lesions, r.results.list = key, list
	return list
}

// zones returns the places in the gland, or nil without an anatomy.
func (r *Reading) zones() *sectors.Map {
	p := r.state.Prediction(modelcard.Anatomy)
	if p == r.results.anatomy {
		return r.results.zones
	}
	r.results.anatomy, r.results.zones = p, nil
	if p == nil || p.Hard == nil {
		return nil
	}
	var labels [2]uint8
	for i, name := range p.Card.Classes {
		switch name {
		case viewstate.TZ.String():
			labels[0] = uint8(i)
		case viewstate.PZ.String():
			labels[1] = uint8(i)
		}
	}
	if m, err := sectors.NewMap(p.Hard, labels[0], labels[1]); err == nil { // it fails where there is no gland
		r.results.zones = m
	}
	return r.results.zones
}

// PlaceText says where in the gland a world point lies: "R mid PZpl", "outside the gland", or "" without zones.
func (r *Reading) PlaceText(world [3]float64) string {
	if z := r.zones(); z != nil {
		return z.At(world).Text()
	}
	return ""
}

// ConfidenceText writes a candidate's confidence with its interval over the samples.
func (l Lesion) ConfidenceText() string {
	if l.P95 <= 0 {
		return lang.T("%.2f", l.Confidence)
	}
	return lang.T("%.2f (%.2f–%.2f)", l.Confidence, l.P5, l.P95)
}

// PresentText writes in how many samples a candidate is there.
func (l Lesion) PresentText() string {
	if l.Samples == 0 {
		return lang.T("not judged")
	}
	return lang.T("in %d of %d samples", l.Present, l.Samples)
}

// SizeText writes volume and largest diameter.
func (l Lesion) SizeText() string {
	if d := l.Diameter.MM(); d > 0 {
		return lang.T("%.2f mL, %.0f mm", l.VolumeML, d)
	}
	return lang.T("%.2f mL", l.VolumeML)
}

// PlacesText writes where the candidate lies: the sector of the most of it, and others that hold a fifth or more.
func (l Lesion) PlacesText() string {
	if !l.Zones {
		return lang.T("no zones: run the anatomy model")
	}
	if len(l.Places) == 0 {
		return l.Peak.Text()
	}
	text := ""
	for n, s := range l.Places {
		if n > 0 && s.Fraction < 0.2 {
			break
		}
		if n > 0 {
			text += ", "
		}
		text += s.Place.Text()
	}
	return text
}

// AlternativesText names the sectors that the zone masks cannot exclude, or "".
func (l Lesion) AlternativesText() string {
	text := ""
	if len(l.Places) == 0 {
		return text
	}
	for _, s := range l.Places[0].Place.Alternatives {
		text = lang.T("or %s, which the masks cannot tell", s.Short())
	}
	return text
}

// ADCText writes the ADC in the candidate.
func (l Lesion) ADCText() string {
	a := l.ADC
	switch {
	case a.N == 0:
		return lang.T("ADC not known")
	case math.IsNaN(a.Darkest):
		return lang.T("ADC %s, min %s %s", number(a.Mean), number(a.Min), viewstate.ADCUnit)
	}
	return lang.T("ADC %s, min %s, darkest nine %s %s", number(a.Mean), number(a.Min), number(a.Darkest), viewstate.ADCUnit)
}

// GoToLesion shows the most probable voxel of a candidate.
func (r *Reading) GoToLesion(id int) {
	if p := r.state.Prediction(modelcard.Diagnosis); p != nil {
		for _, l := range p.Lesions {
			if l.ID == id {
				r.state.JumpTo(l.PeakWorld)
			}
		}
	}
}

// PSA returns the PSA as it was typed.
func (r *Reading) PSA() string { return r.psa }

// SetPSA takes what is typed as PSA, in ng/mL.
func (r *Reading) SetPSA(text string) {
	if text != r.psa {
		r.psa = text
		r.tell()
	}
}

// Density is a PSA density beside the volume that it rests on.
type Density struct {
	Of       string // what the volume is: "whole gland, model" or "ellipsoid"
	Volume   string // with its interval
	Density  string // with its interval
	Interval bool
}

// Densities returns the PSA densities for the model's gland and for the last ellipsoid that was measured; problem says what is
// missing or wrong, or "".
func (r *Reading) Densities() (list []Density, problem string) {
	var psa float64
	if r.psa != "" {
		var err error
		if psa, err = measure.ParsePSA(r.psa); err != nil {
			problem = lang.T("Type the PSA as a number in ng/mL, such as 6.4 or 6,4.")
		}
	}
	for n := len(r.marks.list) - 1; n >= 0; n-- {
		if m := r.marks.list[n]; m.Kind == Ellipsoid {
			v := m.Ellipsoid.ML
			list = append(list, density(lang.T("Ellipsoid"), psa, inference.Interval{Mean: v, P5: v, P95: v}))
			break
		}
	}
	if ml, ok := r.glandML(); ok && (r.psa != "" || len(list) > 0) { // by itself it stands among the volumes
		list = append([]Density{density(lang.T("Model"), psa, ml)}, list...)
	}
	if len(list) == 0 && problem == "" && r.psa != "" {
		problem = lang.T("A density needs a gland volume: run the anatomy model, or measure the three diameters of the gland.")
	}
	return list, problem
}

// glandML returns the volume of the whole gland over the samples of the anatomy model.
func (r *Reading) glandML() (ml inference.Interval, ok bool) {
	p := r.state.Prediction(modelcard.Anatomy)
	if p == nil {
		return inference.Interval{}, false
	}
	for _, z := range p.Volumes {
		if z.Zone == viewstate.WG.String() {
			return z.ML, z.ML.Mean > 0
		}
	}
	return inference.Interval{}, false
}

// density writes a volume with its density; a PSA of 0 is none.
func density(of string, psa float64, ml inference.Interval) Density {
	d := Density{Of: of, Interval: ml.P95 > ml.P5}
	d.Volume = lang.T("%.1f mL", ml.Mean)
	if d.Interval {
		d.Volume = lang.T("%.1f mL (%.1f–%.1f)", ml.Mean, ml.P5, ml.P95)
	}
	if psa == 0 {
		return d
	}
	v, err := measure.PSADensity(psa, ml.Mean, ml.P5, ml.P95)
	switch {
	case err != nil: // a sample without a gland: the interval reaches to no volume at all
		d.Density = lang.T("%.2f ng/mL²", psa/ml.Mean)
	case d.Interval:
		d.Density = lang.T("%.2f (%.2f–%.2f) ng/mL²", v.Value, v.Low, v.High)
	default:
		d.Density = lang.T("%.2f ng/mL²", v.Value)
	}
	return d
}

// BandJob returns what finds out how wide the band between the 10 and the 90 % contour of the selected class is, where the cursor is
// nearest to it and along the whole slice, and says so; nil without a result. It takes some milliseconds and may run on any goroutine.
func (r *Reading) BandJob() func() string {
	class := r.state.Class()
	if r.state.Prediction(class.Task()) == nil {
		return nil
	}
	f := r.state.Field(r.ownView(), viewstate.Probability, class)
	if f == nil {
		return nil
	}
	cursor := r.state.Cursor()
	return func() string { return bandText(f, class, cursor) }
}

// bandText measures the band of a class's probability at a point and on its slice.
func bandText(f *volume.Volume, class viewstate.Class, at geom.Vec3) string {
	here, err := measure.BandAt(f, at)
	if err != nil {
		return lang.T("%s: no 50 %% contour on this slice.", class.String())
	}
	all, err := measure.BandOn(f, viewstate.SliceAt(f.Grid(), at).Index)
	if err != nil {
		return lang.T("%s: no 50 %% contour on this slice.", class.String())
	}
	text := lang.T("%s, 10–90 %% band: %s nearest to the cursor (inside %s, outside %s)", class.String(), widthText(here.WidthMM()), widthText(here.InnerMM), widthText(here.OuterMM))
	return text + lang.T("; on this slice median %s, 95 %% below %s.", widthText(all.MedianMM), widthText(all.P95MM))
}

// ownView returns a viewport that shows the exam's own results, whose fields are those of the exam.
func (r *Reading) ownView() int {
	for v := range viewstate.ViewportCount {
		if r.state.Content(v).Slot == viewstate.OwnResult {
			return v
		}
	}
	return 0
}

// widthText writes a width, or that it is not known.
func widthText(mm float64) string {
	if math.IsNaN(mm) {
		return lang.T("open")
	}
	return lang.T("%.1f mm", mm)
}
