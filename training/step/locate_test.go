package step_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/nets"
	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/onnx/graphtest"
	"bayeslice/internal/ort"
	"bayeslice/internal/tensor"
	"bayeslice/internal/testenv"
	"bayeslice/training/loss"
	"bayeslice/training/step"
)

// kept is a session that stays open.
type kept struct{ *ort.Session }

func (kept) Close() error { return nil }

// TestLocate poisons what a step is fed and wants the first node named that shows it.
func TestLocate(t *testing.T) {
	env, err := ort.Open(ort.Options{Provider: "cpu", Threads: 1})
	if err != nil {
		testenv.SkipOrFail(t, "ort", err.Error())
	}
	p, err := nets.FindPreset("tiny", modelcard.Anatomy)
	if err != nil {
		t.Fatal(err)
	}
	c := step.Config{Net: p.Config, Loss: loss.Options{Kind: loss.CE}, Beta: 0.1}
	s, err := step.New(c)
	if err != nil {
		t.Fatal(err)
	}
	var session *ort.Session // one for all cases: opening it takes seconds
	open := func(g *graph.Graph) (kept, error) {
		if session == nil {
			session, err = graphtest.Session(env, g, ort.SessionOptions{Optimization: ort.OptimizeNone})
		}
		return kept{session}, err
	}
	defer func() {
		if session == nil {
			return
		}
		if err := session.Close(); err != nil {
			t.Error(err)
		}
	}()
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for name, bad := range map[string]struct {
		tensor string
		value  float32
		want   string // the name, or what it begins with where it ends in …
	}{
		"sound":         {"", 0, ""},
		"NaN in weight": {"u2.reduce.conv.weight", nan, "u2.reduce.conv.weight"},
		"∞ in image":    {nets.InputName, inf, nets.InputName},
		"overflow":      {"head.second.conv.weight", 3e38, "head.second.conv/…"},
		"unset noise":   {nets.LatentNoise, nan, nets.LatentNoise},
	} {
		t.Run(name, func(t *testing.T) {
			in := inputs(t, c, s)
			if bad.tensor != "" {
				in[bad.tensor] = tensor.FromFloat32(in[bad.tensor].F32, in[bad.tensor].Shape...)
				for i := range in[bad.tensor].F32 {
					in[bad.tensor].F32[i] = bad.value
				}
			}
			got, err := step.Locate(context.Background(), s, open, in)
			if err != nil {
				t.Fatal(err)
			}
			if prefix, open := strings.CutSuffix(bad.want, "…"); got != bad.want && (!open || !strings.HasPrefix(got, prefix)) {
				t.Errorf("named %q, want %q", got, bad.want)
			}
		})
	}
	broken := errors.New("no device")
	if _, err := step.Locate(context.Background(), s, func(*graph.Graph) (kept, error) { return kept{}, broken }, nil); !errors.Is(err, broken) {
		t.Errorf("a graph that cannot be opened gave %v", err)
	}
	if _, err := step.Locate(context.Background(), s, open, nil); !errors.Is(err, ort.ErrInput) {
		t.Errorf("missing inputs gave %v", err)
	}
}
