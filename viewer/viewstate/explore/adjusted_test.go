package explore

import (
	"math"
	"testing"

	"bayeslice/viewer/viewstate"
)

// By hand: CE gives the gland's voxels (0.125, 0.75, 0.125), so that WG has 0.875. At T = 2 the background has
// √0.125 / (2·√0.125 + √0.75) = 0.2248, so that the chart of WG stands at 0.775.
func TestChartsFollowTheTemperature(t *testing.T) {
	x, s := compared(t)
	if f, how := x.Adjusted(0); f != nil || how != "" {
		t.Error("untouched sliders change the chart:", how)
	}
	settings := DefaultSettings()
	settings.Temperature = 2
	x.Set(settings)
	f, how := x.Adjusted(0)
	if f == nil || how != "calibrated, T 2.00" {
		t.Fatal(how)
	}
	view := -1
	for v := range viewstate.ViewportCount {
		if s.Content(v).Slot == 0 {
			view = v
		}
	}
	before, _ := s.SegmentHistogram(view, s.Class())
	after, ok := s.SegmentHistogramOf(view, s.Class(), f)
	want := 1 - math.Sqrt(0.125)/(2*math.Sqrt(0.125)+math.Sqrt(0.75))
	if !ok || math.Abs(before.Mean-0.875) > 1e-6 || math.Abs(after.Mean-want) > 1e-6 || after.N != before.N {
		t.Errorf("before %+v, after %+v, want a mean of %g", before, after, want)
	}
	if f, _ := x.Adjusted(1); f != nil {
		t.Error("a model that has not run has a chart")
	}
	settings.Temperature, settings.Samples = 1, 2
	x.Set(settings)
	if f, how := x.Adjusted(0); f == nil || how != "2 samples" {
		t.Error(how)
	}
}
