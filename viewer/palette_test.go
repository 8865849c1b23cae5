package viewer

import (
	"image/color"
	"testing"

	"bayeslice/internal/colorvision"
)

// Contrasts (WCAG 2.2) that texts have on what they lie on, and the distance (CIEDE2000) between colours
// that mean something.
const (
	readable      = 4.5
	readableHigh  = 7
	tellApart     = 20
	tellApartWith = 7 // with any dichromacy; words and icons stand beside these colours
)

func TestTextsReadOnTheirGround(t *testing.T) {
	defer setContrast(false)
	for _, high := range []bool{false, true} {
		setContrast(high)
		want := readable
		if high {
			want = readableHigh
		}
		for name, text := range map[string]color.NRGBA{"text": colorText, "muted": colorMuted, "warning": colorWarning} {
			for on, ground := range map[string]color.NRGBA{"panel": colorPanel, "background": colorBackground, "input": colorInput} {
				if got := colorvision.Contrast(text, ground); got < want {
					t.Errorf("high contrast %v: %s on %s has %.1f, want %.1f", high, name, on, got, want)
				}
			}
		}
		if got := colorvision.Contrast(colorLine, colorPanel); high && got < 3 {
			t.Errorf("lines have contrast %.1f on panels, want 3", got)
		}
	}
}

func TestStatesAreToldApartWithoutFullColourVision(t *testing.T) {
	states := map[string]color.NRGBA{"success": colorSuccess, "warning": colorWarning, "danger": colorDanger, "accent": colorAccent}
	for _, d := range colorvision.Deficiencies {
		want := float64(tellApartWith)
		if d == colorvision.None {
			want = tellApart
		}
		for a, x := range states {
			for b, y := range states {
				if a < b && colorvision.Difference(x, y, d) < want {
					t.Errorf("%s and %s are %.1f apart with %v, want %g", a, b, colorvision.Difference(x, y, d), d, want)
				}
			}
		}
	}
}
