package colorvision

import (
	"image/color"
	"math"
	"testing"
)

var (
	black  = color.NRGBA{0, 0, 0, 255}
	white  = color.NRGBA{255, 255, 255, 255}
	orange = color.NRGBA{230, 159, 0, 255}
	green  = color.NRGBA{0, 158, 115, 255}
)

// The figures come from testdata/ciede2000.py, which is checked against two pairs of Sharma's table.
func TestDifferencesAreThoseOfAnIndependentProgram(t *testing.T) {
	for _, c := range []struct {
		a, b color.NRGBA
		d    Deficiency
		want float64
	}{
		{orange, green, None, 42.8686}, {orange, green, Deuteranopia, 26.5037}, {black, white, None, 100}, {orange, orange, Protanopia, 0},
	} {
		if got := Difference(c.a, c.b, c.d); math.Abs(got-c.want) > 0.05 { // both round the white point and the matrices
			t.Errorf("%v and %v with %v: %.4f, want %.4f", c.a, c.b, c.d, got, c.want)
		}
	}
}

func TestGreysLookTheSameToAll(t *testing.T) {
	grey := color.NRGBA{120, 120, 120, 255}
	for _, d := range Deficiencies {
		if got := Difference(grey, white, d) - Difference(grey, white, None); math.Abs(got) > 0.2 {
			t.Errorf("%v changes grey by %.2f", d, got)
		}
	}
}

func TestContrastOfWCAG(t *testing.T) {
	if got := Contrast(black, white); math.Abs(got-21) > 1e-6 {
		t.Error(got)
	}
	if got := Contrast(color.NRGBA{0x77, 0x77, 0x77, 255}, white); math.Abs(got-4.48) > 0.005 { // the well-known near miss
		t.Error(got)
	}
}
