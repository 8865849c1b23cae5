package edit_test

import (
	"math"
	"testing"

	"bayeslice/internal/annotate"
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
	"bayeslice/viewer/viewstate"
	"bayeslice/viewer/viewstate/edit"
)

// BenchmarkMovement measures what a movement of the brush takes without drawing the picture, on the largest usual
// T2W image: painting and making the field of the slice anew. The stroke goes round inside a gland.
func BenchmarkMovement(b *testing.B) {
	g, err := geom.NewGrid([3]int{640, 640, 22}, geom.Vec3{-96, -96, -33}, geom.Vec3{0.3, 0.3, 3}, axial)
	if err != nil {
		b.Fatal(err)
	}
	v, err := volume.New(g, make([]float32, g.Voxels()), "")
	if err != nil {
		b.Fatal(err)
	}
	series := &exam.Series{ID: "t2", Volume: v}
	s := viewstate.New()
	e := edit.New(s, &worker{})
	s.SetExam(&exam.Exam{Key: "key", Series: []*exam.Series{series}, Roles: map[exam.Role]exam.Choice{exam.T2W: {Candidate: exam.Candidate{Series: series}}}})
	s.SetLayout(viewstate.Contour)
	s.SetSize(0, viewstate.Size{W: 700, H: 700}, 1)
	s.Fit(0)
	e.SetDocument(annotate.New(g), false)
	s.Apply(viewstate.BrushTool)
	at := func(n int) (x, y float64) {
		a := float64(n) / 20
		return 350 + 90*math.Cos(a), 350 + 90*math.Sin(a)
	}
	x, y := at(0)
	s.Press(0, viewstate.Left, 0, false, x, y)
	for n := 1; b.Loop(); n++ {
		x, y := at(n)
		s.Move(0, 0, x, y)
		if _, ok := s.Scene(0); !ok {
			b.Fatal("nothing is drawn")
		}
	}
}
