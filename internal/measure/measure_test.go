package measure

import (
	"encoding/json"
	"errors"
	"math"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// tilted is a grid of 0.5 × 0.5 × 3 mm, tilted by 18.5° about the left-right axis.
func tilted(t *testing.T, size [3]int) geom.Grid {
	t.Helper()
	sin, cos := math.Sincos(18.5 * math.Pi / 180)
	g, err := geom.NewGrid(size, geom.Vec3{-40, 7, 12}, geom.Vec3{0.5, 0.5, 3},
		[3]geom.Vec3{{1, 0, 0}, {0, cos, -sin}, {0, sin, cos}})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if math.Abs(got-want) > tolerance || math.IsNaN(got) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

// must fails the test where an error came.
func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestDistanceGoesThroughSpace(t *testing.T) {
	g := tilted(t, [3]int{100, 100, 20})
	// 12 voxels of 0.5 mm, 16 of 0.5 mm, 8 slices of 3 mm: 6, 8 and 24 mm, so 26 mm, however the stack is tilted.
	d := must[Distance](t)(NewDistance(g.World(geom.Vec3{10, 20, 3}), g.World(geom.Vec3{22, 36, 11})))
	near(t, "distance", d.MM(), 26, 1e-9)
	if _, err := NewDistance(geom.Vec3{math.NaN()}, geom.Vec3{}); !errors.Is(err, ErrMeasure) {
		t.Errorf("a line to nowhere: %v", err)
	}
}

func TestEllipsoid(t *testing.T) {
	// A sphere of 20 mm: 4/3·π·1000 mm³ = 4.18879 mL; and the usual 0.52 rule.
	e := must[Ellipsoid](t)(NewEllipsoid(20, 20, 20))
	near(t, "sphere", e.ML, 4.0/3*math.Pi, 1e-12)
	e = must[Ellipsoid](t)(NewEllipsoid(50, 30, 40))
	near(t, "gland", e.ML, 31.415926535, 1e-8)
	near(t, "against 0.52", e.ML, 0.52*50*30*40/1000, 0.3)
	for _, bad := range []float64{0, -3, math.NaN(), math.Inf(1), 401} {
		if _, err := NewEllipsoid(20, bad, 20); !errors.Is(err, ErrMeasure) {
			t.Errorf("a diameter of %v: %v", bad, err)
		}
	}
}

// ramp is 100·i + j + 0.001·k on a grid.
func ramp(t *testing.T, g geom.Grid) *volume.Volume {
	t.Helper()
	data := make([]float32, g.Voxels())
	for k := range g.Size[2] {
		for j := range g.Size[1] {
			for i := range g.Size[0] {
				data[g.Index(i, j, k)] = float32(100*i + j)
			}
		}
	}
	return must[*volume.Volume](t)(volume.New(g, data, "u"))
}

func TestPolygonStatisticsByHand(t *testing.T) {
	g := tilted(t, [3]int{20, 20, 5})
	v := ramp(t, g)
	// A rectangle round the voxels i = 3…5, j = 7…8 of slice 2: values 307, 407, 507, 308, 408, 508.
	var corners []geom.Vec3
	for _, c := range [4][2]float64{{2.6, 6.6}, {5.4, 6.6}, {5.4, 8.4}, {2.6, 8.4}} {
		corners = append(corners, g.World(geom.Vec3{c[0], c[1], 2.2}))
	}
	s := must[Stats](t)(ROI(v, must[Shape](t)(Polygon(corners))))
	if s.N != 6 || s.Slice != 2 || s.Unit != "u" {
		t.Errorf("%d voxels of slice %d in %q, want 6 of 2 in u", s.N, s.Slice, s.Unit)
	}
	near(t, "mean", s.Mean, 407.5, 1e-9)
	near(t, "median", s.Median, 407.5, 1e-9)
	near(t, "min", s.Min, 307, 0)
	near(t, "max", s.Max, 508, 0)
	near(t, "SD", s.SD, math.Sqrt((4*100*100+6*0.25)/5), 1e-9) // deviations ±100 four times, ±½ six times
	near(t, "area", s.AreaMM2, 2.8*0.5*1.8*0.5, 1e-9)
}

func TestEllipseAgainstBruteForce(t *testing.T) {
	g := tilted(t, [3]int{60, 60, 5})
	v := ramp(t, g)
	c := geom.Vec3{30.3, 28.7, 3}
	u, w := g.Dir[0].Scale(7.3), g.Dir[1].Scale(4.1)
	s := must[Stats](t)(ROI(v, must[Shape](t)(Ellipse(g.World(c), u, w))))
	n, sum := 0, 0.0
	for j := range 60 {
		for i := range 60 {
			x, y := (float64(i)-c[0])*0.5/7.3, (float64(j)-c[1])*0.5/4.1
			if x*x+y*y <= 1 {
				n++
				sum += float64(v.At(i, j, 3))
			}
		}
	}
	if s.N != n || n < 300 {
		t.Errorf("%d voxels, by brute force %d", s.N, n)
	}
	near(t, "mean", s.Mean, sum/float64(n), 1e-6)
	near(t, "area", s.AreaMM2, math.Pi*7.3*4.1, 1e-9)
}

func TestEllipseTurnedInThePlane(t *testing.T) {
	g := tilted(t, [3]int{80, 80, 3})
	v := ramp(t, g)
	c := g.World(geom.Vec3{40, 40, 1})
	sin, cos := math.Sincos(math.Pi / 6)
	u := g.Dir[0].Scale(10 * cos).Add(g.Dir[1].Scale(10 * sin))
	w := g.Dir[1].Scale(2 * cos).Sub(g.Dir[0].Scale(2 * sin))
	s := must[Stats](t)(ROI(v, must[Shape](t)(Ellipse(c, u, w))))
	near(t, "voxel area over area", float64(s.N)*0.25/s.AreaMM2, 1, 0.03)
	near(t, "mean of a symmetric figure", s.Mean, 4040, 1e-6)
}

func TestROIRefusesWhatItCannotMeasure(t *testing.T) {
	g := tilted(t, [3]int{20, 20, 5})
	v := ramp(t, g)
	small := must[Shape](t)(Ellipse(g.World(geom.Vec3{5.5, 5.5, 2}), g.Dir[0].Scale(0.1), g.Dir[1].Scale(0.1)))
	above := must[Shape](t)(Ellipse(g.World(geom.Vec3{5, 5, 9}), g.Dir[0], g.Dir[1]))
	beside := must[Shape](t)(Ellipse(g.World(geom.Vec3{-50, 5, 2}), g.Dir[0], g.Dir[1]))
	for name, s := range map[string]Shape{"between voxels": small, "above the stack": above, "beside the image": beside} {
		if _, err := ROI(v, s); !errors.Is(err, ErrMeasure) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Polygon([]geom.Vec3{{}, {1, 0, 0}}); !errors.Is(err, ErrMeasure) {
		t.Error("a polygon of two corners")
	}
	if _, err := Ellipse(geom.Vec3{}, geom.Vec3{1, 0, 0}, geom.Vec3{1, 1, 0}); !errors.Is(err, ErrMeasure) {
		t.Error("skew axes")
	}
}

func TestFiguresSurviveJSON(t *testing.T) {
	g := tilted(t, [3]int{60, 60, 5})
	v := ramp(t, g)
	for _, want := range []Shape{
		must[Shape](t)(Ellipse(g.World(geom.Vec3{30.3, 28.7, 3}), g.Dir[0].Scale(7.3), g.Dir[1].Scale(4.1))),
		must[Shape](t)(Polygon([]geom.Vec3{g.World(geom.Vec3{10, 10, 2}), g.World(geom.Vec3{30, 11, 2}), g.World(geom.Vec3{20, 40, 2})})),
	} {
		data := must[[]byte](t)(json.Marshal(want))
		var got Shape
		if err := json.Unmarshal(data, &got); err != nil {
			t.Fatal(err)
		}
		if must[Stats](t)(ROI(v, got)) != must[Stats](t)(ROI(v, want)) {
			t.Errorf("%s measures something else", data)
		}
	}
	for _, bad := range []string{`{}`, `{"points":[[1,2,3]]}`, `{"centre":[0,0,0],"axes":[[0,0,0],[1,0,0]]}`} {
		if err := json.Unmarshal([]byte(bad), new(Shape)); !errors.Is(err, ErrMeasure) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestMissingVoxelsAreCountedApart(t *testing.T) {
	g := tilted(t, [3]int{10, 10, 1})
	data := make([]float32, 100)
	for i := range data {
		data[i] = 5
	}
	data[g.Index(4, 4, 0)] = float32(math.NaN())
	v := must[*volume.Volume](t)(volume.New(g, data, ""))
	s := must[Stats](t)(ROI(v, must[Shape](t)(Ellipse(g.World(geom.Vec3{4, 4, 0}), g.Dir[0].Scale(0.8), g.Dir[1].Scale(0.8)))))
	if s.N != 8 || s.Missing != 1 || s.Mean != 5 || s.SD != 0 {
		t.Errorf("%+v, want 8 voxels of 5 and one missing", s)
	}
}

func TestDarkestNine(t *testing.T) {
	g, err := geom.NewGrid([3]int{30, 30, 3}, geom.Vec3{}, geom.Vec3{2, 2, 3}, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	data := make([]float32, g.Voxels())
	for i := range data {
		data[i] = 1500
	}
	set := func(i, j, k int, v float32) { data[g.Index(i, j, k)] = v }
	for dj := -1; dj <= 1; dj++ {
		for di := -1; di <= 1; di++ {
			set(12+di, 10+dj, 1, 700+float32(10*di+dj)) // the lesion, 4 mm from the mark
			set(20+di, 10+dj, 1, 300)                   // darker, but 20 mm away
		}
	}
	set(8, 13, 1, -9000) // darkest and near, but nothing was fitted there
	v := must[*volume.Volume](t)(volume.New(g, data, "10⁻⁶ mm²/s"))
	s := must[Stats](t)(Darkest(v, geom.Vec3{20, 20, 3.4}, DarkestRadiusMM))
	near(t, "mean", s.Mean, 700, 1e-4)
	near(t, "SD", s.SD, math.Sqrt((6*100+6*1)/8.0), 1e-4) // deviations of −10, 0, 10 and −1, 0, 1
	near(t, "area", s.AreaMM2, 36, 1e-12)
	if s.N != 9 || s.Slice != 1 || s.Centre.Sub(geom.Vec3{24, 20, 3}).Norm() > 1e-9 {
		t.Errorf("%+v: not the lesion's middle", s)
	}
	near(t, "outlined area", Block(g, s).AreaMM2(), 36, 1e-9)
	here := must[Stats](t)(Darkest(v, geom.Vec3{40, 40, 3}, 0))
	near(t, "at the mark itself", here.Mean, 1500, 0)
	if _, err := Darkest(v, geom.Vec3{16, 26, 3}, 0); !errors.Is(err, ErrMeasure) {
		t.Errorf("only a block with a value below zero: %v", err)
	}
	if _, err := Darkest(v, geom.Vec3{-20, 20, 3}, 5); !errors.Is(err, ErrMeasure) {
		t.Errorf("outside: %v", err)
	}
}

func TestPSAAsItIsTyped(t *testing.T) {
	for text, want := range map[string]float64{"6.4": 6.4, "6,4": 6.4, " 12 ": 12, "0,8 ng/mL": 0.8, "7.25 µg/L": 7.25, ".5": 0.5, "4 NG/ML": 4} {
		if got, err := ParsePSA(text); err != nil || got != want {
			t.Errorf("ParsePSA(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "abc", "<0.1", "1.234,5", "-3", "0", "6.4 ng/L", "6.4 µg/mL", "1e3", "NaN", "Inf", "1000000", "6 4"} {
		if got, err := ParsePSA(text); !errors.Is(err, ErrMeasure) {
			t.Errorf("ParsePSA(%q) = %v, %v, want ErrMeasure", text, got, err)
		}
	}
}

func TestPSADensity(t *testing.T) {
	d := must[Density](t)(PSADensity(6, 40, 30, 60))
	near(t, "density", d.Value, 0.15, 1e-12)
	near(t, "low", d.Low, 0.1, 1e-12)
	near(t, "high", d.High, 0.2, 1e-12)
	for _, bad := range [][4]float64{{0, 40, 30, 60}, {6, 0, 0, 0}, {6, 40, 60, 30}, {6, math.NaN(), 30, 60}} {
		if _, err := PSADensity(bad[0], bad[1], bad[2], bad[3]); !errors.Is(err, ErrMeasure) {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

func TestLargestDiameterReachesFromCornerToCorner(t *testing.T) {
	g := tilted(t, [3]int{40, 40, 4})
	// An L in slice 1: 12 voxels along i, 5 along j: corners 6 and 2.5 mm apart. In slice 2 a shorter row; the
	// two slices are 3 mm apart, which must not count.
	var voxels []int32
	for i := range 12 {
		voxels = append(voxels, int32(g.Index(5+i, 20, 1)))
	}
	for j := range 5 {
		voxels = append(voxels, int32(g.Index(5, 20+j, 1)))
	}
	for i := range 10 {
		voxels = append(voxels, int32(g.Index(25+i, 20, 2)))
	}
	d := must[Distance](t)(LargestDiameter(g, voxels))
	near(t, "diameter", d.MM(), math.Hypot(6, 2.5), 1e-9)
	one := must[Distance](t)(LargestDiameter(g, voxels[:1]))
	near(t, "of one voxel", one.MM(), math.Hypot(0.5, 0.5), 1e-9)
	for _, bad := range [][]int32{nil, {-1}, {int32(g.Voxels())}} {
		if _, err := LargestDiameter(g, bad); !errors.Is(err, ErrMeasure) {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

func TestFiguresAreReshapedInTheirPlane(t *testing.T) {
	tilted := geom.Vec3{0, 1, 1}.Unit()
	e, err := Ellipse(geom.Vec3{1, 2, 3}, geom.Vec3{4, 0, 0}, tilted.Scale(2))
	if err != nil {
		t.Fatal(err)
	}
	// The lower end of the tilted axis, brought to a point beside it: the upper end at centre + 2·tilted stays.
	got, err := e.WithHandle(3, e.Centre().Sub(tilted.Scale(6)).Add(geom.Vec3{9, 1, -1}))
	if err != nil || got.Centre().Sub(e.Centre().Sub(tilted.Scale(2))).Norm() > 1e-12 || math.Abs(got.AreaMM2()-16*math.Pi) > 1e-9 {
		t.Errorf("%+v, %v", got, err)
	}
	p, err := Polygon([]geom.Vec3{{0, 0, 5}, {4, 0, 5}, {0, 4, 5}})
	if err != nil {
		t.Fatal(err)
	}
	if got, err = p.WithHandle(1, geom.Vec3{8, 0, 99}); err != nil || got.Handles()[1] != (geom.Vec3{8, 0, 5}) || math.Abs(got.AreaMM2()-16) > 1e-12 {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err = p.Moved(geom.Vec3{1, 1, 1}); err != nil || got.Handles()[2] != (geom.Vec3{1, 5, 6}) || p.Handles()[2] != (geom.Vec3{0, 4, 5}) {
		t.Errorf("%+v, %v", got, err)
	}
	for n, err := range []error{last(e.WithHandle(4, geom.Vec3{})), last(e.WithHandle(0, geom.Vec3{-4, 2, 3})), last(p.Moved(geom.Vec3{math.NaN(), 0, 0}))} {
		if !errors.Is(err, ErrMeasure) {
			t.Errorf("case %d: %v", n, err)
		}
	}
}

func last(_ Shape, err error) error { return err }
