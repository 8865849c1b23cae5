package viewer

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2/test"

	"bayeslice/internal/annotate"
	masks "bayeslice/internal/compare"
	"bayeslice/internal/geom"
	"bayeslice/internal/imageio/dicomcode"
	"bayeslice/internal/imageio/dicomout"
	"bayeslice/internal/volume"
)

// A segmentation of zones and lesions asks which are meant; then its labels are opened as those of any file.
func TestAMaskOfASegmentationIsChosen(t *testing.T) {
	h := drawing(t, t.TempDir())
	g := h.labels.grid
	path := filepath.Join(t.TempDir(), "both.dcm")
	at := func(i int) func(int) bool { return func(n int) bool { return n == i } }
	x := dicomout.Segmentation{Derived: dicomout.Derived{Key: "k", Name: "n", Number: 1}, Grid: g, Segments: []dicomout.Segment{
		{Label: "TZ", Structure: dicomcode.TZ, In: at(g.Index(3, 3, 2))}, {Label: "PZ", Structure: dicomcode.PZ, In: at(g.Index(4, 3, 2))},
		{Label: "Lesion", Structure: dicomcode.Lesion, In: at(g.Index(4, 3, 2))},
	}}
	if err := dicomout.WriteSegmentation(t.Context(), path, x); err != nil {
		t.Fatal(err)
	}
	h.labels.readFile(path)
	h.until("the choice", func() bool { return strings.Contains(h.overlayText(), "several masks") })
	if text := h.overlayText(); !strings.Contains(text, "Zones") || !strings.Contains(text, "Lesions") {
		t.Errorf("it offers %q", text)
	}
	test.Tap(h.answer("Open"))
	h.until("the question", func() bool { return strings.Contains(h.overlayText(), "labels 1, 2") })
	test.Tap(h.answer("Open"))
	h.until("the labels", func() bool { return h.labels.editor.Snapshot().Volume(annotate.WG) > 0 })
	if s := h.labels.editor.Snapshot(); !s.Has(annotate.TZ, 2) || !s.Has(annotate.PZ, 2) || s.Has(annotate.CsPCa, 2) {
		t.Error("other labels")
	}
}

// Zones that are numbered the other way round take their own places.
func TestZonesOfTheOtherOrderAreOpened(t *testing.T) {
	h := drawing(t, t.TempDir())
	g := h.labels.grid
	data := make([]uint8, g.Voxels())
	data[g.Index(3, 3, 2)], data[g.Index(4, 3, 1)] = 1, 2
	h.labels.load(readLabels{mask: maskOf(t, g, data), count: h.labels.count}, annotate.Zones, masks.PZTZ)
	h.until("the labels", func() bool { return h.labels.editor.Snapshot().Volume(annotate.WG) > 0 })
	if s := h.labels.editor.Snapshot(); !s.Has(annotate.PZ, 2) || s.Has(annotate.TZ, 2) || !s.Has(annotate.TZ, 1) || s.Has(annotate.PZ, 1) {
		t.Error("the zones are not swapped")
	}
}

// Zones of PI-CAI's order become those of the program; another number is refused.
func TestZonesOfTheOtherOrderAreSwapped(t *testing.T) {
	grid, err := geom.NewGrid([3]int{4, 1, 1}, geom.Vec3{}, geom.Vec3{1, 1, 1}, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ stored, want []uint8 }{{[]uint8{0, 1, 2, 1}, []uint8{0, 2, 1, 2}}, {[]uint8{0, 1, 3, 1}, nil}} {
		m, err := volume.NewMask(grid, c.stored)
		if err != nil {
			t.Fatal(err)
		}
		got, err := swapped(m)
		if (err != nil) != (c.want == nil) || err == nil && !slices.Equal(got.Data(), c.want) {
			t.Errorf("%v: %v", c.stored, err)
		}
	}
}
