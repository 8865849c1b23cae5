package annotate_test

import (
	"bytes"
	"compress/zlib"
	"encoding/json"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"bayeslice/internal/annotate"
	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// grid returns a tilted grid of unequal spacing.
func grid(t testing.TB, size [3]int, spacing geom.Vec3) geom.Grid {
	t.Helper()
	g, err := geom.NewGrid(size, geom.Vec3{-40, 12, 7}, spacing, [3]geom.Vec3{{1, 0, 0}, {0, 0.96, -0.28}, {0, 0.28, 0.96}})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func mask(t testing.TB, g geom.Grid, data []uint8) *volume.Mask {
	t.Helper()
	m, err := volume.NewMask(g, data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func document(t testing.TB, g geom.Grid, zones, lesions []uint8) *annotate.Document {
	t.Helper()
	var z, l *volume.Mask
	if zones != nil {
		z = mask(t, g, zones)
	}
	if lesions != nil {
		l = mask(t, g, lesions)
	}
	d, err := annotate.FromMasks(g, z, l)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func zonesOf(d *annotate.Document) []uint8   { return d.Snapshot().Mask(annotate.Zones).Data() }
func lesionsOf(d *annotate.Document) []uint8 { return d.Snapshot().Mask(annotate.Lesions).Data() }

// same reports whether two documents hold the same labels.
func same(a, b *annotate.Document) bool {
	return slices.Equal(zonesOf(a), zonesOf(b)) && slices.Equal(lesionsOf(a), lesionsOf(b))
}

// golden are the arrays of testdata/golden.json on their grid.
type golden struct {
	grid   geom.Grid
	arrays map[string][]uint8
}

func readGolden(t *testing.T) golden {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]json.RawMessage
	var size [3]int
	var spacing geom.Vec3
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]any{"size": &size, "spacing": &spacing} {
		if err := json.Unmarshal(fields[name], to); err != nil {
			t.Fatal(err)
		}
		delete(fields, name)
	}
	g := golden{grid: grid(t, size, spacing), arrays: map[string][]uint8{}}
	for name, raw := range fields {
		var packed []byte // encoding/json decodes base64
		if err := json.Unmarshal(raw, &packed); err != nil {
			t.Fatal(err)
		}
		z, err := zlib.NewReader(bytes.NewReader(packed))
		if err != nil {
			t.Fatal(err)
		}
		if g.arrays[name], err = io.ReadAll(z); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

// differ counts the voxels in which two label arrays differ.
func differ(a, b []uint8) int {
	n := 0
	for i := range a {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}

// random makes one random change of a document. It is determined by r.
func random(t testing.TB, d *annotate.Document, r *rand.Rand) {
	t.Helper()
	size := d.Grid().Size
	label := annotate.Labels[r.IntN(4)]
	mode := annotate.Mode(r.IntN(3) / 2)
	k := r.IntN(size[2])
	point := func() annotate.Point {
		return annotate.Point{I: r.Float64()*float64(size[0]+6) - 3, J: r.Float64()*float64(size[1]+6) - 3}
	}
	var err error
	switch r.IntN(8) {
	case 0, 1, 2:
		var s *annotate.Stroke
		if s, err = d.Begin(annotate.Brush{Label: label, Mode: mode, RadiusMM: 0.2 + 4*r.Float64(), Sphere: r.IntN(3) == 0}, k, point()); err == nil {
			for range r.IntN(4) {
				s.To(point())
			}
			if r.IntN(6) == 0 {
				s.Cancel()
			} else {
				_, err = s.End()
			}
		}
	case 3:
		corners := make([]annotate.Point, 3+r.IntN(5))
		for n := range corners {
			corners[n] = point()
		}
		err = d.Fill(annotate.OpLasso, label, mode, k, corners)
	case 4:
		err = d.Paste(label, r.IntN(size[2]), k)
	case 5:
		if r.IntN(4) == 0 {
			err = d.Clear(label, k)
		}
	default:
		err = propose(t, d, label, r)
	}
	if err != nil && !isNothing(err) {
		t.Fatal(err)
	}
}

// propose makes a random change that is computed first.
func propose(t testing.TB, d *annotate.Document, label annotate.Label, r *rand.Rand) error {
	var p *annotate.Proposal
	var err error
	switch r.IntN(4) {
	case 0:
		p, err = annotate.Interpolate(t.Context(), d.Snapshot(), label, nil)
	case 1:
		p, err = annotate.Smooth(t.Context(), d.Snapshot(), label, annotate.Smoothing{SigmaMM: 0.5 + r.Float64(), From: 1})
	case 2:
		p, err = annotate.RemoveIslands(t.Context(), d.Snapshot(), label, 0)
	default:
		p, err = annotate.FillHoles(t.Context(), d.Snapshot(), label)
	}
	if err != nil {
		return err
	}
	return d.Apply(p)
}
