package dicomout

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/testenv"
)

// pydicom returns, for each line that readback.py prints, the offsets of its voxels.
func pydicom(t *testing.T, path string, g geom.Grid) [][]int {
	t.Helper()
	python := "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import pydicom, numpy").Run(); err != nil {
		testenv.SkipOrFail(t, "pydicom", "pydicom (Debian package python3-pydicom) is not on this machine")
	}
	args := []string{filepath.Join("testdata", "readback.py"), path}
	for _, n := range g.Size {
		args = append(args, strconv.Itoa(n))
	}
	for _, row := range g.Affine() {
		for _, v := range row {
			args = append(args, fmt.Sprint(v))
		}
	}
	out, err := exec.Command(python, args...).Output()
	if err != nil {
		t.Fatalf("readback.py: %v", err)
	}
	var lines [][]int
	for line := range strings.Lines(string(out)) {
		var offsets []int
		for _, word := range strings.Fields(line)[2:] {
			n, err := strconv.Atoi(word)
			if err != nil {
				t.Fatal(err)
			}
			offsets = append(offsets, n)
		}
		lines = append(lines, offsets)
	}
	return lines
}

// agree compares offsets with what a structure holds.
func agree(t *testing.T, name string, offsets []int, voxels int, in func(at int) bool) {
	t.Helper()
	found := make(map[int]bool, len(offsets))
	for _, at := range offsets {
		found[at] = true
	}
	for at := range voxels {
		if found[at] != in(at) {
			t.Errorf("%s: pydicom has voxel %d: %v, want %v", name, at, found[at], in(at))
			return
		}
	}
}

func TestPydicomReadsTheSameVoxels(t *testing.T) {
	g := oblique(t)
	x := binary(g)
	got := pydicom(t, written(t, x), g)
	if len(got) != len(x.Segments) {
		t.Fatalf("%d segments", len(got))
	}
	for n, seg := range x.Segments {
		agree(t, seg.Label, got[n], g.Voxels(), seg.In)
	}
	g.Size = [3]int{41, 43, 3}
	masks := structureSet(g, rings(t, g), blobs(t, g, 3, 0.4), blobs(t, g, 4, 0.9))
	path := filepath.Join(t.TempDir(), "rtstruct.dcm")
	if err := WriteStructures(t.Context(), path, masks); err != nil {
		t.Fatal(err)
	}
	for n, offsets := range pydicom(t, path, g) {
		m := masks.Structures[n].Mask
		agree(t, masks.Structures[n].Name, offsets, g.Voxels(), func(at int) bool { return m.Data()[at] != 0 })
	}
}
