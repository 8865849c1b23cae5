package app

import (
	"math"
	"testing"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/models"
	"bayeslice/internal/prep"
	"bayeslice/viewer"
)

// Diffusion images that lie 6 mm beside their place spoil the diagnosis; the same offset the other way, given to the
// model, gives the result of images in their place.
func TestTheRightOffsetGivesTheResultOfImagesInTheirPlace(t *testing.T) {
	needRuntime(t)
	o, err := exam.OpenOverrides(t.TempDir() + "/choices.json")
	if err != nil {
		t.Fatal(err)
	}
	e := newEngine(engineConfig{library: models.BuiltIn(), folder: t.TempDir(), overrides: o})
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	right, err := exam.Open(t.Context(), writePhantom(t, smallPhantom()), exam.Options{Overrides: o})
	if err != nil {
		t.Fatal(err)
	}
	by := geom.Vec3{5, -3, 2}
	wrong, back := misplaced(right, by.Scale(-1))
	job := viewer.Job{Model: viewer.Model{ID: "diagnosis-ce"}, Samples: 4, Seed: 1}
	predict := func(x *exam.Exam, job viewer.Job) *inference.Prediction {
		p, _, err := e.Predict(t.Context(), x, job, nil)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	want, spoilt := predict(right, job), predict(wrong, job)
	moved := job
	moved.Moves = map[string]geom.Vec3{back[0]: by, back[1]: by}
	moved.Known = []*inference.Prediction{want, spoilt} // of the same model and seed, but not of these images
	got := predict(wrong, moved)
	far, near := difference(spoilt, want), difference(got, want)
	t.Logf("largest difference of a probability: misplaced %.3g, with the offset %.3g", far, near)
	if !(far > 0.05) || !(near < 1e-3) {
		t.Errorf("misplaced %g, with the offset %g", far, near)
	}
	if len(got.Moved) != 2 || got.Moved[0] != (prep.Moved{Role: got.Moved[0].Role, Series: back[0], MM: by}) {
		t.Errorf("moved: %+v", got.Moved)
	}
	issues := 0
	for _, i := range got.Issues {
		if i.Code == prep.IssueMoved {
			issues++
		}
	}
	if issues != 2 {
		t.Errorf("issues %+v", got.Issues)
	}
	moved.Known = []*inference.Prediction{want, got}
	if again := predict(wrong, moved); again != got {
		t.Error("a result that is there was made again")
	}
}

// misplaced returns an exam whose diffusion images lie elsewhere, and their series.
func misplaced(e *exam.Exam, by geom.Vec3) (*exam.Exam, []string) {
	out := *e
	out.Roles = map[exam.Role]exam.Choice{exam.T2W: e.Roles[exam.T2W]}
	var ids []string
	for _, role := range []exam.Role{exam.HighB, exam.ADC} {
		s := *e.Chosen(role)
		s.Volume = s.Volume.MovedBy(by)
		out.Roles[role] = exam.Choice{Candidate: exam.Candidate{Series: &s}}
		ids = append(ids, s.ID)
	}
	return &out, ids
}

// difference is the largest difference between the mean probabilities of two predictions.
func difference(a, b *inference.Prediction) float64 {
	worst := 0.0
	for c := range a.Mean {
		for i, v := range a.Mean[c].Data() {
			worst = math.Max(worst, math.Abs(float64(v-b.Mean[c].Data()[i])))
		}
	}
	return worst
}
