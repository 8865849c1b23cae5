package prep

import (
	"context"
	"math"
	"testing"

	"bayeslice/internal/exam"
	"bayeslice/internal/testenv"
)

// The real exam is oblique by 18.5°, its diffusion series have another grid and another origin, and
// its 19 slices are one short of the paper's 20.
func TestApplyOnTheRealExam(t *testing.T) {
	ctx := context.Background()
	e, err := exam.Open(ctx, testenv.Data(t, "picai_prep", "ProstateX-0000"), exam.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := PaperRecipe(true).Apply(ctx, e, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t2w := e.Chosen(exam.T2W).Volume
	if d := p.Grid.Normal().Sub(t2w.Grid().Normal()).Norm(); d > 1e-9 {
		t.Errorf("the model's slices are tilted against those of the T2W image by %g", d)
	}
	n := p.Grid.Voxels()
	if math.Abs(p.Outside[0]-1.0/20) > 1e-9 {
		t.Errorf("outside the T2W image: %g, want one slice of 20", p.Outside[0])
	}
	start := t2w.Grid().Voxel(p.Grid.Origin) // spacing 0.5 × 0.5 × 3.0 mm is the image's own: a crop
	i0, j0, k0 := int(math.Round(start[0])), int(math.Round(start[1])), int(math.Round(start[2]))
	s := p.Scaling[0]
	for _, v := range [][3]int{{0, 0, 2}, {80, 80, 9}, {159, 31, 17}} {
		want := (float64(t2w.At(i0+v[0], j0+v[1], k0+v[2])) - s.Shift) / s.Scale
		if got := float64(p.Input.F32[p.Grid.Index(v[0], v[1], v[2])]); math.Abs(got-want) > 1e-3 {
			t.Errorf("voxel %v = %g, the image says %g", v, got, want)
		}
	}
	for c, want := range []struct{ mean, sd float64 }{{0, 1}, {0, 1}} {
		var inside []float32
		for i, v := range p.Input.F32[c*n : (c+1)*n] {
			if k := i / (160 * 160); k+k0 >= 0 && k+k0 < t2w.Grid().Size[2] {
				inside = append(inside, v)
			}
		}
		if mean, sd := moments(inside); math.Abs(mean-want.mean) > 2e-2 || math.Abs(sd-want.sd) > 2e-2 {
			t.Errorf("channel %d: mean %g, sd %g", c, mean, sd)
		}
	}
	adc := p.Input.F32[2*n+p.Grid.Index(80, 80, 10)]
	if adc < 0.1 || adc > 0.9 {
		t.Errorf("ADC in the middle of the gland is %g of 3000 ×10⁻⁶ mm²/s", adc)
	}
}
