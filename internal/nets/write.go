package nets

import (
	"fmt"
	"slices"

	"bayeslice/internal/imageio/codec"
	"bayeslice/internal/modelcard"
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
// appears whole or not at all ([codec.WriteFile]). [ErrConfig] says where recipe and
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
	if err := codec.WriteFile(path, g.WithMetadata(map[string]string{modelcard.MetadataKey: text}).Encode); err != nil {
		return fmt.Errorf("nets: write model: %w", err)
	}
	return nil
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
