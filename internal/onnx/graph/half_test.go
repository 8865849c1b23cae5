package graph_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/onnx/pb"
	"bayeslice/internal/tensor"
)

// odd returns the sample graph with weights that float16 cannot hold exactly.
func odd(t testing.TB) (*graph.Graph, map[string]*tensor.Tensor) {
	t.Helper()
	g := sample(t)
	w := map[string]*tensor.Tensor{}
	for _, p := range g.Params() {
		w[p.Name()] = tensor.NewFloat32(p.Shape()...)
		for i := range w[p.Name()].F32 {
			w[p.Name()].F32[i] = float32(i)/7 - 0.3
		}
	}
	g, err := g.Bind(w)
	if err != nil {
		t.Fatal(err)
	}
	return g, w
}

func encodeHalf(t testing.TB, g *graph.Graph) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := g.EncodeHalf(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestHalvesDecodeToRoundedParameters: kernels come back rounded, everything else as it was.
func TestHalvesDecodeToRoundedParameters(t *testing.T) {
	g, w := odd(t)
	file := encodeHalf(t, g)
	got, err := graph.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	w["w"] = graph.RoundHalf(w["w"])
	if w["w"].F32[1] == g.Params()[0].Data().F32[1] {
		t.Error("RoundHalf changed nothing")
	}
	for _, p := range got.Params() {
		if want := w[p.Name()]; want == nil || string(describe(p.Data())) != string(describe(want)) {
			t.Errorf("parameter %s: %v", p, p.Data().F32)
		}
	}
	if len(got.Params()) != 3 || len(got.Nodes()) != len(g.Nodes()) {
		t.Errorf("%d parameters and %d nodes, want 3 and %d", len(got.Params()), len(got.Nodes()), len(g.Nodes()))
	}
	if !bytes.Equal(encodeHalf(t, got), file) {
		t.Error("rounding twice gave another file")
	}
	want, err := g.Bind(w)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := graph.Decode(bytes.NewReader(encode(t, want))); err != nil || len(again.Nodes()) != len(got.Nodes()) {
		t.Errorf("the same weights as float32: %v", err)
	}
}

func describe(t *tensor.Tensor) []byte {
	var b bytes.Buffer
	m := pb.Model{Graph: &pb.Graph{Initializers: []*pb.Tensor{{Type: pb.Float, Dims: []int64{int64(t.Count())}, F32: t.F32}}}}
	_ = m.Encode(&b) // a buffer takes everything
	return b.Bytes()
}

func TestHalvesAreRefusedWhereTheyMisfit(t *testing.T) {
	g, w := odd(t)
	big := tensor.NewFloat32(w["w"].Shape...)
	big.F32[3] = 65520
	tooBig, err := g.Bind(map[string]*tensor.Tensor{"w": big})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := tooBig.EncodeHalf(&b); !errors.Is(err, graph.ErrGraph) || !strings.Contains(err.Error(), `"w"`) {
		t.Errorf("65520: %v", err)
	}
	taken, err := graph.Build("g", func(b *graph.Builder) {
		b.Output("half/p", b.MatMul(b.Input("x", tensor.Float32, 1, 2), b.Param("p", 2, 2)))
	})
	if err != nil {
		t.Fatal(err)
	}
	if taken, err = taken.Bind(map[string]*tensor.Tensor{"p": tensor.NewFloat32(2, 2)}); err != nil {
		t.Fatal(err)
	}
	if err := taken.EncodeHalf(&b); !errors.Is(err, graph.ErrGraph) || !strings.Contains(err.Error(), "half/p") {
		t.Errorf("a name that is taken: %v", err)
	}
	for name, c := range map[string]struct {
		change func(m *pb.Model)
		want   string
	}{
		"cast to int64":  {func(m *pb.Model) { m.Graph.Nodes[0].Attributes[0].I = int64(pb.Int64) }, "float16"},
		"read by others": {func(m *pb.Model) { m.Graph.Nodes[0].OpType, m.Graph.Nodes[0].Attributes = "Neg", nil }, "float16"},
		"twice":          {func(m *pb.Model) { m.Graph.Initializers = append(m.Graph.Initializers, m.Graph.Initializers[0]) }, "twice"},
		"as an input":    {func(m *pb.Model) { m.Graph.Inputs[0].Type = pb.Float16 }, "type 10"},
	} {
		m, err := pb.Decode(encodeHalf(t, g))
		if err != nil {
			t.Fatal(err)
		}
		c.change(m)
		var file bytes.Buffer
		if err := m.Encode(&file); err != nil {
			t.Fatal(err)
		}
		if _, err := graph.Decode(&file); !errors.Is(err, graph.ErrGraph) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in an ErrGraph", name, err, c.want)
		}
	}
}
