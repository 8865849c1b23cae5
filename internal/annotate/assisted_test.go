package annotate

import (
	"testing"

	"bayeslice/internal/geom"
)

func TestAssistedTellsHandDrawnContoursFromOthers(t *testing.T) {
	g, err := geom.NewGrid([3]int{8, 8, 3}, geom.Vec3{}, geom.Vec3{1, 1, 3}, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	d := New(g)
	if err := d.Fill(OpPolygon, PZ, Add, 1, []Point{{1, 1}, {5, 1}, {5, 5}, {1, 5}}); err != nil || d.Snapshot().Assisted() {
		t.Fatalf("drawn by hand: %v, assisted %v", err, d.Snapshot().Assisted())
	}
	p, err := Replace(d.Snapshot(), OpModel, Lesions, d.Snapshot().Mask(Zones))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Apply(p); err != nil || !d.Snapshot().Assisted() {
		t.Fatalf("from a model: %v, assisted %v", err, d.Snapshot().Assisted())
	}
	if _, ok := d.Undo(); !ok || !d.Snapshot().Assisted() {
		t.Error("taken back, it is forgotten")
	}
	again, err := FromMasks(d.Grid(), d.Snapshot().Mask(Zones), nil)
	if err != nil || !again.Snapshot().Assisted() {
		t.Errorf("from a mask: %v", err)
	}
}
