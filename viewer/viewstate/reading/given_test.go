package reading

import (
	"encoding/json"
	"reflect"
	"testing"

	"bayeslice/internal/align"
	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/prep"
)

// The models see images moved only after the user asked for it, and then as they were displayed at that moment.
func TestTheModelsAreGivenAnOffsetOnlyWhenAsked(t *testing.T) {
	s, r := opened(t)
	if r.GivenText() != "" || r.OffsetNotGiven() || len(r.ModelMoves()) != 0 {
		t.Error("at first:", r.GivenText(), r.ModelMoves())
	}
	r.SetOffset(align.Offset{Left: 2, Head: -1})
	if len(r.ModelMoves()) != 0 || !r.OffsetNotGiven() || r.GivenText() != "The offset changes the display only: the models see the images as the files place them." {
		t.Error("displayed:", r.GivenText(), r.ModelMoves())
	}
	r.GiveOffset()
	moves := r.ModelMoves()
	if len(moves) < 2 || moves["adc"].Sub(geom.Vec3{2, 0, -1}).Norm() > 1e-9 || moves["t2"] != (geom.Vec3{}) || r.OffsetNotGiven() {
		t.Error("given:", moves)
	}
	want := "The models see diffusion moved by +2.0 / 0.0 / −1.0 mm (L, P, H)."
	if r.GivenText() != want {
		t.Error(r.GivenText())
	}
	r.SetOffset(align.Offset{})
	if !r.OffsetNotGiven() || r.GivenText() != want || !reflect.DeepEqual(r.ModelMoves(), moves) {
		t.Error("taken back on screen:", r.GivenText())
	}
	data, err := section{r}.SaveSection()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	r.GiveOffset()
	if len(r.ModelMoves()) != 0 || r.GivenText() != "" {
		t.Error("taken back:", r.GivenText())
	}
	if err := (section{r}).RestoreSection(text); err != nil || !reflect.DeepEqual(r.ModelMoves(), moves) {
		t.Error("restored:", r.ModelMoves(), err)
	}
	if err := (section{r}).RestoreSection([]byte(`{"modelMoves":{"adc":[0,0,51]}}`)); err == nil || !reflect.DeepEqual(r.ModelMoves(), moves) {
		t.Error("an absurd offset was restored:", r.ModelMoves(), err)
	}
	other := *s.Exam()
	other.Key = "another"
	s.SetExam(&other)
	if len(r.ModelMoves()) != 0 {
		t.Error("another exam is moved too")
	}
}

func TestAResultOfMovedImagesSaysSo(t *testing.T) {
	s, r := opened(t)
	predictions(t, s)
	if r.MovedText() != "" || s.Flags().Moved {
		t.Error("unmoved:", r.MovedText())
	}
	p := *s.Prediction(modelcard.Diagnosis)
	p.Moved = []prep.Moved{{Role: "ADC", Series: "adc", MM: geom.Vec3{0, -0.5, 0}}}
	s.SetPrediction(&p)
	if got := r.MovedText(); got != "Diffusion was moved by 0.0 / −0.5 / 0.0 mm (L, P, H)." || !s.Flags().Moved {
		t.Error(got, s.Flags())
	}
}
