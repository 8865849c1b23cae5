package measure

import (
	"regexp"
	"strconv"
	"strings"

	"bayeslice/internal/lang"
)

// maxPSA bounds a typed PSA, ng/mL: values of some thousands occur in disseminated disease.
const maxPSA = 100000

// psaText is a number with a point or a comma, and its unit if it is given.
var psaText = regexp.MustCompile(`^([0-9]+(?:[.,][0-9]+)?|[.,][0-9]+)\s*(?:(?:ng|µg|μg|ug)\s*/\s*m?l)?$`)

// ParsePSA reads a PSA in ng/mL as it is typed: decimal point or comma, with or without the unit "ng/mL"
// (µg/L is the same). It fails with [ErrMeasure] for anything else: thousands separators
// could be either, and "<0.1" is no number to divide.
func ParsePSA(text string) (float64, error) {
	t := strings.ToLower(strings.TrimSpace(text))
	m := psaText.FindStringSubmatch(t)
	if m == nil || !unitFits(t) {
		return 0, refuse("the PSA is not a number in ng/mL; type one such as 6.4 or 6,4")
	}
	x, err := strconv.ParseFloat(strings.Replace(m[1], ",", ".", 1), 64)
	if err != nil || !(x > 0 && x <= maxPSA) {
		return 0, refuse("the PSA must be above 0 and at most %d ng/mL; correct the number", maxPSA)
	}
	return x, nil
}

// unitFits reports whether a unit, if there is one, is ng/mL or the equal µg/L.
func unitFits(t string) bool {
	switch {
	case strings.Contains(t, "ng"):
		return strings.HasSuffix(t, "ml")
	case strings.HasSuffix(t, "l"):
		return !strings.HasSuffix(t, "ml")
	}
	return true
}

// Density is a PSA density in ng/mL² (ng/mL of PSA per mL of gland).
type Density struct {
	PSA   float64 // ng/mL
	Value float64 // ng/mL²: of the mean volume
	Low   float64 // ng/mL²: of the larger end of the volume's interval; equal to Value without an interval
	High  float64 // ng/mL²: of the smaller end
}

// PSADensity divides a PSA (ng/mL) by a gland volume (mL) with its interval. Since the quotient falls as the
// volume grows, the 5th and 95th percentile of the volume over the samples give the 95th and 5th of the density. Give the volume
// thrice where there is no interval. It fails with [ErrMeasure] where PSA or a volume is not positive
// and finite, or low > high.
func PSADensity(psa, ml, low, high float64) (Density, error) {
	for _, x := range []float64{psa, ml, low, high} {
		if !(x > 0) || !finite(x) {
			return Density{}, refuse("a PSA density needs a PSA and a gland volume above zero; type the PSA, and segment or measure the gland")
		}
	}
	if low > high {
		return Density{}, refuse("the interval of the volume, %.4g–%.4g mL, is empty; run the model again", low, high)
	}
	return Density{PSA: psa, Value: psa / ml, Low: psa / high, High: psa / low}, nil
}

// Definition implements the promise of the package.
func (Density) Definition() Definition {
	return Definition{lang.Mark("PSA density"), lang.Mark("serum PSA (ng/mL) / volume of the whole gland (mL); the interval is that of the volume over the samples alone"),
		"ng/mL²",
		"Benson et al., J Urol 1992, 147: 815; PI-CAI labels use the same unit"}
}
