package ort

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

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
		r.Note = reason(err)
		return r
	}
	s, err := e.NewSession(testModel(), SessionOptions{Provider: p})
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

// testModel encodes x → Conv(x, ones) → y, by the field numbers of onnx.proto.
func testModel() []byte {
	var ones []byte
	for range 27 {
		ones = binary.LittleEndian.AppendUint32(ones, math.Float32bits(1))
	}
	weight := join(ints(1, 1, 1, 3, 3, 3), number(2, 1), text(8, "w"), text(9, string(ones)))
	node := join(text(1, "x"), text(1, "w"), text(2, "y"), text(4, "Conv"))
	graph := join(text(1, string(node)), text(2, "test"), text(graphInitializer, string(weight)),
		text(graphInput, string(floatPort("x", 1, 1, 3, 3, 3))), text(graphOutput, string(floatPort("y", 1, 1, 1, 1, 1))))
	opset := number(2, 17)
	return join(number(1, 8), text(modelGraph, string(graph)), text(8, string(opset)))
}

func floatPort(name string, shape ...uint64) []byte {
	var dims []byte
	for _, d := range shape {
		dims = append(dims, text(shapeDim, string(number(dimValue, d)))...)
	}
	t := join(number(tensorElem, 1), text(tensorShape, string(dims)))
	return join(text(valueName, name), text(valueType, string(text(typeTensor, string(t)))))
}

func text(field protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(nil, field, protowire.BytesType), s)
}

func number(field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, field, protowire.VarintType), v)
}

func ints(field protowire.Number, v ...uint64) []byte {
	var b []byte
	for _, n := range v {
		b = append(b, number(field, n)...)
	}
	return b
}

func join(parts ...[]byte) []byte { return slices.Concat(parts...) }
