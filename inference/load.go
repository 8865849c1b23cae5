package inference

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/onnx/rewrite"
	"bayeslice/internal/tensor"
)

// Load reads a model file, checks that its card and its graph agree, rewrites the graph to an equal
// one that runs faster, divides it into the part before the noise and the part after it, and opens
// both with open. The weights are in memory
// once more than the runners need while this lasts. It fails with [ErrModel], which wraps
// [modelcard.ErrCard] and the errors of the graph packages (external weights, custom operators),
// with what open says, or with ctx.Err().
func Load(ctx context.Context, path string, open OpenRunner) (*Model, error) {
	return LoadWith(ctx, path, Openers{Once: open, Each: open})
}

// Openers open the two parts of a model.
type Openers struct {
	Once OpenRunner // for the part before the noise: it runs once per exam, and may give its working memory back
	Each OpenRunner // for the part after it: it runs once per sample
}

// LoadWith is [Load] for callers that open the two parts differently. On the paper's network a first
// part that gives its working memory back saves 420 MB of 1.3 GB.
func LoadWith(ctx context.Context, path string, open Openers) (*Model, error) {
	f, err := ReadFile(path)
	if err != nil {
		return nil, err
	}
	return f.Load(ctx, open)
}

// Load rewrites the graph, divides it and opens its parts, as the function [Load] says.
func (f *File) Load(ctx context.Context, open Openers) (*Model, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	prefix, suffix, err := divide(f.Card, f.Graph)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrModel, err)
	}
	for _, part := range []*graph.Graph{prefix, suffix} {
		if err := affordable(f.Card, part, memory()); err != nil {
			return nil, err
		}
	}
	debug.FreeOSMemory() // the file's bytes, and what the rewriting left: opening needs the room
	parts := Parts{Card: f.Card, SHA256: f.SHA256, Carried: carried(f.Card, suffix)}
	if parts.Suffix, err = openGraph(ctx, suffix, open.Each); err != nil {
		return nil, err
	}
	if prefix != nil {
		if parts.Prefix, err = openGraph(ctx, prefix, open.Once); err != nil {
			return nil, errors.Join(err, closeParts(parts))
		}
	}
	debug.FreeOSMemory() // the file, the graph and its parts: several times the weights
	m, err := NewModel(parts)
	if err != nil {
		return nil, errors.Join(err, closeParts(parts))
	}
	return m, nil
}

// PerSample returns the part of the model that runs once per sample, as [File.Load] opens it: it decides how fast a device is. It fails
// with [ErrModel].
func (f *File) PerSample() (*graph.Graph, error) {
	_, suffix, err := divide(f.Card, f.Graph)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrModel, err)
	}
	return suffix, affordable(f.Card, suffix, memory())
}

// closeParts closes the runners of a model that cannot be used.
func closeParts(p Parts) (err error) {
	for _, r := range []Runner{p.Prefix, p.Suffix} {
		if r != nil {
			err = errors.Join(err, r.Close())
		}
	}
	return err
}

// File is a model file that was read and found usable: its graph does what its card says. It is immutable.
type File struct {
	Card   modelcard.Card
	SHA256 string       // of its bytes, hex
	Graph  *graph.Graph // as the file holds it, weights included
}

// ReadFile reads a model file and checks that its card and its graph agree. It fails as [Load] does
// before anything is opened.
func ReadFile(path string) (*File, error) {
	g, digest, err := ReadGraph(path)
	if err != nil {
		return nil, err
	}
	return newFile(g, digest)
}

// ReadBytes is [ReadFile] for a model file that is in memory, such as one that comes with the program.
// name stands for it in messages; the bytes are not kept.
func ReadBytes(name string, onnx []byte) (*File, error) {
	g, digest, err := decode(name, onnx)
	if err != nil {
		return nil, err
	}
	return newFile(g, digest)
}

func newFile(g *graph.Graph, digest string) (*File, error) {
	card, err := modelcard.Decode(g.Metadata())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrModel, err)
	}
	if err := agree(card, g); err != nil {
		return nil, err
	}
	if err := finite(g); err != nil {
		return nil, err
	}
	return &File{Card: card, SHA256: digest, Graph: g}, nil
}

// ReadGraph decodes a model file, and returns the SHA-256 of its bytes in hex. It reads regular files
// only, and no more than an ONNX file can hold. It fails with [ErrModel].
func ReadGraph(path string) (*graph.Graph, string, error) {
	info, err := os.Stat(path) // before opening: a pipe would block
	switch {
	case err != nil:
		return nil, "", fmt.Errorf("%w: %w", ErrModel, err)
	case !info.Mode().IsRegular():
		return nil, "", fmt.Errorf("%w: %s is not a file", ErrModel, filepath.Base(path))
	case info.Size() > maxModelBytes:
		return nil, "", fmt.Errorf("%w: %s has %d bytes, more than an ONNX file can have", ErrModel, filepath.Base(path), info.Size())
	}
	data, err := readAll(path, info.Size())
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w", ErrModel, err)
	}
	return decode(filepath.Base(path), data)
}

// readAll reads a file of about size bytes, and no more than an ONNX file can have.
func readAll(path string, size int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	data := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead))
	if _, err := data.ReadFrom(io.LimitReader(f, maxModelBytes)); err != nil {
		return nil, err
	}
	return data.Bytes(), nil
}

// decode reads a graph and the SHA-256 of its bytes.
func decode(name string, onnx []byte) (*graph.Graph, string, error) {
	if len(onnx) > largeModel { // somebody else's, probably: its weights need not be taken apart to say so
		if err := described(onnx); err != nil {
			return nil, "", fmt.Errorf("%w: %s: %w", ErrModel, name, err)
		}
	}
	g, err := graph.DecodeBytes(onnx)
	if err != nil {
		return nil, "", fmt.Errorf("%w: %s: %w", ErrModel, name, err)
	}
	digest := sha256.Sum256(onnx)
	return g, hex.EncodeToString(digest[:]), nil
}

// agree checks that the graph has exactly the inputs, and the output, that the card promises.
func agree(card modelcard.Card, g *graph.Graph) error {
	r, k := card.Recipe, len(card.Classes)
	want := map[string]string{card.Input: describe(tensor.Float32, []int{1, len(r.Channels), r.Size[2], r.Size[1], r.Size[0]})}
	for _, n := range card.Noise {
		t := tensor.Float32
		if n.Kind == modelcard.Bernoulli {
			t = tensor.Bool
		}
		want[n.Name] = describe(t, n.Shape)
	}
	for _, in := range g.Inputs() {
		have := describe(in.DType(), in.Shape())
		switch w, ok := want[in.Name()]; {
		case !ok:
			return fmt.Errorf("%w: the graph has an input %q that its card does not describe, so that it cannot be fed", ErrModel, in.Name())
		case w != have:
			return fmt.Errorf("%w: its input %q is %s, but its card says %s", ErrModel, in.Name(), have, w)
		}
		delete(want, in.Name())
	}
	for name := range want {
		return fmt.Errorf("%w: its card describes an input %q that the graph does not have", ErrModel, name)
	}
	probabilities := describe(tensor.Float32, []int{1, k, r.Size[2], r.Size[1], r.Size[0]})
	for _, out := range g.Outputs() {
		if out.Name() != card.Output {
			continue
		}
		if have := describe(out.DType(), out.Shape()); have != probabilities {
			return fmt.Errorf("%w: its output %q is %s where %s is needed for classes %q", ErrModel, card.Output, have, probabilities, card.Classes)
		}
		return nil
	}
	return fmt.Errorf("%w: the graph has no output %q", ErrModel, card.Output)
}

func describe(t tensor.DType, shape []int) string { return fmt.Sprint(t, shape) }

// divide rewrites and cuts the part of the graph that yields the probabilities at the noise.
func divide(card modelcard.Card, g *graph.Graph) (prefix, suffix *graph.Graph, err error) {
	if g, err = graph.Select(g, card.Output); err != nil {
		return nil, nil, err
	}
	if g, err = rewrite.All(g); err != nil {
		return nil, nil, err
	}
	if len(card.Noise) == 0 {
		return nil, g, nil
	}
	var noise []string
	for _, in := range g.Inputs() {
		if isNoise(card, in.Name()) {
			noise = append(noise, in.Name())
		}
	}
	if len(noise) != len(card.Noise) {
		return nil, nil, fmt.Errorf("only %d of its %d noise inputs change the output", len(noise), len(card.Noise))
	}
	return graph.Cut(g, noise)
}

func isNoise(card modelcard.Card, name string) bool {
	return slices.ContainsFunc(card.Noise, func(n modelcard.Noise) bool { return n.Name == name })
}

// carried lists the inputs of the suffix that are not noise.
func carried(card modelcard.Card, suffix *graph.Graph) []string {
	var names []string
	for _, in := range suffix.Inputs() {
		if !isNoise(card, in.Name()) {
			names = append(names, in.Name())
		}
	}
	return names
}

// openGraph opens a part.
func openGraph(ctx context.Context, g *graph.Graph, open OpenRunner) (Runner, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r, err := open(g.WithMetadata(nil))
	if err != nil {
		return nil, fmt.Errorf("inference: opening the model: %w", err)
	}
	if r == nil {
		return nil, fmt.Errorf("%w: it was opened without a runner", ErrModel)
	}
	return r, nil
}
