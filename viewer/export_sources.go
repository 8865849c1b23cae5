package viewer

import (
	"bayeslice/inference"
	"bayeslice/internal/annotate"
	"bayeslice/internal/lang"
	"bayeslice/internal/measure"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/report"
	"bayeslice/render"
	"bayeslice/viewer/viewstate/edit"
	"bayeslice/viewer/viewstate/exporting"
	"bayeslice/viewer/viewstate/reading"
)

// readingSource adds what a reader measured and marked to the report.
func readingSource(r *reading.Reading) exporting.Source {
	return func(x *report.Export) {
		for _, m := range r.Measurements() {
			x.Page.Measurements = append(x.Page.Measurements, report.Measurement{Name: m.Title(), Value: m.Text()})
			if m.Kind == reading.Ellipsoid {
				e := m.Ellipsoid
				x.Page.Ellipsoid = &e // the last one that was measured
			}
		}
		if grid, ok := x.Exam.ReferenceGrid(); ok {
			for _, k := range r.KeyImages() {
				x.Page.KeySlices = append(x.Page.KeySlices, report.KeySlice{Slice: render.NearestSlice(grid, k.Cursor), Note: r.KeyText(k)})
			}
		}
		if psa, err := measure.ParsePSA(r.PSA()); err == nil {
			x.Page.Density = density(x, psa)
		}
		if e := r.Estimate(); e != nil {
			x.Page.Alignment = report.AlignmentText(e, lang.T("the gland"), report.AnyMoved(x.Predictions))
		}
	}
}

// density is that of the model's gland, or else of the ellipsoid; nil where neither has a volume.
func density(x *report.Export, psa float64) *measure.Density {
	var ml inference.Interval
	for _, p := range x.Predictions {
		for _, v := range p.Volumes {
			if p.Card.Task == modelcard.Anatomy && v.Zone == render.ZoneGland {
				ml = v.ML
			}
		}
	}
	if e := x.Page.Ellipsoid; ml.Mean == 0 && e != nil {
		ml = inference.Interval{Mean: e.ML, P5: e.ML, P95: e.ML}
	}
	d, err := measure.PSADensity(psa, ml.Mean, ml.P5, ml.P95)
	if err != nil {
		return nil // a gland of no volume has none, which the reading panel says
	}
	return &d
}

// labelSource adds the contours that a reader drew or corrected.
func labelSource(e *edit.Editor) exporting.Source {
	return func(x *report.Export) {
		s := e.Snapshot()
		if s == nil || !e.Fits() {
			return
		}
		for _, l := range []struct {
			layer         annotate.Layer
			name, meaning string
		}{{annotate.Zones, "reader-zones", "1 = TZ, 2 = PZ"}, {annotate.Lesions, "reader-lesions", "1 = csPCa"}} {
			if !s.Empty(l.layer) {
				x.Labels = append(x.Labels, report.Labels{Name: l.name, Meaning: l.meaning, Mask: s.Mask(l.layer), Lesions: l.layer == annotate.Lesions, Assisted: s.Assisted()})
			}
		}
		for _, l := range annotate.Labels {
			if ml := s.Volume(l); ml > 0 {
				x.Page.Reviewed = append(x.Page.Reviewed, report.Reviewed{Structure: l.String(), ML: ml})
			}
		}
	}
}
