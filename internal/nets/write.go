package nets

import (
	"fmt"
	"slices"

	"bayeslice/internal/imageio/codec"
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
// determines (task, classes, tensors' names, noise, dropout, latent) is filled in here. The card's
// storage decides how the weights are held. The file appears whole or not at all ([codec.WriteFile]).
// [ErrConfig] says where recipe and network disagree, [graph.ErrGraph] which weights do not fit.
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
	return WriteGraph(path, g, card)
}

// WriteGraph writes a finished inference graph with a card that describes it, as [WriteModel] does: what
// the card says of the graph is taken as it is. It fails with [modelcard.ErrCard] and [graph.ErrGraph].
func WriteGraph(path string, g *graph.Graph, card modelcard.Card) error {
	if err := card.Validate(); err != nil {
		return err
	}
	text, err := card.Encode()
	if err != nil {
		return fmt.Errorf("nets: model card: %w", err)
	}
	g = g.WithMetadata(map[string]string{modelcard.MetadataKey: text})
	encode := g.Encode
	if card.Storage == modelcard.Float16 {
		encode = g.EncodeHalf
	}
	if err := codec.WriteFile(path, encode); err != nil {
		return fmt.Errorf("nets: write model: %w", err)
	}
	return nil
}

// AsStored returns the weights as a file of the given storage gives them back: w itself, or a copy with
// its kernels rounded to float16.
func AsStored(w Weights, s modelcard.Storage) Weights {
	if s != modelcard.Float16 {
		return w
	}
	out := make(Weights, len(w))
	for name, t := range w {
		if graph.IsKernel(t.Shape) {
			t = graph.RoundHalf(t)
		}
		out[name] = t
	}
	return out
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
	return nil
}
