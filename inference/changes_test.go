package inference

import (
	"context"
	"math"
	"reflect"
	"strings"
	"testing"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/tensor"
)

// replaced is a runner whose device fails at a run: that run and those after it are computed elsewhere.
type replaced struct {
	*fake
	at    int
	moves int
}

func (r *replaced) Run(ctx context.Context, in map[string]*tensor.Tensor) (map[string]*tensor.Tensor, error) {
	out, err := r.fake.Run(ctx, in)
	if r.runs == r.at {
		r.moves++
	}
	return out, err
}

func (r *replaced) Device() string {
	if r.moves > 0 {
		return "CPU"
	}
	return "GPU"
}

func (r *replaced) Moved() (int, string, string, string) {
	return r.moves, "GPU", "CPU", "GPU failed (lost), so that CPU takes over"
}

func TestAChangeOfDeviceIsInTheResult(t *testing.T) {
	card := testCard(modelcard.Anatomy)
	_, prefix, suffix := fakeModel(t, card)
	lost := &replaced{fake: suffix, at: 4}
	m, err := NewModel(Parts{Card: card, SHA256: "abc", Prefix: prefix, Suffix: lost, Carried: []string{"features"}})
	if err != nil {
		t.Fatal(err)
	}
	s := Sampler{Model: m, Samples: 6, Seed: 2}
	var atThree, atFour *Prediction
	p, err := s.Run(t.Context(), testExam(t, card), func(p *Prediction) {
		switch p.Samples {
		case 3:
			atThree = p
		case 4:
			atFour = p
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []DeviceChange{{Sample: 4, From: "GPU", To: "CPU", Why: "GPU failed (lost), so that CPU takes over"}}
	if len(atThree.Changes) != 0 || !strings.HasPrefix(atThree.Device, "GPU") || !reflect.DeepEqual(atFour.Changes, want) || !reflect.DeepEqual(p.Changes, want) {
		t.Errorf("changes %+v, %+v, %+v", atThree.Changes, atFour.Changes, p.Changes)
	}
	if !strings.HasPrefix(p.Device, "CPU;") || !strings.HasSuffix(p.Device, "; samples 1 to 3 on GPU") || !strings.Contains(p.StopNote, "from sample 4 on: GPU failed (lost)") || m.Moved() == "" {
		t.Errorf("device %q, note %q", p.Device, p.StopNote)
	}
	again, err := s.Run(t.Context(), testExam(t, card), nil) // on the CPU from the start
	if err != nil || len(again.Changes) != 0 || strings.Contains(again.Device, "GPU") {
		t.Errorf("the next run: %+v on %s, %v", again.Changes, again.Device, err)
	}
	for v, x := range again.Mean[1].Data() {
		if math.Abs(float64(x-p.Mean[1].Data()[v])) > 1e-6 {
			t.Fatalf("voxel %d is %g, on one device %g", v, p.Mean[1].Data()[v], x)
		}
	}
}
