package prep

import (
	"fmt"
	"math"

	"bayeslice/internal/exam"
)

// ADCUnit is the unit of an ADC map inside the program and of [Channel].Low and High.
const ADCUnit = "10⁻⁶ mm²/s"

// adcScale is what brings an ADC map's unit to [ADCUnit].
var adcScale = map[string]float64{
	ADCUnit:      1,
	"10⁻³ mm²/s": 1e3,
	"mm²/s":      1e6,
}

// scaling finds the shift and the scale of a channel; values are those on the model's grid, NaN
// outside the image.
func (p *Prepared) scaling(c Channel, s *exam.Series, values []float32) (Scaling, error) {
	out := Scaling{Role: c.Role, Series: s.ID, Resample: "cubic B-spline"}
	if c.Norm == ZScore {
		mean, sd := moments(values)
		if !(sd > 1e-6*math.Abs(mean)) {
			return out, fmt.Errorf("%w: every voxel of the %s image (series %s) on the model's grid is %g, and a z-score needs contrast; choose another series for %s",
				ErrIntensity, c.ExamRole(), s.ID, mean, c.ExamRole())
		}
		out.Shift, out.Scale = mean, sd
		return out, nil
	}
	factor := 1.0
	if c.ExamRole() == exam.ADC {
		var known bool
		if factor, known = adcScale[s.Volume.Unit()]; !known {
			return out, fmt.Errorf("%w: series %s is in %q, and the model needs %s; choose another series for ADC, or write the map anew in that unit",
				ErrUnits, s.ID, s.Volume.Unit(), ADCUnit)
		}
		out.Unit = ADCUnit
	}
	if factor != 1 {
		out.Unit = s.Volume.Unit()
		p.Issues = append(p.Issues, exam.Issue{Code: IssueUnits, Severity: exam.Note, Series: s.ID,
			Text: fmt.Sprintf("The ADC map is in %s and was converted to %s for the model.", s.Volume.Unit(), ADCUnit)})
	}
	out.Shift, out.Scale = c.Low/factor, (c.High-c.Low)/factor
	return out, nil
}

// moments returns the mean and the population standard deviation of the values that are numbers,
// in two passes.
func moments(values []float32) (mean, sd float64) {
	n := 0
	for _, v := range values {
		if v == v {
			mean += float64(v)
			n++
		}
	}
	if n == 0 {
		return 0, 0
	}
	mean /= float64(n)
	for _, v := range values {
		if v == v {
			d := float64(v) - mean
			sd += d * d
		}
	}
	return mean, math.Sqrt(sd / float64(n))
}

// normalise writes the normalised values, and the background where a value is NaN.
func normalise(c Channel, s Scaling, values, out []float32) {
	background := 0.0
	if c.Norm == Linear {
		background = clip(c, -s.Shift/s.Scale)
	}
	for i, v := range values {
		if v != v {
			out[i] = float32(background)
			continue
		}
		out[i] = float32(clip(c, (float64(v)-s.Shift)/s.Scale))
	}
}

func clip(c Channel, v float64) float64 {
	if c.Norm == Linear && c.Clip {
		return min(max(v, 0), 1)
	}
	return v
}
