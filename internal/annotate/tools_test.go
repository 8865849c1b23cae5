package annotate_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"bayeslice/internal/annotate"
	"bayeslice/internal/geom"
)

func isNothing(err error) bool { return errors.Is(err, annotate.ErrNothing) }

// distance is that of a point to a segment, in mm, the long way: the least over the ends and the foot.
func distance(p, a, b annotate.Point, s geom.Vec3) float64 {
	x, y := (p.I-a.I)*s[0], (p.J-a.J)*s[1]
	u, v := (b.I-a.I)*s[0], (b.J-a.J)*s[1]
	d := min(math.Hypot(x, y), math.Hypot(x-u, y-v))
	length := math.Hypot(u, v)
	if length == 0 {
		return d
	}
	if along := (x*u + y*v) / length; along >= 0 && along <= length {
		d = min(d, math.Abs(x*v-y*u)/length)
	}
	return d
}

func TestABrushPaintsExactlyTheVoxelsWithinItsRadius(t *testing.T) {
	g := grid(t, [3]int{40, 32, 5}, geom.Vec3{0.5, 0.7, 1.5})
	r := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		d := annotate.New(g)
		radius, k, sphere := 0.5+5*r.Float64(), r.IntN(5), r.IntN(2) == 0
		points := make([]annotate.Point, 1+r.IntN(3))
		for n := range points {
			points[n] = annotate.Point{I: r.Float64()*50 - 5, J: r.Float64()*40 - 4}
		}
		s, err := d.Begin(annotate.Brush{Label: annotate.PZ, RadiusMM: radius, Sphere: sphere}, k, points[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range points[1:] {
			s.To(p)
		}
		_, err = s.End()
		want := make([]uint8, g.Voxels())
		for at := range want {
			i, j, kk := at%40, at/40%32, at/(40*32)
			z := float64(kk-k) * 1.5
			if kk != k && !sphere {
				continue
			}
			for n := range points {
				in := distance(annotate.Point{I: float64(i), J: float64(j)}, points[max(n-1, 0)], points[n], g.Spacing)
				if math.Hypot(in, z) <= radius {
					want[at] = 2
				}
			}
		}
		if got := zonesOf(d); !slices.Equal(got, want) {
			t.Fatalf("radius %g, slice %d, sphere %t, %v: %d voxels differ", radius, k, sphere, points, differ(got, want))
		}
		if (err == nil) != slices.Contains(want, 2) {
			t.Fatalf("error %v", err)
		}
	}
}

func TestASmallBrushLeavesNoGaps(t *testing.T) {
	g := grid(t, [3]int{30, 30, 1}, geom.Vec3{1, 1, 1})
	d := annotate.New(g)
	s, err := d.Begin(annotate.Brush{Label: annotate.CsPCa, RadiusMM: 0}, 0, annotate.Point{I: 2.4, J: 3.4})
	if err != nil {
		t.Fatal(err)
	}
	s.To(annotate.Point{I: 26.4, J: 14.4})
	a, err := s.End()
	if err != nil {
		t.Fatal(err)
	}
	if a.String() != "brush csPCa, slice 1" {
		t.Errorf("named %q", a)
	}
	labels := lesionsOf(d)
	for i := 2; i <= 26; i++ { // the line passes every column, and what it paints touches the column before
		j := math.Round(3.4 + (float64(i)-2.4)*11/24)
		if labels[int(j)*30+i] != 1 {
			t.Errorf("no voxel at column %d, row %g", i, j)
		}
	}
}

func TestWholeGlandGrowsWithTheClassOfTheNearestZone(t *testing.T) {
	g := grid(t, [3]int{24, 20, 4}, geom.Vec3{0.5, 0.9, 3})
	r := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		zones := make([]uint8, g.Voxels())
		for range 6 {
			zones[24*20*2+r.IntN(24*20)] = uint8(1 + r.IntN(2))
		}
		before := slices.Clone(zones)
		d := document(t, g, zones, nil)
		all := []annotate.Point{{I: -1, J: -1}, {I: 30, J: -1}, {I: 30, J: 30}, {I: -1, J: 30}}
		for _, k := range []int{2, 0} { // in slice 0 the nearest slice with zones decides
			if err := d.Fill(annotate.OpPolygon, annotate.WG, annotate.Add, k, all); err != nil {
				t.Fatal(err)
			}
			got := zonesOf(d)[k*480 : (k+1)*480]
			source := before[2*480 : 3*480]
			if k == 0 {
				source = zonesOf(d)[2*480 : 3*480]
			}
			for at, v := range got {
				best, want := math.Inf(1), uint8(0)
				for b, z := range source {
					x, y := float64(b%24-at%24)*0.5, float64(b/24-at/24)*0.9
					if dist := x*x + y*y; z != 0 && dist < best {
						best, want = dist, z
					}
				}
				if v != want {
					t.Fatalf("slice %d, voxel %d: %d, want %d", k, at, v, want)
				}
			}
		}
	}
	empty := annotate.New(g)
	if err := empty.Fill(annotate.OpPolygon, annotate.WG, annotate.Add, 1, []annotate.Point{{I: 2, J: 2}, {I: 9, J: 2}, {I: 5, J: 9}}); err != nil {
		t.Fatal(err)
	}
	if s := empty.Snapshot(); s.Has(annotate.TZ, 1) || !s.Has(annotate.PZ, 1) {
		t.Error("a gland that is drawn first is not PZ")
	}
}

func TestErasingFollowsTheStructures(t *testing.T) {
	g := grid(t, [3]int{4, 1, 1}, geom.Vec3{1, 1, 1})
	all := []annotate.Point{{I: -1, J: -1}, {I: 9, J: -1}, {I: 9, J: 9}, {I: -1, J: 9}}
	for label, want := range map[annotate.Label][]uint8{
		annotate.WG: {0, 0, 0, 0}, annotate.TZ: {0, 0, 2, 2}, annotate.PZ: {0, 1, 0, 0}, annotate.CsPCa: {0, 1, 2, 2},
	} {
		d := document(t, g, []uint8{0, 1, 2, 2}, []uint8{1, 0, 1, 0})
		if err := d.Fill(annotate.OpLasso, label, annotate.Erase, 0, all); err != nil {
			t.Fatal(err)
		}
		if got := zonesOf(d); !slices.Equal(got, want) {
			t.Errorf("zones without %v: %v, want %v", label, got, want)
		}
		lesions := []uint8{1, 0, 1, 0}
		if label == annotate.CsPCa {
			lesions = []uint8{0, 0, 0, 0}
		}
		if got := lesionsOf(d); !slices.Equal(got, lesions) {
			t.Errorf("lesions without %v: %v, want %v", label, got, lesions)
		}
	}
}

// winding counts how often an outline goes round a point, by the angles under which it is seen.
func winding(p annotate.Point, corners []annotate.Point) int {
	sum := 0.0
	for n, a := range corners {
		b := corners[(n+1)%len(corners)]
		ax, ay, bx, by := a.I-p.I, a.J-p.J, b.I-p.I, b.J-p.J
		sum += math.Atan2(ax*by-ay*bx, ax*bx+ay*by)
	}
	return int(math.Round(sum / (2 * math.Pi)))
}

func TestALassoFillsWhatItGoesRound(t *testing.T) {
	g := grid(t, [3]int{30, 26, 2}, geom.Vec3{1, 1, 1})
	r := rand.New(rand.NewPCG(5, 6))
	for range 100 {
		corners := make([]annotate.Point, 3+r.IntN(9))
		for n := range corners {
			corners[n] = annotate.Point{I: r.Float64()*40 - 5, J: r.Float64()*36 - 5}
		}
		d := annotate.New(g)
		err := d.Fill(annotate.OpLasso, annotate.TZ, annotate.Add, 1, corners)
		want := make([]uint8, g.Voxels())
		for at := range 30 * 26 {
			if winding(annotate.Point{I: float64(at % 30), J: float64(at / 30)}, corners) != 0 {
				want[30*26+at] = 1
			}
		}
		if got := zonesOf(d); !slices.Equal(got, want) {
			t.Fatalf("%v: %d voxels differ", corners, differ(got, want))
		}
		if (err == nil) != slices.Contains(want, 1) {
			t.Fatalf("error %v", err)
		}
	}
}

func TestPolygonsThatShareAnEdgeShareNoVoxel(t *testing.T) {
	g := grid(t, [3]int{9, 9, 1}, geom.Vec3{1, 1, 1})
	d := annotate.New(g)
	left := []annotate.Point{{I: 1, J: 1}, {I: 4, J: 1}, {I: 4, J: 5}, {I: 1, J: 5}}
	right := []annotate.Point{{I: 4, J: 1}, {I: 7, J: 1}, {I: 7, J: 5}, {I: 4, J: 5}}
	for n, c := range [][]annotate.Point{left, right} {
		if err := d.Fill(annotate.OpPolygon, annotate.Label(2+n), annotate.Add, 0, c); err != nil {
			t.Fatal(err)
		}
	}
	if s := d.Snapshot(); s.Volume(annotate.TZ) != 12e-3 || s.Volume(annotate.PZ) != 12e-3 || s.Volume(annotate.WG) != 24e-3 {
		t.Errorf("volumes %g, %g and %g mL, want 12, 12 and 24 voxels", s.Volume(annotate.TZ), s.Volume(annotate.PZ), s.Volume(annotate.WG))
	}
}

func TestPasteTakesTheOtherSlicesContour(t *testing.T) {
	g := grid(t, [3]int{5, 1, 2}, geom.Vec3{1, 1, 1})
	for label, want := range map[annotate.Label][]uint8{
		annotate.WG: {0, 1, 2, 2, 0}, annotate.TZ: {0, 1, 2, 0, 2}, annotate.PZ: {0, 1, 2, 2, 0},
	} {
		d := document(t, g, []uint8{0, 1, 2, 2, 0 /* next slice */, 0, 1, 2, 1, 2}, nil)
		if err := d.Paste(label, 0, 1); err != nil {
			t.Fatal(err)
		}
		if got := zonesOf(d)[5:]; !slices.Equal(got, want) {
			t.Errorf("%v: %v, want %v", label, got, want)
		}
	}
	d := annotate.New(g)
	for _, from := range []int{-1, 0, 2} {
		if err := d.Paste(annotate.WG, from, 1); !isNothing(err) {
			t.Errorf("pasting slice %d: %v", from, err)
		}
	}
}

func TestBadPointsAndSlicesAreRefused(t *testing.T) {
	d := annotate.New(grid(t, [3]int{8, 8, 2}, geom.Vec3{1, 1, 1}))
	nan, inf := math.NaN(), math.Inf(1)
	b := annotate.Brush{Label: annotate.TZ, RadiusMM: 2}
	for _, at := range []annotate.Point{{I: nan, J: 0}, {I: 0, J: inf}} {
		if _, err := d.Begin(b, 0, at); !errors.Is(err, annotate.ErrGrid) {
			t.Errorf("begin at %v: %v", at, err)
		}
		if err := d.Fill(annotate.OpLasso, annotate.TZ, annotate.Add, 0, []annotate.Point{at, {}, {I: 1}}); !errors.Is(err, annotate.ErrGrid) {
			t.Errorf("fill at %v: %v", at, err)
		}
	}
	for _, k := range []int{-1, 2} {
		if _, err := d.Begin(b, k, annotate.Point{}); !errors.Is(err, annotate.ErrGrid) {
			t.Errorf("slice %d: %v", k, err)
		}
	}
	if _, err := d.Begin(annotate.Brush{RadiusMM: 2}, 0, annotate.Point{}); !errors.Is(err, annotate.ErrLabels) {
		t.Errorf("no label: %v", err)
	}
	s, err := d.Begin(annotate.Brush{Label: annotate.TZ, RadiusMM: nan}, 0, annotate.Point{I: 1e300, J: -1e300})
	if err != nil {
		t.Fatal(err)
	}
	s.To(annotate.Point{I: -1e300, J: nan})
	s.To(annotate.Point{I: -1e300, J: 1e300})
	if err := d.Fill(annotate.OpLasso, annotate.TZ, annotate.Add, 0, []annotate.Point{{}, {I: 1e308, J: 3}, {I: -1e308, J: 1e308}}); !errors.Is(err, annotate.ErrBusy) {
		t.Errorf("filling during a stroke: %v", err)
	}
	if _, ok := d.Undo(); ok {
		t.Error("undo during a stroke")
	}
	s.Cancel()
	if err := d.Fill(annotate.OpLasso, annotate.TZ, annotate.Add, 0, []annotate.Point{{}, {I: 1e308, J: 3}, {I: -1e308, J: 1e308}}); err != nil && !isNothing(err) {
		t.Error(err)
	}
}
