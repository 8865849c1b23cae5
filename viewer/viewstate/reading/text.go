package reading

import (
	"fmt"
	"math"
	"strings"

	"bayeslice/internal/align"
	"bayeslice/internal/lang"
	"bayeslice/internal/measure"
	"bayeslice/viewer/viewstate"
)

// lengthText writes a length: tenths of a millimetre, which is what a pixel allows.
func lengthText(mm float64) string { return lang.T("%.1f mm", mm) }

// number writes an image value with the digits that it can carry, with a true minus sign.
func number(x float64) string {
	text := fmt.Sprintf("%.0f", x)
	if a := math.Abs(x); a > 0 && a < 10 {
		text = fmt.Sprintf("%.3g", x)
	}
	return strings.Replace(text, "-", "−", 1)
}

// unitOf returns the unit of statistics with a space before it, "" for arbitrary intensities.
func unitOf(v SeriesStats) string {
	switch {
	case v.ADC:
		return " " + viewstate.ADCUnit
	case v.Unit != "":
		return " " + v.Unit
	}
	return ""
}

// meanText writes mean and standard deviation with the unit.
func meanText(v SeriesStats) string {
	return lang.T("%s ± %s%s", number(v.Mean), number(v.SD), unitOf(v))
}

// statsText writes everything that is known of one series in a figure.
func statsText(v SeriesStats) string {
	text := lang.T("%s: %s ± %s%s, median %s, %s–%s, %d voxels, %.0f mm²", v.Label, number(v.Mean), number(v.SD), unitOf(v),
		number(v.Median), number(v.Min), number(v.Max), v.N, v.AreaMM2)
	if v.Missing > 0 {
		text += lang.T(", %d without a value", v.Missing)
	}
	return text
}

// signed writes a millimetre value with its sign and one decimal.
func signed(mm float64) string {
	if math.Abs(mm) < 0.05 {
		return "0.0"
	}
	return strings.Replace(fmt.Sprintf("%+.1f", mm), "-", "−", 1)
}

// reason returns the words of a [measure.ErrMeasure] after its own.
func reason(err error) string {
	text := err.Error()
	if _, after, ok := strings.Cut(text, measure.ErrMeasure.Error()+": "); ok {
		return after
	}
	return text
}

// alignReason returns the words of an [align.ErrAlign] after its own.
func alignReason(err error) string {
	text := err.Error()
	if _, after, ok := strings.Cut(text, align.ErrAlign.Error()+": "); ok {
		return after
	}
	return text
}
