package viewstate

import (
	"fmt"
	"image/color"
	"math"
	"strings"
)

// Point is a point of a curve in the units of its chart.
type Point struct{ X, Y float64 }

// Marker is the form of the marks on a curve, so that curves are told apart without colours.
type Marker uint8

// Markers.
const (
	NoMarker Marker = iota
	Disc
	Square
	Diamond
)

// Curve is one line of a [Chart]. Faint is drawn thin and pale behind Line, for values that scatter; it
// may be nil. Points have ascending X and are finite.
type Curve struct {
	Name   string
	Color  color.NRGBA
	Marker Marker
	Faint  []Point
	Line   []Point
}

// Tick is a labelled position on an axis.
type Tick struct {
	At    float64
	Label string
}

// Axis is the range of a chart in one direction. Low < High; both are positive where Log.
type Axis struct {
	Low, High float64
	Log       bool // logarithmic: equal factors are equally long
	Ticks     []Tick
}

// Fraction returns where a value lies on the axis: 0 at Low, 1 at High. Values beyond are beyond.
func (a Axis) Fraction(v float64) float64 {
	if a.Log {
		return math.Log(v/a.Low) / math.Log(a.High/a.Low)
	}
	return (v - a.Low) / (a.High - a.Low)
}

// Chart is a diagram over training steps, ready to be drawn.
type Chart struct {
	Title  string
	Unit   string // of the ordinate, "" for a ratio
	Empty  string // said in the middle while there are no curves to see
	X, Y   Axis
	Curves []Curve
}

// HasPoints reports whether any curve has a point.
func (c Chart) HasPoints() bool {
	for _, curve := range c.Curves {
		if len(curve.Line) > 0 {
			return true
		}
	}
	return false
}

// chartPoints bounds the points of a drawn curve: about two per pixel of a large chart.
const chartPoints = 1200

// smoothShare is the share of a scattering curve over which its line is averaged.
const smoothShare = 0.05

// scattering makes a curve of values that scatter from step to step: each of them faint, and their
// moving average as the line.
func scattering(name string, c color.NRGBA, points []Point) Curve {
	half := int(smoothShare * float64(len(points)) / 2)
	if half < 1 {
		return Curve{Name: name, Color: c, Line: withExtremes(points, chartPoints)}
	}
	return Curve{Name: name, Color: c, Faint: withExtremes(points, chartPoints), Line: withExtremes(averaged(points, half), chartPoints)}
}

// averaged returns the mean over half points before and after each one, over fewer near the ends.
func averaged(points []Point, half int) []Point {
	sums := make([]float64, len(points)+1)
	for i, p := range points {
		sums[i+1] = sums[i] + p.Y
	}
	out := make([]Point, len(points))
	for i, p := range points {
		reach := min(half, i, len(points)-1-i) // as far to both sides, so that a slope stays a slope
		out[i] = Point{p.X, (sums[i+reach+1] - sums[i-reach]) / float64(2*reach+1)}
	}
	return out
}

// withExtremes returns at most limit points with the same picture: of each stretch its lowest and highest.
func withExtremes(points []Point, limit int) []Point {
	if len(points) <= limit {
		return points
	}
	stretches := limit / 2
	out := make([]Point, 0, limit)
	for s := range stretches {
		part := points[s*len(points)/stretches : (s+1)*len(points)/stretches]
		low, high := 0, 0
		for i, p := range part {
			if p.Y < part[low].Y {
				low = i
			}
			if p.Y > part[high].Y {
				high = i
			}
		}
		out = append(out, part[min(low, high)])
		if low != high {
			out = append(out, part[max(low, high)])
		}
	}
	return out
}

// logRatio is the ratio of largest to smallest value from which an axis is logarithmic.
const logRatio = 50

// fitted returns the axis for positive quantities of any size: from 0, or logarithmic where they
// differ by large factors.
func fitted(curves []Curve) Axis {
	low, high := math.Inf(1), math.Inf(-1)
	for _, c := range curves {
		for _, points := range [][]Point{c.Faint, c.Line} {
			for _, p := range points {
				low, high = min(low, p.Y), max(high, p.Y)
			}
		}
	}
	switch {
	case math.IsInf(low, 0):
		return linear(0, 1)
	case low > 0 && high/low >= logRatio:
		return logarithmic(low, high)
	case low >= 0:
		return linear(0, high)
	}
	return linear(low, high)
}

// linear returns an axis from low to high, moved outwards to ticks at round numbers.
func linear(low, high float64) Axis {
	if high <= low {
		high = low + 1
	}
	step := roundStep((high - low) / 5)
	a := Axis{Low: math.Floor(low/step+1e-9) * step, High: math.Ceil(high/step-1e-9) * step}
	decimals := max(0, int(math.Ceil(-math.Log10(step)-1e-9)))
	for i := range int(math.Round((a.High-a.Low)/step)) + 1 {
		at := a.Low + float64(i)*step
		a.Ticks = append(a.Ticks, Tick{at, number(at, decimals)})
	}
	return a
}

// roundStep returns 1, 2 or 5 times a power of ten, at least v.
func roundStep(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if v <= m*power*(1+1e-9) {
			return m * power
		}
	}
	return 10 * power
}

// logarithmic returns an axis whose ticks are powers of ten, with 2 and 5 times them where few fit.
func logarithmic(low, high float64) Axis {
	a := Axis{Low: low / 1.15, High: high * 1.15, Log: true}
	first, last := int(math.Floor(math.Log10(a.Low))), int(math.Ceil(math.Log10(a.High)))
	factors, every := []float64{1}, 1+(last-first)/6
	if a.High/a.Low < 500 {
		factors = []float64{1, 2, 5}
	}
	for e := first; e <= last; e++ {
		if (e-first)%every != 0 {
			continue
		}
		for _, f := range factors {
			if at := f * math.Pow(10, float64(e)); at >= a.Low && at <= a.High {
				a.Ticks = append(a.Ticks, Tick{at, number(at, max(0, -e))})
			}
		}
	}
	return a
}

// stepAxis returns the axis of the steps from 0 to n.
func stepAxis(n int) Axis {
	n = max(n, 4)
	step := max(1, roundStep(float64(n)/5))
	a := Axis{High: float64(n)}
	for at := 0.0; at <= a.High; at += step {
		a.Ticks = append(a.Ticks, Tick{at, Count(int(at))})
	}
	return a
}

// number writes a value with decimals, very large and very small ones as a power of ten.
func number(v float64, decimals int) string {
	text := fmt.Sprintf("%.*f", decimals, v)
	if a := math.Abs(v); a >= 1e5 || decimals > 4 && a > 0 {
		e := int(math.Floor(math.Log10(a) + 1e-9))
		text = fmt.Sprintf("%.3g·10%s", v/math.Pow(10, float64(e)), superscript(e))
		text = strings.TrimPrefix(text, "1·")
	}
	return strings.Replace(text, "-", "−", 1)
}

var superscripts = []rune("⁰¹²³⁴⁵⁶⁷⁸⁹")

func superscript(n int) string {
	var b strings.Builder
	for _, r := range fmt.Sprint(n) {
		if r == '-' {
			b.WriteRune('⁻')
		} else {
			b.WriteRune(superscripts[r-'0'])
		}
	}
	return b.String()
}

// Count groups the digits of a number with thin spaces.
func Count(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "\u2009" + s[i:]
	}
	return s
}
