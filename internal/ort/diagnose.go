package ort

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"bayeslice/internal/onnx/pb"
	"bayeslice/internal/tensor"
)

// Report is what [Diagnose] found out.
type Report struct {
	Err       error            // why nothing can run, or nil
	Library   Library          // what is loaded; empty where Err is not nil
	Version   string           // of ONNX Runtime
	Threads   int              // per operator
	Searched  []Library        // the places looked at, in order, each with its problem
	Providers []ProviderReport // in the order of [Providers], without Auto
}

// ProviderReport says whether a provider works on this machine.
type ProviderReport struct {
	Provider Provider
	Works    bool
	Device   string // as [Session.Device] of a small test model; "" where it does not work
	Note     string // why it does not work, or what falls back to the CPU
}

// Diagnose searches and loads the library, and runs a small convolution on every provider. On a
// GPU that was never used before this may take a minute; ctx ends it early, leaving out the rest.
func Diagnose(ctx context.Context, o Options) Report {
	r := Report{Searched: Search(o)}
	env, err := Open(o)
	if err != nil {
		r.Err = err
		return r
	}
	r.Library, r.Version, r.Threads = env.library, env.version, env.threads
	for _, p := range Providers() {
		if ctx.Err() != nil {
			return r
		}
		if p != Auto {
			r.Providers = append(r.Providers, env.try(ctx, p))
		}
	}
	return r
}

func (e *Env) try(ctx context.Context, p Provider) ProviderReport {
	r := ProviderReport{Provider: p}
	if err := available(p); err != nil {
		r.Note = e.explain(p, err)
		return r
	}
	model, err := testModel()
	if err != nil {
		r.Note = err.Error()
		return r
	}
	s, err := e.NewSession(model, SessionOptions{Provider: p})
	if err != nil {
		r.Note = err.Error()
		return r
	}
	defer s.Close() //nolint:errcheck // the answer is known by then
	out, err := s.Run(ctx, map[string]*tensor.Tensor{"x": ramp()})
	switch {
	case err != nil:
		r.Note = err.Error()
	case !slices.Equal(out["y"].F32, []float32{testSum}):
		r.Note = fmt.Sprintf("it computes wrong numbers: %v where %v is right", out["y"].F32, testSum)
	default:
		r.Works, r.Device = true, s.Device()
		if off := s.Fallbacks(); len(off) > 0 {
			r.Note = fmt.Sprintf("on the CPU: %v", off)
		}
	}
	return r
}

// The test model adds the 27 voxels 0…26 in one 3×3×3 convolution: 26·27/2. All are small
// integers, so that every device must be exact.
const testSum = 351

func ramp() *tensor.Tensor {
	t := tensor.NewFloat32(1, 1, 3, 3, 3)
	for i := range t.F32 {
		t.F32[i] = float32(i)
	}
	return t
}

// testModel encodes x → Conv(x, ones) → y.
func testModel() ([]byte, error) {
	ones := make([]float32, 27)
	for i := range ones {
		ones[i] = 1
	}
	m := pb.Model{IRVersion: 8, Opsets: []pb.Opset{{Version: 17}}, Graph: &pb.Graph{
		Name:         "test",
		Nodes:        []*pb.Node{{OpType: "Conv", Inputs: []string{"x", "w"}, Outputs: []string{"y"}}},
		Initializers: []*pb.Tensor{{Name: "w", Type: pb.Float, Dims: []int64{1, 1, 3, 3, 3}, F32: ones}},
		Inputs:       []pb.ValueInfo{{Name: "x", Type: pb.Float, Dims: []int64{1, 1, 3, 3, 3}}},
		Outputs:      []pb.ValueInfo{{Name: "y", Type: pb.Float, Dims: []int64{1, 1, 1, 1, 1}}},
	}}
	var b bytes.Buffer
	err := m.Encode(&b)
	return b.Bytes(), err
}
