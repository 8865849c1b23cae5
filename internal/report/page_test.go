package report

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/measure"
	"bayeslice/internal/modelcard"
)

// both is a page of an anatomy and a diagnosis on one exam.
func both(t *testing.T) Page {
	t.Helper()
	a, d := newScene(t, modelcard.Anatomy), newScene(t, modelcard.Diagnosis)
	return Page{Exam: a.exam, Predictions: []*inference.Prediction{a.prediction, d.prediction}, Program: "Bayeslice test"}
}

var _ = exam.T2W
var _ measure.Density

func TestLook(t *testing.T) {
	g := both(t)
	data, err := g.PDF(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	img, err := g.Picture(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if dir := os.Getenv("BAYESLICE_PANELS"); dir != "" {
		os.WriteFile(filepath.Join(dir, "page.pdf"), data, 0o600)
		writePNG(filepath.Join(dir, "page.png"), img)
	}
	_ = bytes.Equal
}
