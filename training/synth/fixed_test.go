package synth

import (
	"math"
	"testing"

	"bayeslice/internal/modelcard"
	"bayeslice/training"
)

// The figures were printed by this program before cohorts were added to it (commit bb18cc8): runs that were
// begun then go on with the same examples.
func TestDrawsAreThoseOfEarlierVersions(t *testing.T) {
	for task, want := range map[modelcard.Task]struct {
		fingerprint string
		label       [2]int // of draw 3, and of held-out example 1
		image       [2]float64
	}{
		modelcard.Anatomy: {"b74aad0a3b06154e023bfaa66cd4cb3069ec4079b115686efd1fbc4853305204",
			[2]int{1189703, 1370933}, [2]float64{-65.708410, -65.210226}},
		modelcard.Diagnosis: {"a80f23acd267bf947a4ef897755a4a39b31638ac0dc752950c56f533de3dacfd",
			[2]int{13334, 21979}, [2]float64{-122.138503, -158.703216}},
	} {
		g := generator(t, task)
		if got := g.fingerprint(); got != want.fingerprint {
			t.Errorf("%s: fingerprint %s, was %s", task, got, want.fingerprint)
		}
		held, err := g.Held(3).Example(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range []*training.Example{draw(t, g, 3), held} {
			label, image := 0, 0.0
			for at, c := range e.Label {
				label += int(c) * (at%97 + 1)
			}
			for at, v := range e.Image.F32 {
				image += float64(v) * math.Sin(float64(at))
			}
			// Other processors may round the last bits of an image otherwise.
			if d := label - want.label[i]; d > 200 || d < -200 || math.Abs(image-want.image[i]) > 0.01 {
				t.Errorf("%s: example %d has the sums %d and %.6f, had %d and %.6f", task, i, label, image, want.label[i], want.image[i])
			}
		}
	}
}
