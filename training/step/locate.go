package step

import (
	"context"
	"errors"
	"fmt"

	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/onnx/probe"
	"bayeslice/internal/tensor"
)

// Runner runs an opened graph; see inference.Runner.
type Runner interface {
	Run(ctx context.Context, in map[string]*tensor.Tensor) (map[string]*tensor.Tensor, error)
	Close() error
}

// Locate names the first node of the step, in the order of the computation, that holds a NaN or an
// infinity when it is fed in: an input or a parameter that came in bad, or the layer in which a number
// grew out of range. It is "" where every node is finite. It is for the step that a training stopped at:
// it opens the graph once more, with the function that opened the step, watches every node, and so takes
// more memory and several times as long as a step. Errors are those of opening and running.
func Locate[R Runner](ctx context.Context, s *Step, open func(*graph.Graph) (R, error), in map[string]*tensor.Tensor) (name string, err error) {
	watched, nodes, err := probe.Watch(s.Graph)
	if err != nil {
		return "", fmt.Errorf("step: %w", err)
	}
	r, err := open(watched)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	out, err := r.Run(ctx, in)
	if err != nil {
		return "", err
	}
	first, err := probe.First(nodes, out[probe.OutputName])
	if err != nil || first == nil {
		return "", err
	}
	return first.Name(), nil
}
