package nets

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/onnx/graph"
)

// Classes are the class names of a task, background first.
func Classes(task modelcard.Task) []string {
	if task == modelcard.Anatomy {
		return []string{"background", "TZ", "PZ"}
	}
	return []string{"background", "csPCa"}
}

// WriteModel writes the inference graph of c with weights w as one ONNX file that carries its card. The
// caller fills the card's name, recipe, training facts, intended use and program; what the network
// determines (task, classes, tensors' names, noise, dropout, latent) is filled in here. The file
// appears whole or not at all: it is written beside path and renamed. [ErrConfig] says where recipe and
// network disagree, [graph.ErrGraph] which weights do not fit.
func WriteModel(path string, c Config, w Weights, card modelcard.Card) error {
	g, noise, err := Inference(c)
	if err != nil {
		return err
	}
	if g, err = g.Bind(w); err != nil {
		return err
	}
	if err := describe(&card, c, noise); err != nil {
		return err
	}
	text, err := card.Encode()
	if err != nil {
		return fmt.Errorf("nets: model card: %w", err)
	}
	return writeAtomically(path, g.WithMetadata(map[string]string{modelcard.MetadataKey: text}))
}

// describe fills in what the network determines and checks that the recipe feeds it.
func describe(card *modelcard.Card, c Config, noise []modelcard.Noise) error {
	card.Format, card.Task, card.Classes = modelcard.Version, c.Task, Classes(c.Task)
	card.Input, card.Output, card.Attention = InputName, OutputName, AttentionNames()
	card.Noise, card.Dropout = noise, c.Dropout
	card.Latent, card.LatentScale = c.Latent, LatentScale
	if want := [3]int{c.Size[2], c.Size[1], c.Size[0]}; card.Recipe.Size != want {
		return fmt.Errorf("%w: the recipe makes %v voxels (x, y, z), the network takes %v", ErrConfig, card.Recipe.Size, want)
	}
	if n := len(card.Recipe.Channels); n != c.Channels {
		return fmt.Errorf("%w: the recipe makes %d channels, the network takes %d", ErrConfig, n, c.Channels)
	}
	if len(card.Classes) != c.Classes {
		return fmt.Errorf("%w: the task %q has classes %q, the network predicts %d", ErrConfig, c.Task, card.Classes, c.Classes)
	}
	if slices.ContainsFunc(noise, func(n modelcard.Noise) bool { return n.Kind == modelcard.Bernoulli && !(n.Keep > 0) }) {
		return fmt.Errorf("%w: a dropout that keeps nothing", ErrConfig)
	}
	return card.Validate()
}

// writeAtomically writes g to a temporary file beside path and renames it.
func writeAtomically(path string, g *graph.Graph) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("nets: write model: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("nets: write model %s: %w", path, err), os.Remove(f.Name()))
		}
	}()
	out := bufio.NewWriter(f)
	err = g.Encode(out)
	if err == nil {
		err = out.Flush()
	}
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
