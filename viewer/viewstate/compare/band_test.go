package compare

import (
	"testing"

	"bayeslice/inference"
	masks "bayeslice/internal/compare"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/volume"
	"bayeslice/viewer/viewstate"
)

// doubtful is a result that gives TZ probability 0.5 in columns 6–8 of the gland, and is sure elsewhere.
func doubtful(t *testing.T) *inference.Prediction {
	t.Helper()
	g := grid(t)
	p := &inference.Prediction{Card: modelcard.Card{Task: modelcard.Anatomy, Classes: []string{"background", "TZ", "PZ"}}, Samples: 4, Stop: inference.Completed, Grid: g}
	data := [3][]float32{}
	for k := range data {
		data[k] = make([]float32, g.Voxels())
	}
	for at := range data[0] {
		i, j, k := at%20, at/20%20, at/400
		data[0][at] = 1
		if i >= 6 && i < 9 && j >= 4 && j < 16 && k >= 1 && k < 3 {
			data[0][at], data[1][at] = 0.5, 0.5
		}
	}
	for k := range data {
		v, err := volume.New(g, data[k], "probability")
		if err != nil {
			t.Fatal(err)
		}
		p.Mean = append(p.Mean, v)
	}
	return p
}

// By hand: voxels are of 48 mm³. The readers disagree on columns 4–6, the band is columns 6–8, both of 24 voxels a
// column: 72 voxels are 3.456 mL each, and they share a third.
func TestTheBandBesideTwoReaders(t *testing.T) {
	s, c, w := opened(t)
	s.SetPrediction(doubtful(t))
	if err := load(t, c, w, source(gland(t, 4), "reader B")); err != nil || c.BandText() != "" {
		t.Errorf("%q, %v", c.BandText(), err)
	}
	c.SetEdited(drawn{&masks.Labels{Zones: gland(t, 7)}})
	s.Notify(viewstate.ChangedLabels)
	w.letGo()
	const figures = " disagree on 3.5 mL of WG; the model's 10–90 % band covers 33 % of it. In 67 % of the band, which holds 3.5 mL, they agree."
	if got := c.BandText(); got != "reader B and your contours"+figures {
		t.Error(got)
	}
	c.SetEdited(drawn{})
	if err := load(t, c, w, source(gland(t, 7), "reader C")); err != nil {
		t.Fatal(err)
	}
	if got := c.BandText(); got != "reader C and reader B"+figures {
		t.Error(got)
	}
	s.SetPrivate(true)
	if got := c.BandText(); got != "Reader 2 and Reader 1"+figures {
		t.Error(got)
	}
	s.SetPrivate(false)
	c.Select(0)
	w.letGo()
	if got := c.BandText(); got != "reader B and reader C"+figures {
		t.Error(got)
	}
	c.Remove()
	w.letGo()
	if got := c.BandText(); got != "" {
		t.Error("without a reference:", got)
	}
}
