package inference_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"testing"

	"bayeslice/inference"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/nets"
	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/onnx/rewrite"
	"bayeslice/internal/ort"
	"bayeslice/internal/tensor"
)

// BenchmarkPaperModel times one sample of the paper's network for diagnosis (32…512 filters,
// 160 × 160 × 20 voxels) on the CPU: as it is, with each rewriting, and as the program runs it, with tiles.
// Run it with -benchtime 3x; it takes a minute or two.
func BenchmarkPaperModel(b *testing.B) {
	env, err := ort.Open(ort.Options{Provider: "cpu"})
	if errors.Is(err, ort.ErrLibrary) {
		b.Skip(err)
	}
	if err != nil {
		b.Fatal(err)
	}
	preset, err := nets.FindPreset("full", modelcard.Diagnosis)
	if err != nil {
		b.Fatal(err)
	}
	weights, err := nets.Init(preset.Config, 1)
	if err != nil {
		b.Fatal(err)
	}
	card := modelcard.Card{Name: "benchmark", Recipe: preset.Recipe, WeightSeed: 1, IntendedUse: "timing", Program: "benchmark"}
	g, noise, err := nets.Inference(preset.Config)
	if err == nil {
		g, err = g.Bind(weights)
	}
	if err == nil {
		g, err = graph.Select(g, nets.OutputName)
	}
	if err != nil {
		b.Fatal(err)
	}
	card.Noise = noise
	b.Run("plain", func(b *testing.B) { benchmarkGraph(b, env, g, card) })
	for _, p := range rewrite.Passes() {
		b.Run("with "+p.Name, func(b *testing.B) {
			r, err := p.Apply(g)
			if err != nil {
				b.Fatal(err)
			}
			benchmarkGraph(b, env, r, card)
		})
	}
	b.Run("as shipped", func(b *testing.B) { benchmarkSampler(b, env, preset, weights, card) })
}

// benchmarkGraph runs a whole graph once per sample.
func benchmarkGraph(b *testing.B, env *ort.Env, g *graph.Graph, card modelcard.Card) {
	var onnx bytes.Buffer
	if err := g.Encode(&onnx); err != nil {
		b.Fatal(err)
	}
	s, err := env.NewSession(onnx.Bytes(), ort.SessionOptions{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	z := inference.NewNoise(card, 1)
	in := z.Tensors()
	in[nets.InputName] = tensor.NewFloat32(1, 3, 20, 160, 160)
	for n := 0; b.Loop(); n++ {
		if err := z.Fill(n, in); err != nil {
			b.Fatal(err)
		}
		if _, err := s.Run(context.Background(), in); err != nil {
			b.Fatal(err)
		}
	}
}

// benchmarkSampler draws samples as the program does, statistics included; loading and the part
// before the noise are outside the time.
func benchmarkSampler(b *testing.B, env *ort.Env, preset nets.Preset, weights nets.Weights, card modelcard.Card) {
	path := filepath.Join(b.TempDir(), "full.onnx")
	if err := nets.WriteModel(path, preset.Config, weights, card); err != nil {
		b.Fatal(err)
	}
	m, err := inference.Load(context.Background(), path, func(g *graph.Graph) (inference.Runner, error) {
		tiled, err := rewrite.Lower(g, rewrite.Tiles)
		if err != nil {
			return nil, err
		}
		return opener(env)(tiled)
	})
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	step, done := make(chan bool), make(chan error, 1)
	s := inference.Sampler{Model: m, Samples: 1 << 20, Progress: func(inference.Progress) {
		select {
		case step <- true:
		case <-ctx.Done():
		}
	}}
	go func() {
		_, err := s.Run(ctx, exam(b, m.Card()), nil)
		done <- err
	}()
	<-step // before the first sample
	<-step // the first sample, with the part before the noise
	for b.Loop() {
		<-step
	}
	cancel()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
}
