package viewer

import (
	"math"
	"strings"
	"testing"

	"bayeslice/internal/modelcard"
	"bayeslice/viewer/viewstate"
)

// What was read and drawn beside the model comes into the export.
func TestReadingAndContoursComeIntoTheExport(t *testing.T) {
	h := exportHarness(t)
	h.settle()
	p := *h.state.Prediction(modelcard.Anatomy)
	p.Volumes[0].Zone = "WG" // 40 mL, 38 to 42.5 in 90 % of the samples
	h.state.SetPrediction(&p)
	h.reading.reading.SetPSA("6,4")
	h.command(viewstate.KeyImage)
	h.labels.editor.StartFromModel(modelcard.Diagnosis)
	x := h.exports.form().Export(now())
	if d := x.Page.Density; d == nil || math.Abs(d.Value-0.16) > 1e-9 || math.Abs(d.Low-6.4/42.5) > 1e-9 || math.Abs(d.High-6.4/38) > 1e-9 {
		t.Errorf("density %+v, want 6.4 over 40, 42.5 and 38", x.Page.Density)
	}
	if k := x.Page.KeySlices; len(k) != 1 || !strings.Contains(k[0].Note, "slice") {
		t.Errorf("key images %+v", k)
	}
	if x.Page.Alignment != "" || x.Page.Identity != nil || x.Page.Ellipsoid != nil {
		t.Errorf("page %+v", x.Page)
	}
	h.reading.reading.SetPSA("lots")
	if x := h.exports.form().Export(now()); x.Page.Density != nil {
		t.Errorf("a PSA that is no number has the density %+v", x.Page.Density)
	}
	for _, l := range x.Labels {
		if l.Name != "reader-lesions" && l.Name != "reader-zones" || l.Mask == nil {
			t.Errorf("labels %+v", l)
		}
	}
}
