package dicomout

import (
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio/dicom"
	"bayeslice/internal/imageio/dicomcode"
	"bayeslice/internal/imageio/dicomseg"
	"bayeslice/internal/imageio/rtstruct"
	"bayeslice/internal/volume"
)

// blobs is a mask of shapes with holes, islands in holes, voxels that touch at corners, and the border of the image.
func blobs(t *testing.T, g geom.Grid, seed uint64, part float64) *volume.Mask {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 7))
	data := make([]uint8, g.Voxels())
	for at := range data {
		if r.Float64() < part {
			data[at] = uint8(1 + r.IntN(2))
		}
	}
	m, err := volume.NewMask(g, data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// rings holds a disc with a ring of background, an island in it, and two holes side by side with tops in one row.
func rings(t *testing.T, g geom.Grid) *volume.Mask {
	t.Helper()
	data := make([]uint8, g.Voxels())
	for at := range data {
		x, y := float64(at%g.Size[0])-20, float64(at/g.Size[0]%g.Size[1])-20
		r := math.Hypot(x, y)
		twin := math.Abs(y+13) < 2 && (math.Abs(x-3) < 2 || math.Abs(x+3) < 2)
		if r < 19 && !(r > 5 && r < 9) && !twin {
			data[at] = 1
		}
	}
	m, err := volume.NewMask(g, data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func structureSet(g geom.Grid, masks ...*volume.Mask) StructureSet {
	x := StructureSet{Derived: derived(g), Label: "Bayeslice", Grid: g}
	kinds := []dicomcode.Structure{dicomcode.Gland, dicomcode.Lesion, dicomcode.TZ}
	for n, m := range masks {
		x.Structures = append(x.Structures, Structure{Name: kinds[n%3].String(), Kind: kinds[n%3], Algorithm: network, Color: [3]uint8{255, 0, 0}, Mask: m, Labels: map[uint8]bool{1: true, 2: true}})
	}
	return x
}

func TestContoursHoldExactlyTheVoxelsOfTheMask(t *testing.T) {
	g := oblique(t)
	g.Size = [3]int{41, 43, 3}
	masks := []*volume.Mask{rings(t, g)}
	for n, part := range []float64{0.02, 0.3, 0.5, 0.7, 0.97} {
		masks = append(masks, blobs(t, g, uint64(n), part))
	}
	path := filepath.Join(t.TempDir(), "rtstruct.dcm")
	x := structureSet(g, masks...)
	if err := WriteStructures(t.Context(), path, x); err != nil {
		t.Fatal(err)
	}
	valid(t, path)
	f, err := rtstruct.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if f.FrameOfReference != "1.2.3.5" || len(f.Structures) != len(masks) {
		t.Fatalf("%s, %d structures", f.FrameOfReference, len(f.Structures))
	}
	for n, s := range f.Structures {
		got, err := s.Mask(g)
		if err != nil {
			t.Fatal(err)
		}
		for at, v := range got.Data() {
			if (v != 0) != (masks[n].Data()[at] != 0) {
				t.Fatalf("structure %d (%s) differs at voxel %d", n, s.Name, at)
			}
		}
		if s.Kind != x.Structures[n].Kind {
			t.Errorf("%s is read as %v", s.Name, s.Kind)
		}
	}
	if n := len(f.Structures[0].Contours); n != 6 { // a disc and an island in each slice: no contour for a hole
		t.Errorf("rings have %d contours, want 6", n)
	}
	shifted := g
	shifted.Origin[2] += 1
	if _, err := f.Structures[0].Mask(shifted); !errors.Is(err, rtstruct.ErrGrid) {
		t.Errorf("on other slices: %v", err)
	}
}

func TestStructureSetsWithoutSourceIdentityOrVoxels(t *testing.T) {
	g := oblique(t)
	empty, err := volume.NewMask(g, make([]uint8, g.Voxels()))
	if err != nil {
		t.Fatal(err)
	}
	x := structureSet(g, empty)
	path := filepath.Join(t.TempDir(), "rtstruct.dcm")
	for _, change := range []func(){func() {}, func() { x.Identity = true }, func() { x.Identity, x.NewUIDs = false, true }, func() { x.Origin = nil }} {
		change()
		if err := WriteStructures(t.Context(), path, x); err != nil {
			t.Fatal(err)
		}
		valid(t, path)
		for _, word := range identity {
			if holds(t, path, word) != x.Identity {
				t.Errorf("identity %v, and %q is there or not", x.Identity, word)
			}
		}
	}
	other := g
	other.Origin[0]++
	x.Grid = other
	if err := WriteStructures(t.Context(), path, x); !errors.Is(err, ErrValue) {
		t.Errorf("on another grid: %v", err)
	}
	if err := WriteStructures(t.Context(), path, StructureSet{}); !errors.Is(err, ErrValue) {
		t.Errorf("nothing: %v", err)
	}
}

func TestAnOutlineThatDICOMCannotHoldIsRefused(t *testing.T) {
	g := oblique(t)
	g.Size = [3]int{200, 200, 1}
	data := make([]uint8, g.Voxels()) // a comb: one outline of some 40,000 faces
	for at := range data {
		if at/200 == 0 || at%2 == 0 {
			data[at] = 1
		}
	}
	for at := range data { // teeth with steps, so that no corner is left out
		if at/200 > 0 && at%4 == 2 && at/200%4 < 2 {
			data[at+1-2*(at/200%2)] = 1
		}
	}
	m, err := volume.NewMask(g, data)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "rtstruct.dcm")
	err = WriteStructures(t.Context(), path, structureSet(g, m))
	if _, there := os.Stat(path); !errors.Is(err, ErrValue) || !strings.Contains(err.Error(), "smooth it") || there == nil {
		t.Errorf("error = %v", err)
	}
}

// Of an enhanced multi-frame image objects name the instance once, and each frame by its number.
func TestFramesOfOneInstanceAreNamedByNumber(t *testing.T) {
	g := oblique(t)
	o := origin(g)
	o.Images = nil
	for k := range g.Size[2] {
		o.Images = append(o.Images, dicom.ImageRef{Class: "1.2.840.10008.5.1.4.1.1.4.1", Instance: "1.2.3.4.9", Frame: g.Size[2] - k, Position: g.World(geom.Vec3{0, 0, float64(k)})})
	}
	x := binary(g)
	x.Origin = o
	path := written(t, x)
	valid(t, path)
	f, err := dicomseg.Open(path)
	if err != nil || len(f.Sources) != 1 {
		t.Fatalf("sources %v, %v", f.Sources, err)
	}
	masks := structureSet(g, blobs(t, g, 1, 0.5))
	masks.Origin = o
	if err := WriteStructures(t.Context(), path, masks); err != nil {
		t.Fatal(err)
	}
	valid(t, path)
	if x.imagesOf(g)[0].Frame != 3 || x.imagesOf(g)[2].Frame != 1 {
		t.Errorf("slice 0 is frame %d, slice 2 frame %d", x.imagesOf(g)[0].Frame, x.imagesOf(g)[2].Frame)
	}
}
