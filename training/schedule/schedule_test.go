package schedule

import (
	"math"
	"testing"
)

func TestCosineEndsAndMiddle(t *testing.T) {
	c := Cosine{From: 1e-4, To: 1e-7, Steps: 1000}
	for step, want := range map[int]float64{
		-5: 1e-4, 0: 1e-4, 1000: 1e-7, 5000: 1e-7,
		500: (1e-4 + 1e-7) / 2,
		250: 1e-7 + (1e-4-1e-7)*(1+math.Sqrt2/2)/2, // cos 45°
	} {
		if got := c.At(step); math.Abs(got-want) > 1e-12 {
			t.Errorf("At(%d) = %g, want %g", step, got, want)
		}
	}
	for step := range 1000 {
		if !(c.At(step+1) < c.At(step)) {
			t.Fatalf("rate does not fall from step %d to %d", step, step+1)
		}
	}
}
