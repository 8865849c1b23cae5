package annotate_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"bayeslice/internal/annotate"
	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// after returns a layer as a proposal would leave it.
func after(t *testing.T, p *annotate.Proposal, err error, l annotate.Layer) []uint8 {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return p.After().Mask(l).Data()
}

func TestInterpolationEqualsSciPy(t *testing.T) {
	g := readGolden(t)
	d := document(t, g.grid, g.arrays["keys"], g.arrays["lesionKeys"])
	p, err := annotate.Interpolate(t.Context(), d.Snapshot(), annotate.WG, nil)
	if n := differ(after(t, p, err, annotate.Zones), g.arrays["filled"]); n != 0 {
		t.Errorf("zones: %d voxels differ", n)
	}
	if got := p.Action().String(); got != "fill between slices WG, slices 3–7" {
		t.Errorf("named %q", got)
	}
	q, err := annotate.Interpolate(t.Context(), d.Snapshot(), annotate.CsPCa, nil)
	if n := differ(after(t, q, err, annotate.Lesions), g.arrays["lesionFilled"]); n != 0 {
		t.Errorf("lesions: %d voxels differ", n)
	}
	if !slices.Equal(zonesOf(d), g.arrays["keys"]) {
		t.Error("a proposal changed the document")
	}
	// What was there between the keys does not matter where they are named.
	full := document(t, g.grid, g.arrays["zones"], nil)
	p, err = annotate.Interpolate(t.Context(), full.Snapshot(), annotate.WG, []int{1, 4, 7})
	size := g.grid.Size[0] * g.grid.Size[1]
	if n := differ(after(t, p, err, annotate.Zones)[size:8*size], g.arrays["filled"][size:8*size]); n != 0 {
		t.Errorf("between named slices: %d voxels differ", n)
	}
	if err := full.Apply(p); err != nil {
		t.Fatal(err)
	}
	if n := differ(zonesOf(full)[size:8*size], g.arrays["filled"][size:8*size]); n != 0 {
		t.Errorf("applied: %d voxels differ", n)
	}
}

func TestInterpolatingOneZoneRespectsTheOther(t *testing.T) {
	g := readGolden(t)
	zones := slices.Clone(g.arrays["zones"])
	n := g.grid.Size[0] * g.grid.Size[1]
	for k := range g.grid.Size[2] { // the gland everywhere, TZ drawn in slices 3 and 6
		for at := k * n; at < (k+1)*n; at++ {
			if k != 3 && k != 6 && zones[at] == 1 {
				zones[at] = 2
			}
		}
	}
	d := document(t, g.grid, zones, nil)
	before := d.Snapshot()
	p, err := annotate.Interpolate(t.Context(), before, annotate.TZ, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s := p.After(); !s.Has(annotate.TZ, 4) || !s.Has(annotate.TZ, 5) || s.Has(annotate.TZ, 2) || math.Abs(s.Volume(annotate.WG)-before.Volume(annotate.WG)) > 0.05*before.Volume(annotate.WG) {
		t.Errorf("TZ between slices 3 and 6: gland %g mL, was %g", s.Volume(annotate.WG), before.Volume(annotate.WG))
	}
	if _, err := annotate.Interpolate(t.Context(), before, annotate.PZ, nil); !isNothing(err) {
		t.Errorf("PZ has no empty slice between drawn ones: %v", err)
	}
}

func TestInterpolationSaysWhatIsMissing(t *testing.T) {
	g := grid(t, [3]int{40, 20, 5}, geom.Vec3{1, 1, 3})
	d := annotate.New(g)
	if _, err := annotate.Interpolate(t.Context(), d.Snapshot(), annotate.TZ, nil); !isNothing(err) {
		t.Errorf("nothing drawn: %v", err)
	}
	for k, i := range map[int]float64{0: 6, 4: 33} {
		if err := d.Fill(annotate.OpPolygon, annotate.CsPCa, annotate.Add, k, []annotate.Point{{I: i - 3, J: 5}, {I: i + 3, J: 5}, {I: i, J: 10}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := annotate.Interpolate(t.Context(), d.Snapshot(), annotate.CsPCa, nil); !isNothing(err) {
		t.Errorf("shapes that do not overlap: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := annotate.Interpolate(ctx, d.Snapshot(), annotate.CsPCa, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestSmoothingEqualsSciPy(t *testing.T) {
	g := readGolden(t)
	d := document(t, g.grid, g.arrays["zones"], nil)
	for name, o := range map[string]annotate.Smoothing{
		"smooth3D": {SigmaMM: 1.5, From: 1}, "smoothPlane": {SigmaMM: 1, InPlane: true, From: 1},
	} {
		p, err := annotate.Smooth(t.Context(), d.Snapshot(), annotate.TZ, o)
		if n := differ(after(t, p, err, annotate.Zones), g.arrays[name]); n != 0 {
			t.Errorf("%s: %d voxels differ", name, n)
		}
	}
	p, err := annotate.Smooth(t.Context(), d.Snapshot(), annotate.PZ, annotate.Smoothing{SigmaMM: 1.5, From: 4, To: 4})
	got := after(t, p, err, annotate.Zones)
	n := g.grid.Size[0] * g.grid.Size[1]
	if !slices.Equal(got[4*n:5*n], g.arrays["smooth3D"][4*n:5*n]) || differ(got, g.arrays["zones"]) != differ(got[4*n:5*n], g.arrays["zones"][4*n:5*n]) {
		t.Error("smoothing one slice")
	}
}

// gland is an ellipsoid of 50 × 40 × 42 mm with a TZ in it, voxels half a millimetre wide.
func gland(t *testing.T, rough bool) *annotate.Document {
	t.Helper()
	g := grid(t, [3]int{120, 100, 18}, geom.Vec3{0.5, 0.5, 3})
	zones := make([]uint8, g.Voxels())
	for at := range zones {
		x, y, z := float64(at%120)*0.5-30, float64(at/120%100)*0.5-25, float64(at/12000)*3-25.5
		wobble := 0.0
		if rough {
			wobble = 0.06 * math.Sin(float64(at%120)*2.1) * math.Cos(float64(at/120%100)*1.7)
		}
		if x*x/625+y*y/400+z*z/441 < 1+wobble {
			zones[at] = 2
			if x*x/300+(y+4)*(y+4)/160+z*z/250 < 1+wobble {
				zones[at] = 1
			}
		}
	}
	return document(t, g, zones, nil)
}

// parts counts the connected parts of a structure, and its holes within slices.
func parts(s *annotate.Snapshot, l annotate.Label) (n, holes int) {
	m := s.Mask(annotate.Zones)
	in := func(at int) bool {
		v := m.Data()[at]
		return v != 0 && (l == annotate.WG || l == annotate.TZ && v == 1 || l == annotate.PZ && v == 2)
	}
	n = len(volume.Components(m.Grid(), in, volume.Faces).Components)
	outside := volume.Components(m.Grid(), func(at int) bool { return m.Data()[at] == 0 }, volume.Faces)
	return n, len(outside.Components) - 1
}

func TestSmoothingKeepsTopologyAndVolume(t *testing.T) {
	const sigma = 2
	d := gland(t, true)
	before := d.Snapshot()
	p, err := annotate.Smooth(t.Context(), before, annotate.WG, annotate.Smoothing{SigmaMM: sigma, From: 1})
	if err != nil {
		t.Fatal(err)
	}
	smooth := p.After()
	for _, l := range []annotate.Label{annotate.WG, annotate.TZ, annotate.PZ} {
		was, is := before.Volume(l), smooth.Volume(l)
		radius := 10 * math.Cbrt(was*3/4/math.Pi) // mm, of a ball of this volume, which loses σ²/R of it
		if bound := 1.1 * 3 * sigma * sigma / (radius * radius); l != annotate.PZ && math.Abs(is-was) > bound*was {
			t.Errorf("%v: %.2f mL from %.2f, more than %.1f %%", l, is, was, 100*bound)
		}
		if n, holes := parts(smooth, l); n != 1 || holes != 0 {
			t.Errorf("%v: %d parts, %d holes", l, n, holes)
		}
	}
	// The gland is what it would be had it been smoothed as one structure: no gap opens between the zones.
	one := make([]uint8, d.Grid().Voxels())
	for at, v := range zonesOf(d) {
		one[at] = min(v, 1)
	}
	alone, err := annotate.Smooth(t.Context(), document(t, d.Grid(), nil, one).Snapshot(), annotate.CsPCa, annotate.Smoothing{SigmaMM: sigma, From: 1})
	union := after(t, alone, err, annotate.Lesions)
	for at, v := range smooth.Mask(annotate.Zones).Data() {
		if (v != 0) != (union[at] != 0) {
			t.Fatalf("voxel %d", at)
		}
	}
}

func TestIslandsAndHolesEqualSciPy(t *testing.T) {
	g := readGolden(t)
	d := document(t, g.grid, g.arrays["ragged"], nil)
	p, err := annotate.RemoveIslands(t.Context(), d.Snapshot(), annotate.WG, 0)
	if n := differ(after(t, p, err, annotate.Zones), g.arrays["largest"]); n != 0 {
		t.Errorf("islands: %d voxels differ", n)
	}
	q, err := annotate.FillHoles(t.Context(), d.Snapshot(), annotate.WG)
	for at, v := range after(t, q, err, annotate.Zones) {
		was := g.arrays["ragged"][at]
		if hole := g.arrays["holes"][at] == 1; hole && v == 0 || !hole && v != was {
			t.Fatalf("voxel %d: %d from %d, hole %t", at, v, was, hole)
		}
	}
}

func TestAnIslandOfAZoneFallsToTheOther(t *testing.T) {
	g := grid(t, [3]int{9, 5, 1}, geom.Vec3{1, 1, 1})
	d := document(t, g, []uint8{
		1, 1, 1, 0, 0, 0, 0, 0, 0,
		1, 1, 1, 2, 2, 2, 0, 1, 0, // the right one lies alone
		1, 1, 1, 2, 1, 2, 0, 0, 0, // the one in the middle in PZ
		1, 1, 1, 2, 2, 2, 0, 0, 0,
		1, 1, 1, 0, 0, 0, 0, 0, 0,
	}, nil)
	p, err := annotate.RemoveIslands(t.Context(), d.Snapshot(), annotate.TZ, 0)
	got := after(t, p, err, annotate.Zones)
	if got[2*9+4] != 2 || got[9+7] != 0 || got[0] != 1 {
		t.Errorf("%v", got)
	}
	if _, err := annotate.RemoveIslands(t.Context(), p.After(), annotate.TZ, 0); !isNothing(err) {
		t.Errorf("no islands left: %v", err)
	}
	if _, err := annotate.RemoveIslands(t.Context(), d.Snapshot(), annotate.TZ, 0.0005); !isNothing(err) {
		t.Errorf("no island is as small as half a voxel: %v", err)
	}
}
