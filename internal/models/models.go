// Package models opens model files on ONNX Runtime and makes untrained ones, for the window and the
// commands alike. What a model is and how it is sampled is inference's; how it runs is ort's.
package models

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"bayeslice/inference"
	"bayeslice/internal/devices"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/nets"
	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/onnx/rewrite"
	"bayeslice/internal/ort"
)

// On returns openers on the devices of this machine, as u says but for the lowering on the CPU, where large convolutions are replaced
// by minimal filtering: what runs once per sample decides where a model runs, by measuring where there is a choice, and the part before
// the noise follows. That part runs once per exam, so that it keeps no working memory. ctx ends the measuring.
func On(ctx context.Context, d *devices.Set, u devices.Use) inference.Openers {
	u.OnCPU = rewrite.Tiles
	var chosen devices.Choice
	each := asRunner(func(g *graph.Graph) (*devices.Runner, error) {
		r, err := d.Open(ctx, g, u)
		if err == nil {
			chosen = r.Choice()
		}
		return r, err
	})
	once := asRunner(func(g *graph.Graph) (*devices.Runner, error) {
		u := u
		u.Session.ReleaseMemory = true
		r, err := d.OpenAs(ctx, g, u, chosen)
		if errors.Is(err, ort.ErrProvider) && d.Asked(u) == ort.Auto { // then the model says that this part runs on the CPU
			return d.OpenAs(ctx, g, u, devices.Choice{Provider: ort.CPU})
		}
		return r, err
	})
	return inference.Openers{Once: once, Each: each}
}

// Each opens single graphs, such as training steps, on the devices of this machine, as u says; ctx ends the measuring. It fails as
// [devices.Set.Open] does.
func Each(ctx context.Context, d *devices.Set, u devices.Use) inference.OpenRunner {
	return asRunner(func(g *graph.Graph) (*devices.Runner, error) { return d.Open(ctx, g, u) })
}

// asRunner makes an opener of runners of a function that opens on devices.
func asRunner(open func(*graph.Graph) (*devices.Runner, error)) inference.OpenRunner {
	return func(g *graph.Graph) (inference.Runner, error) {
		r, err := open(g)
		if err != nil {
			return nil, err // a nil *devices.Runner in the interface would not be nil
		}
		return r, nil
	}
}

// Card reads what a model file says about itself without running it, and the SHA-256 of its bytes in
// hex. The file is checked as before it is run; it fails with [inference.ErrModel].
func Card(path string) (card modelcard.Card, sha string, err error) {
	f, err := inference.ReadFile(path)
	if err != nil {
		return card, "", err
	}
	return f.Card, f.SHA256, nil
}

// Pack writes a copy of a model file with its kernels stored as float16, which is half the size. edit,
// where not nil, may change what the card says about the model for people; the folder is made where it is
// missing. It fails as [inference.ReadFile] and [nets.WriteGraph] do.
func Pack(from *inference.File, to string, edit func(*modelcard.Card)) error {
	card := from.Card
	if edit != nil {
		edit(&card)
	}
	card.Storage = modelcard.Float16
	if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
		return fmt.Errorf("models: %w", err)
	}
	return nets.WriteGraph(to, from.Graph, card)
}

// WriteUntrained writes a preset network ("full" or "small") with initial weights drawn from seed; its
// card says that it is untrained. The folder is made where it is missing. program names the writer.
func WriteUntrained(path, preset string, task modelcard.Task, seed uint64, program string) error {
	p, err := nets.FindPreset(preset, task)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return fmt.Errorf("models: %w", err)
	}
	weights, err := nets.Init(p.Config, seed)
	if err != nil {
		return err
	}
	return nets.WriteModel(path, p.Config, weights, modelcard.Card{
		Name: "M1 " + preset, Recipe: p.Recipe, WeightSeed: seed, Program: program,
		IntendedUse: "Trying out the program. The weights are random; the output means nothing.",
	})
}

// ErrUntold marks trained weights that do not say how they came about.
var ErrUntold = errors.New("models: a trained model must say how it was trained")

// WriteTrained writes a trained network as a model file that explains itself. The caller fills the
// card's name, recipe, weight seed, loss with its parameters, training facts, program and, where it
// wants the kernels rounded, storage; the rest is filled in: what the network determines, that it is
// trained, and, where empty, on what and for which use. w may hold more than the inference graph needs,
// such as the posterior net. The folder is made where it is missing; the file appears whole or not at
// all. It fails with [ErrUntold] where the card tells of no training, and as [nets.WriteModel] does.
func WriteTrained(path string, c nets.Config, w nets.Weights, card modelcard.Card) error {
	if card.Training == nil || card.Loss == "" {
		return ErrUntold
	}
	card.Trained = true
	if card.TrainedOn == "" {
		card.TrainedOn = card.Training.Data.Description
	}
	if card.IntendedUse == "" {
		card.IntendedUse = intendedUse(card.Training.Data.Synthetic)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return fmt.Errorf("models: %w", err)
	}
	return nets.WriteModel(path, c, w, card)
}

// intendedUse is what trained models are for.
func intendedUse(synthetic bool) string {
	if synthetic {
		return "Research and education; not for diagnosis. Trained on generated phantoms only."
	}
	return "Research and education; not for diagnosis."
}
