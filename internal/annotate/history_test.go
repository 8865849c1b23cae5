package annotate_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"bayeslice/internal/annotate"
	"bayeslice/internal/geom"
)

// state is a copy of both layers.
type state struct{ zones, lesions []uint8 }

func stateOf(d *annotate.Document) state {
	return state{slices.Clone(zonesOf(d)), slices.Clone(lesionsOf(d))}
}

func (s state) is(d *annotate.Document) bool {
	return slices.Equal(s.zones, zonesOf(d)) && slices.Equal(s.lesions, lesionsOf(d))
}

// TestWhateverIsDoneTheGlandIsItsZones and undo restores every state bit for bit.
func TestWhateverIsDoneTheGlandIsItsZones(t *testing.T) {
	g := grid(t, [3]int{28, 24, 6}, geom.Vec3{0.6, 0.8, 2.5})
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 7))
		d := annotate.New(g)
		states := []state{stateOf(d)} // after each step that can be taken back
		for range 150 {
			random(t, d, r)
			_, steps := d.HistoryBytes()
			if steps == len(states) {
				states = append(states, stateOf(d))
			} else if !states[len(states)-1].is(d) {
				t.Fatal("something changed without a step of history")
			}
			checkZones(t, d)
		}
		if len(states) < 40 {
			t.Fatalf("only %d steps", len(states))
		}
		for n := len(states) - 1; n > 0; n-- {
			if !states[n].is(d) {
				t.Fatalf("seed %d: state %d differs", seed, n)
			}
			if _, ok := d.Undo(); !ok {
				t.Fatalf("nothing to undo at state %d", n)
			}
		}
		if _, ok := d.Undo(); ok || !states[0].is(d) {
			t.Fatal("undo went beyond the beginning")
		}
		for n := 1; n < len(states); n++ {
			if _, ok := d.Redo(); !ok || !states[n].is(d) {
				t.Fatalf("seed %d: redo to state %d", seed, n)
			}
		}
	}
}

// checkZones fails unless the gland is the union of its zones, which do not overlap, in every view.
func checkZones(t *testing.T, d *annotate.Document) {
	t.Helper()
	s := d.Snapshot()
	for _, v := range s.Mask(annotate.Zones).Data() {
		if v > 2 {
			t.Fatalf("zone value %d", v)
		}
	}
	wg, tz, pz := s.Volume(annotate.WG), s.Volume(annotate.TZ), s.Volume(annotate.PZ)
	if diff := wg - tz - pz; diff > 1e-9 || diff < -1e-9 {
		t.Fatalf("WG %g mL, TZ + PZ %g", wg, tz+pz)
	}
	for k := range d.Grid().Size[2] {
		if s.Has(annotate.WG, k) != (s.Has(annotate.TZ, k) || s.Has(annotate.PZ, k)) {
			t.Fatalf("slice %d", k)
		}
	}
}

func TestSnapshotsStayAsTheyWere(t *testing.T) {
	g := grid(t, [3]int{28, 24, 6}, geom.Vec3{0.6, 0.8, 2.5})
	r := rand.New(rand.NewPCG(11, 7))
	d := annotate.New(g)
	var shots []*annotate.Snapshot
	var copies [][]uint8
	for range 80 {
		random(t, d, r)
		if r.IntN(5) == 0 {
			d.Undo()
		}
		s := d.Snapshot()
		shots, copies = append(shots, s), append(copies, slices.Clone(s.Mask(annotate.Zones).Data()))
	}
	for n, s := range shots {
		if !slices.Equal(s.Mask(annotate.Zones).Data(), copies[n]) {
			t.Fatalf("snapshot %d changed", n)
		}
	}
}

func TestAStrokeShowsWhileItIsDrawnAndCanBeCancelled(t *testing.T) {
	d := annotate.New(grid(t, [3]int{20, 20, 3}, geom.Vec3{1, 1, 1}))
	s, err := d.Begin(annotate.Brush{Label: annotate.PZ, RadiusMM: 2}, 1, annotate.Point{I: 5, J: 5})
	if err != nil {
		t.Fatal(err)
	}
	one := d.Snapshot()
	s.To(annotate.Point{I: 12, J: 5})
	two := d.Snapshot()
	if one.Volume(annotate.PZ) != 13e-3 || two.Volume(annotate.PZ) <= one.Volume(annotate.PZ) || two.Revision() <= one.Revision() {
		t.Errorf("volumes %g and %g mL, revisions %d and %d", one.Volume(annotate.PZ), two.Volume(annotate.PZ), one.Revision(), two.Revision())
	}
	field := two.SliceField(annotate.WG, 1)
	if field == nil || field.Grid().Size[2] != 1 || two.SliceField(annotate.TZ, 1) != nil || two.SliceField(annotate.PZ, 0) != nil {
		t.Fatal("the slice's field")
	}
	whole := two.Mask(annotate.Zones)
	size, inside := field.Grid().Size, 0
	for at, v := range field.Data() {
		at3 := whole.Grid().Voxel(field.Grid().World(geom.Vec3{float64(at % size[0]), float64(at / size[0]), 0}))
		if (v == 1) != (whole.At(int(at3[0]+0.5), int(at3[1]+0.5), int(at3[2]+0.5)) == 2) {
			t.Fatalf("field at %v is %g", at3, v)
		}
		inside += int(v)
	}
	if ml := float64(inside) / 1000; ml != two.Volume(annotate.PZ) {
		t.Errorf("the field holds %g mL of %g", ml, two.Volume(annotate.PZ))
	}
	s.Cancel()
	if d.Snapshot().Volume(annotate.WG) != 0 {
		t.Error("cancelling left something")
	}
	if _, err := s.End(); !isNothing(err) {
		t.Errorf("ending after cancelling: %v", err)
	}
	if _, ok := d.NextUndo(); ok {
		t.Error("a cancelled stroke can be undone")
	}
}

func TestAProposalOfAnEarlierStateIsRefused(t *testing.T) {
	g := readGolden(t)
	d := document(t, g.grid, g.arrays["zones"], nil)
	p, err := annotate.Smooth(t.Context(), d.Snapshot(), annotate.WG, annotate.Smoothing{SigmaMM: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Paste(annotate.WG, 4, 0); err != nil {
		t.Fatal(err)
	}
	if err := d.Apply(p); !errors.Is(err, annotate.ErrStale) {
		t.Errorf("applied to another state: %v", err)
	}
	if a, ok := d.NextUndo(); !ok || a.String() != "paste WG, slice 1" {
		t.Errorf("undo offers %q", a)
	}
}

// TestHistoryIsSmall draws 200 strokes of usual size on an image of usual size.
func TestHistoryIsSmall(t *testing.T) {
	g := grid(t, [3]int{640, 640, 19}, geom.Vec3{0.3, 0.3, 3})
	d := annotate.New(g)
	r := rand.New(rand.NewPCG(9, 9))
	for range annotate.KeptSteps {
		s, err := d.Begin(annotate.Brush{Label: annotate.Labels[1+r.IntN(2)], RadiusMM: 4}, r.IntN(19), annotate.Point{I: 250 + 140*r.Float64(), J: 250 + 140*r.Float64()})
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			s.To(annotate.Point{I: 250 + 140*r.Float64(), J: 250 + 140*r.Float64()})
		}
		if _, err := s.End(); err != nil && !isNothing(err) {
			t.Fatal(err)
		}
	}
	bytes, steps := d.HistoryBytes()
	t.Logf("%d strokes across the gland take %d bytes of undo", steps, bytes)
	if steps < 150 || bytes > steps*4096 {
		t.Errorf("%d steps take %d bytes", steps, bytes)
	}
}

// TestHistoryForgetsTheOldestOnly makes steps of the worst kind, single voxels all over the image.
func TestHistoryForgetsTheOldestOnly(t *testing.T) {
	g := grid(t, [3]int{150, 120, 4}, geom.Vec3{1, 1, 1})
	d := annotate.New(g)
	noise := func(seed uint64) []uint8 {
		r := rand.New(rand.NewPCG(seed, 1))
		out := make([]uint8, g.Voxels())
		for at := range out {
			out[at] = uint8(r.IntN(3))
		}
		return out
	}
	two := [2][]uint8{noise(1), noise(2)}
	const made = annotate.KeptSteps + 30
	for n := range made {
		p, err := annotate.Replace(d.Snapshot(), annotate.OpLoad, annotate.Zones, mask(t, g, two[n%2]))
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Apply(p); err != nil {
			t.Fatal(err)
		}
	}
	bytes, steps := d.HistoryBytes()
	if steps != annotate.KeptSteps {
		t.Errorf("%d steps of %d bytes are kept, want %d", steps, bytes, annotate.KeptSteps)
	}
	for range annotate.KeptSteps {
		if _, ok := d.Undo(); !ok {
			t.Fatal("a kept step cannot be undone")
		}
	}
	if _, ok := d.Undo(); ok || !slices.Equal(zonesOf(d), two[1]) {
		t.Error("undo of all kept steps")
	}
}
