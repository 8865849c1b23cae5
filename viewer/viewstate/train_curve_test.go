package viewstate

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

func labels(a Axis) string {
	var out []string
	for _, t := range a.Ticks {
		out = append(out, t.Label)
	}
	return strings.Join(out, " ")
}

func TestAxesHaveRoundTicks(t *testing.T) {
	for _, c := range []struct {
		axis      Axis
		low, high float64
		want      string
	}{
		{linear(0, 1), 0, 1, "0.0 0.2 0.4 0.6 0.8 1.0"},
		{linear(0, 0.83), 0, 1, "0.0 0.2 0.4 0.6 0.8 1.0"},
		{linear(0, 0.37), 0, 0.4, "0.0 0.1 0.2 0.3 0.4"},
		{linear(-1, 3), -1, 3, "−1 0 1 2 3"},
		{linear(0, 1234), 0, 1500, "0 500 1000 1500"},
		{linear(0, 0), 0, 1, "0.0 0.2 0.4 0.6 0.8 1.0"},
		{stepAxis(1), 0, 4, "0 1 2 3 4"},
		{stepAxis(2000), 0, 2000, "0 500 1\u2009000 1\u2009500 2\u2009000"},
		{stepAxis(1234567), 0, 1234567, "0 500\u2009000 1\u2009000\u2009000"},
	} {
		if math.Abs(c.axis.Low-c.low) > 1e-9 || math.Abs(c.axis.High-c.high) > 1e-9 || labels(c.axis) != c.want {
			t.Errorf("%g … %g: %q, want %g … %g: %q", c.axis.Low, c.axis.High, labels(c.axis), c.low, c.high, c.want)
		}
	}
	if got := labels(logarithmic(0.003, 40)); got != "0.01 0.1 1 10" {
		t.Errorf("logarithmic %q", got)
	}
	if got := labels(logarithmic(0.5, 30)); got != "0.5 1 2 5 10 20" {
		t.Errorf("short logarithmic %q", got)
	}
	if got := labels(logarithmic(1e-9, 1e6)); !strings.Contains(got, "10⁻⁷") || !strings.Contains(got, "10⁵") || strings.Count(got, " ") > 7 {
		t.Errorf("long logarithmic %q", got)
	}
}

func TestEveryValueLiesOnItsAxis(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		low := math.Pow(10, r.Float64()*8-4)
		high := low * math.Pow(10, r.Float64()*4)
		curves := []Curve{{Line: []Point{{0, low}, {1, high}, {2, low}}}}
		a := fitted(curves)
		if !(a.Fraction(low) >= -1e-9 && a.Fraction(high) <= 1+1e-9 && a.Fraction(high) >= a.Fraction(low)) || len(a.Ticks) < 1 || len(a.Ticks) > 9 {
			t.Fatalf("%g … %g on %+v", low, high, a)
		}
		for _, tick := range a.Ticks {
			if f := a.Fraction(tick.At); f < -1e-9 || f > 1+1e-9 || tick.Label == "" {
				t.Fatalf("tick %+v beyond %+v", tick, a)
			}
		}
	}
	for _, n := range []int{0, 1, 3, 4, 5, 7, 99, 12345, 9_999_999} {
		a := stepAxis(n)
		if len(a.Ticks) < 2 || len(a.Ticks) > 7 || a.Fraction(float64(n)) > 1 {
			t.Errorf("%d steps: %+v", n, a)
		}
	}
}

func TestSmoothingKeepsSlopesAndMeans(t *testing.T) {
	var line, noise []Point
	r := rand.New(rand.NewPCG(3, 4))
	for i := range 1000 {
		line = append(line, Point{float64(i), 3 - 0.002*float64(i)})
		noise = append(noise, Point{float64(i), 1 + r.NormFloat64()})
	}
	for i, p := range averaged(line, 25) {
		if math.Abs(p.Y-line[i].Y) > 1e-9 {
			t.Fatalf("a straight line bends at %d: %g, %g", i, p.Y, line[i].Y)
		}
	}
	for _, p := range averaged(noise, 25)[25:975] {
		if math.Abs(p.Y-1) > 6/math.Sqrt(51) { // six standard errors
			t.Fatalf("the average at %g is %g", p.X, p.Y)
		}
	}
}

func TestThinningKeepsPeaks(t *testing.T) {
	var points []Point
	for i := range 50000 {
		points = append(points, Point{float64(i), 1})
	}
	points[31234].Y, points[7].Y = 9, -3
	out := withExtremes(points, 1000)
	high, low := false, false
	for i, p := range out {
		high, low = high || p == points[31234], low || p == points[7]
		if i > 0 && p.X <= out[i-1].X {
			t.Fatalf("point %d goes back from %g to %g", i, out[i-1].X, p.X)
		}
	}
	if len(out) > 1000 || !high || !low {
		t.Errorf("%d points, peak kept %v, dip kept %v", len(out), high, low)
	}
}

func TestNumbersAreWrittenShort(t *testing.T) {
	for got, want := range map[string]string{
		number(0.5, 1): "0.5", number(-2, 0): "−2", number(1e-7, 7): "10⁻⁷", number(2e6, 0): "2·10⁶", number(0, 7): "0.0000000",
		short3(0.000012345): "1.23·10⁻⁵", short3(1e-7): "10⁻⁷", short3(0.8): "0.8", short3(-1234567): "−1.23·10⁶",
		BytesText(999): "1 kB", BytesText(340_400_000): "340 MB", BytesText(1_440_000_000): "1.4 GB", BytesText(31e9): "31 GB",
		SecondsText(0.035): "35 ms", SecondsText(1.24): "1.2 s", SecondsText(14.2): "14 s",
		DurationText(59.6): "1 min 0 s", DurationText(7500): "2 h 5 min", DurationText(2533): "42 min", DurationText(200): "3 min 20 s", DurationText(200000): "2 days 7 h",
		Count(1): "1", Count(1234567): "1\u2009234\u2009567", Count(-1234): "-1\u2009234",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
