package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"bayeslice/inference"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/nets"
	"bayeslice/internal/ort"
)

// ortOptions are the persistent flags for ONNX Runtime.
func (s *session) ortOptions() ort.Options {
	return ort.Options{Library: s.library, Provider: s.device, Threads: s.threads}
}

// loadModel opens a model on the device asked for. What runs elsewhere is said on standard error.
func (s *session) loadModel(ctx context.Context, path string) (*inference.Model, error) {
	env, err := ort.Open(s.ortOptions())
	if err != nil {
		return nil, err
	}
	open := func(o ort.SessionOptions) inference.OpenRunner {
		return func(onnx []byte) (inference.Runner, error) {
			opened, err := env.NewSession(onnx, o)
			if err != nil {
				return nil, err
			}
			return opened, nil
		}
	}
	// The part before the noise runs once per exam: it need not keep its working memory.
	m, err := inference.LoadWith(ctx, path, inference.Openers{Once: open(ort.SessionOptions{ReleaseMemory: true}), Each: open(ort.SessionOptions{})})
	if err != nil {
		return nil, err
	}
	for _, f := range m.Fallbacks() {
		fmt.Fprintf(s.Err, "note: %s runs on the CPU, not on the device asked for\n", f)
	}
	return m, nil
}

// readModel reads a model's card without running it, and the digest of its file.
func readModel(path string) (card modelcard.Card, sha string, err error) {
	g, sha, err := inference.ReadGraph(path)
	if err != nil {
		return card, "", err
	}
	card, err = modelcard.Decode(g.Metadata())
	return card, sha, err
}

// writeUntrained writes a preset network with seeded initial weights.
func (s *session) writeUntrained(path, size string, task modelcard.Task, seed uint64) error {
	preset, err := nets.FindPreset(size, task)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	weights, err := nets.Init(preset.Config, seed)
	if err != nil {
		return err
	}
	return nets.WriteModel(path, preset.Config, weights, modelcard.Card{
		Name: "M1 " + size + " (untrained)", Recipe: preset.Recipe, WeightSeed: seed, Program: s.program(),
		IntendedUse: "Trying out the program. The weights are random; the output means nothing.",
	})
}
