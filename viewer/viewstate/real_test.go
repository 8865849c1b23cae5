package viewstate

import (
	"context"
	"math"
	"testing"

	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/testenv"
)

// The T2W and diffusion slices of this exam are coplanar, although their first image positions
// differ by 10.1 mm in z: the block is tilted by 18.5° and the corners of the fields of view differ.
func TestSlicesOfARealExamLinkByTheNormal(t *testing.T) {
	path := testenv.Data(t, "picai_prep", "ProstateX-0000")
	e, err := exam.Open(context.Background(), path, exam.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := New()
	for v := range ViewportCount {
		s.SetSize(v, Size{500, 500}, 1)
	}
	s.SetExam(e)
	t2, dwi := s.Series(0).Volume.Grid(), s.Series(2).Volume.Grid()
	if d := math.Abs(t2.Origin[2] - dwi.Origin[2]); math.Abs(d-10.1) > 0.1 {
		t.Fatalf("origins differ by %.2f mm in z; the case was chosen for 10.1 mm", d)
	}
	for k := range t2.Size[2] {
		s.GoToSlice(0, k)
		for v := range ViewportCount {
			g := s.Series(v).Volume.Grid()
			at := SliceAt(g, s.Cursor())
			shown := s.Plane(v).Centre
			if off := math.Abs(s.Cursor().Sub(shown).Dot(g.Normal())); at.Inside && off > 0.05 {
				t.Errorf("T2W slice %d: viewport %d shows a plane %.2f mm away", k, v, off)
			}
		}
		if a, b := SliceAt(dwi, s.Cursor()), naiveSlice(dwi, s.Cursor()); a.Index == b && k > 4 && k < 14 {
			t.Errorf("T2W slice %d: the naive z gives the right slice %d, so this test proves nothing", k, b)
		}
	}
}

// naiveSlice links by the z coordinate of the image positions, the mistake this package avoids.
func naiveSlice(g geom.Grid, world geom.Vec3) int {
	return int(math.Round((world[2] - g.Origin[2]) / (g.Dir[2][2] * g.Spacing[2])))
}
