package render

import (
	"image/color"
	"testing"

	"bayeslice/internal/colorvision"
)

// Two structures must look this far apart (CIEDE2000): a line of one pixel and a half is told from
// another from about 10 on.
const (
	apart        = 20 // with normal vision
	apartWithout = 10 // with any dichromacy
)

func TestZonesAreToldApartWithoutFullColourVision(t *testing.T) {
	names := []string{ZoneGland, ZoneTransition, ZonePeripheral, ZoneCancer, ZoneReference, ZoneUncertainty}
	for _, d := range colorvision.Deficiencies {
		bound := float64(apartWithout)
		if d == colorvision.None {
			bound = apart
		}
		for i, a := range names {
			for _, b := range names[i+1:] {
				if got := colorvision.Difference(ZoneColor(a), ZoneColor(b), d); got < bound {
					t.Errorf("%s and %s are %.1f apart with %v, want %g", a, b, got, d, bound)
				}
			}
			if got := colorvision.Contrast(ZoneColor(a), color.NRGBA{A: 255}); got < 3 {
				t.Errorf("%s has contrast %.1f on black, want 3", a, got)
			}
		}
	}
}

func TestThePaletteCheckCanFail(t *testing.T) {
	red, green := color.NRGBA{200, 60, 40, 255}, color.NRGBA{95, 135, 30, 255}
	if colorvision.Difference(red, green, colorvision.None) < apart {
		t.Error("red and green are close with normal vision")
	}
	if got := colorvision.Difference(red, green, colorvision.Deuteranopia); got > apartWithout {
		t.Errorf("red and green are %.1f apart with deuteranopia", got)
	}
}
