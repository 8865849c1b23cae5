package align

import (
	"context"
	"math"
	"testing"

	"bayeslice/internal/exam"
	"bayeslice/internal/testenv"
	"bayeslice/internal/volume"
)

// Nobody knows the true displacement of a patient's exam, but moving its diffusion images by a known offset must
// change the estimate by that offset.
func TestARealExamMovesWithItsImages(t *testing.T) {
	ctx := context.Background()
	e, err := exam.Open(ctx, testenv.Data(t, "picai_prep", "ProstateX-0000"), exam.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t2w, adc := e.Chosen(exam.T2W).Volume, e.Chosen(exam.ADC).Volume
	check := func(o Offset) *Estimate {
		by := FrameOf(t2w.Grid()).World(o)
		moved, err := Moved(adc, by)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Check(ctx, t2w, []*volume.Volume{moved}, CentralRegion(t2w.Grid()), nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("moved by %+v: shift %+v ± %+v, NMI %.4f (unmoved %.4f), %v", o, got.Shift, got.SE, got.NMI, got.NMIAtZero, got.Confidence)
		return got
	}
	still := check(Offset{})
	if !still.Confidence.Reliable() || still.Shift.InPlane() > 4 || math.Abs(still.Shift.Head) > 3 {
		t.Errorf("%+v is not what an exam of one session looks like", still.Shift)
	}
	by := Offset{Left: 2.5, Back: -3, Head: 1.5}
	d := check(by).Shift.Add(still.Shift.Negative()).Add(by.Negative())
	if d.InPlane() > 0.6 || math.Abs(d.Head) > 1 {
		t.Errorf("the estimate followed with an error of %+v", d)
	}
}
