package exam

import (
	"fmt"
	"strings"

	"bayeslice/internal/imageio/dicom"
)

// unitsOfADC are units of UCUM to which files map the stored values of an ADC, and their factor to [UnitADC].
var unitsOfADC = map[string]float64{"um2/s": 1, "mm2/s": 1e6, "10-6.mm2/s": 1, "10*-6.mm2/s": 1, "10-3.mm2/s": 1e3, "10*-3.mm2/s": 1e3}

// fitsKind reports whether values of a unit are what images of a kind show: diffusion coefficients, or brightness without a unit.
func fitsKind(u dicom.Unit, kind Role) bool {
	if u.Scheme != "UCUM" && u.Scheme != "" {
		return false
	}
	if kind == ADC {
		return unitsOfADC[u.Value] != 0
	}
	return u.Value == "1" || u.Value == "[arb'U]" || strings.HasPrefix(u.Value, "{") && strings.HasSuffix(u.Value, "}") // UCUM: words without a dimension
}

// realWorldUnit returns the unit of the real-world value mapping by which an ADC or a diffusion image is read, or none. unused says
// that there is one that is not used.
func realWorldUnit(s *dicom.Stack, kind Role) (unit dicom.Unit, unused *Issue) {
	if kind != ADC && kind != DWI {
		return dicom.Unit{}, nil
	}
	lines, others := s.RealWorldUnits()
	for _, u := range lines {
		if fitsKind(u, kind) {
			return u, nil
		}
	}
	const instead = "the map is not used, and values are those after the file's rescale slope and intercept"
	next := "compare a few values with the scanner's console before you rely on them"
	what := "an image of diffusion"
	if kind == ADC {
		what, next = "an ADC map", "their unit is judged by their size; "+next
	}
	switch {
	case len(lines) > 0:
		return dicom.Unit{}, &Issue{Code: RealWorldUnused, Severity: Warning, Text: fmt.Sprintf(
			"the files map stored values to the unit %v, which is no unit of %s that is known here: %s; %s", lines[0], what, instead, next)}
	case len(others) > 0:
		return dicom.Unit{}, &Issue{Code: RealWorldUnused, Severity: Warning, Text: fmt.Sprintf(
			"the files map stored values to the unit %v by a table, in pieces, or not in every slice, which is not read here: %s; %s", others[0], instead, next)}
	}
	return dicom.Unit{}, nil
}
