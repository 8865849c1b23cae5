package inference

import (
	"fmt"
	"math"

	"bayeslice/internal/machine"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/onnx/pb"
)

// Bounds of a model. The paper's network has 130 MB, takes 1.3 GB and 2·10¹¹ multiply-adds a sample.
const (
	maxModelBytes = 2<<30 - 1 // of a file: protobuf cannot hold more
	largeModel    = 256 << 20 // bytes of a file from which its card is looked for before its weights are read
	maxWork       = 1 << 47   // multiply-adds of a sample: some hours of a core
	maxStep       = 1 << 43   // multiply-adds of one operator, which is finished before a run can be stopped
	maxMemory     = 64 << 30  // bytes, where the machine does not say how much it has
)

// memory is the most that a model may take here, in bytes.
func memory() int64 {
	if n := machine.Total(); n > 0 {
		return n
	}
	return maxMemory
}

// affordable refuses a part of a model that would take more than most bytes of memory, together with the noise and the
// statistics of its samples, or would not end. A few kilobytes can ask for both. part may be nil.
func affordable(card modelcard.Card, part *graph.Graph, most int64) error {
	if part == nil {
		return nil
	}
	n := part.Needs()
	if n.Longest > maxStep {
		return fmt.Errorf("%w: its operator %q alone would do %.1g multiplications; use a model for a smaller grid", ErrModel, n.Slowest, float64(n.Longest))
	}
	if n.Work > maxWork {
		return fmt.Errorf("%w: one sample would do %.1g multiplications; use a smaller model", ErrModel, float64(n.Work))
	}
	if need := n.Bytes + besides(card); need > most {
		return fmt.Errorf("%w: a sample takes at least %s of memory (at %q), and this computer has %s; use a model for a smaller grid",
			ErrModel, gigabytes(need), n.At, gigabytes(most))
	}
	return nil
}

// besides is what sampling holds beside the graph, in bytes: the noise of the next sample, and of each voxel the sums of
// [Stats] and the maps of one snapshot.
func besides(card modelcard.Card) int64 {
	r, k := card.Recipe, int64(len(card.Classes))
	total := int64(r.Size[0]) * int64(r.Size[1]) * int64(r.Size[2]) * (16*k + 8 + 4*(2*k+3))
	for _, n := range card.Noise {
		elements := int64(4)
		for _, d := range n.Shape {
			elements *= int64(d) // within 2³⁶: it is the shape of an input of the graph
		}
		total += elements
	}
	return total
}

func gigabytes(n int64) string { return fmt.Sprintf("%.3g GB", float64(n)/1e9) }

// finite refuses weights that are no numbers: every map would be empty.
func finite(g *graph.Graph) error {
	for _, n := range g.Nodes() {
		if n.Data() == nil {
			continue
		}
		for i, v := range n.Data().F32 {
			if f := float64(v); math.IsNaN(f) || n.Op() == graph.OpParam && math.IsInf(f, 0) {
				return fmt.Errorf("%w: element %d of its weights %q is %g, so that its training went wrong or the file is damaged; copy it again, or use another model",
					ErrModel, i, n.Name(), v)
			}
		}
	}
	return nil
}

// described refuses the bytes of an ONNX file without a usable card, reading nothing else of it.
func described(onnx []byte) error {
	entries, err := pb.Metadata(onnx)
	if err != nil {
		return err
	}
	metadata := map[string]string{}
	for _, e := range entries {
		metadata[e.Key] = e.Value
	}
	_, err = modelcard.Decode(metadata)
	return err
}
