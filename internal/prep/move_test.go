package prep

import (
	"context"
	"errors"
	"math"
	"reflect"
	"testing"

	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// An ADC map that a file places elsewhere, moved back, gives the input of one that was placed rightly. The
// position of T2W and of the model's grid stays.
func TestAMovedImageGivesTheInputOfOneInItsPlace(t *testing.T) {
	ctx := context.Background()
	g := tilted(t, [3]int{24, 26, 9}, geom.Vec3{0.5, 0.5, 3})
	field := func(w geom.Vec3) float64 {
		return 1000 + 300*math.Sin(w[0]/5) + 200*math.Cos(w[1]/7) + 50*math.Sin(w[2]/9)
	}
	image := func(g geom.Grid, unit string) *volume.Volume {
		return newVolume(t, g, unit, func(i, j, k int) float64 { return field(g.World(geom.Vec3{float64(i), float64(j), float64(k)})) })
	}
	recipe := Recipe{Channels: []Channel{{Role: "T2W", Norm: Linear, High: 1}, {Role: "ADC", Norm: Linear, High: 2000}},
		SpacingMM: geom.Vec3{0.6, 0.6, 3}, Size: [3]int{8, 7, 4}}
	t2w, adc := image(g, ""), image(g, ADCUnit)
	apply := func(adc *volume.Volume, o Options) *Prepared {
		t.Helper()
		p, err := recipe.Apply(ctx, newExam(map[exam.Role]*volume.Volume{exam.T2W: t2w, exam.ADC: adc}), o)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	want := apply(adc, Options{})
	by := geom.Vec3{2.5, -1.25, 1}
	misplaced := adc.MovedBy(by.Scale(-1))
	if reflect.DeepEqual(apply(misplaced, Options{}).Input.F32, want.Input.F32) {
		t.Fatal("a misplaced image gives the same input: this test shows nothing")
	}
	id := newExam(map[exam.Role]*volume.Volume{exam.T2W: t2w, exam.ADC: adc}).Chosen(exam.ADC).ID
	got := apply(misplaced, Options{Moves: map[string]geom.Vec3{id: by}})
	if got.Grid != want.Grid {
		t.Errorf("the grid moved: %v, %v", got.Grid, want.Grid)
	}
	for i, v := range got.Input.F32 {
		if math.Abs(float64(v-want.Input.F32[i])) > 1e-5 {
			t.Fatalf("value %d is %g, want %g", i, v, want.Input.F32[i])
		}
	}
	if len(got.Moved) != 1 || got.Moved[0] != (Moved{"ADC", id, by}) || want.Moved != nil {
		t.Error("declared:", got.Moved, want.Moved)
	}
	const text = "The ADC image was moved by 3.0 mm (2.5 mm to the left, 1.2 mm to the front, 1.0 mm to the head) before the network saw it, as the reader asked."
	if len(got.Issues) != 1 || got.Issues[0] != (exam.Issue{Code: IssueMoved, Severity: exam.Note, Series: id, Text: text}) {
		t.Errorf("issues %+v", got.Issues)
	}
}

func TestWhatCannotBeMovedIsRefused(t *testing.T) {
	g := tilted(t, [3]int{12, 12, 6}, geom.Vec3{1, 1, 3})
	v := newVolume(t, g, "", func(i, j, k int) float64 { return float64(i + j*k) })
	e := newExam(map[exam.Role]*volume.Volume{exam.T2W: v, exam.HighB: v})
	recipe := Recipe{Channels: []Channel{{Role: "T2W", Norm: ZScore}, {Role: "HBV", Norm: ZScore}}, SpacingMM: geom.Vec3{1, 1, 3}, Size: [3]int{4, 4, 4}}
	for role, by := range map[exam.Role]geom.Vec3{exam.T2W: {1, 0, 0}, exam.HighB: {math.NaN(), 0, 0}} {
		_, err := recipe.Apply(context.Background(), e, Options{Moves: map[string]geom.Vec3{e.Chosen(role).ID: by}})
		if !errors.Is(err, ErrGeometry) {
			t.Error(role, by, err)
		}
	}
}
