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

// build makes a graph whose only output is y, or fails the test.
func build(t testing.TB, f func(b *graph.Builder) *graph.Node) *graph.Graph {
	t.Helper()
	g, err := graph.Build("test", func(b *graph.Builder) { b.Output("y", f(b)) })
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// sample uses parameters, constants, lists, floats, omitted inputs and metadata.
func sample(t testing.TB) *graph.Graph {
	t.Helper()
	g, err := graph.Build("sample", func(b *graph.Builder) {
		x := b.Input("x", tensor.Float32, 1, 2, 4, 4, 4)
		mask := b.Input("mask", tensor.Bool, 1, 4, 2, 4, 2)
		w := b.Param("w", 4, 2, 3, 3, 3)
		y := b.Conv(x, w, nil, graph.ConvOptions{Strides: []int{2, 1, 2}, Begin: []int{1, 1, 1}, End: []int{1, 1, 1}})
		y = b.InstanceNorm(y, b.Param("scale", 4), b.Param("shift", 4), 1e-3)
		y = b.LeakyRelu(b.Where(mask, b.Mul(y, b.Scalar(2)), b.Scalar(0)), 0.1)
		b.Output("big", b.Enlarge(y, 1, 4, 4, 4, 4))
		b.Output("soft", b.Softmax(b.Clip(y, -3, 3), 1))
		b.Metadata("who", "test")
	})
	if err != nil {
		t.Fatal(err)
	}
	w := map[string]*tensor.Tensor{}
	for _, p := range g.Params() {
		v := tensor.NewFloat32(p.Shape()...)
		for i := range v.F32 {
			v.F32[i] = float32(i%7) - 3
		}
		w[p.Name()] = v
	}
	if g, err = g.Bind(w); err != nil {
		t.Fatal(err)
	}
	return g
}

func encode(t testing.TB, g *graph.Graph) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := g.Encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestEncodeDecode(t *testing.T) {
	g := sample(t)
	first := encode(t, g)
	got, err := graph.Decode(bytes.NewReader(first))
	if err != nil {
		t.Fatal(err)
	}
	if got.Metadata()["who"] != "test" || got.Name() != "sample" || len(got.Params()) != 3 || len(got.Inputs()) != 2 {
		t.Errorf("metadata %v, name %q, %d parameters, %d inputs", got.Metadata(), got.Name(), len(got.Params()), len(got.Inputs()))
	}
	if !bytes.Equal(encode(t, got), first) {
		t.Error("decoding and encoding changed the file")
	}
	if !bytes.Equal(encode(t, g), first) {
		t.Error("encoding twice gave two files")
	}
	if b, err := g.EncodeBytes(); err != nil || !bytes.Equal(b, first) || cap(b) != len(b) {
		t.Errorf("into memory: %d bytes in %d where the file has %d, %v", len(b), cap(b), len(first), err)
	}
}

// TestBuildErrors holds that errors name the node and the shapes.
func TestBuildErrors(t *testing.T) {
	input := func(b *graph.Builder, shape ...int) *graph.Node { return b.Input("x", tensor.Float32, shape...) }
	for name, c := range map[string]struct {
		f    func(b *graph.Builder) *graph.Node
		want []string
	}{
		"channels": {func(b *graph.Builder) *graph.Node {
			var y *graph.Node
			x := input(b, 1, 3, 4, 4)
			b.Scope("stem", func() { y = b.Conv(x, b.Param("w", 8, 2, 3, 3), nil, graph.ConvOptions{}) })
			return y
		}, []string{`"stem/Conv"`, "[1 3 4 4]", "[8 2 3 3]"}},
		"broadcast": {func(b *graph.Builder) *graph.Node { return b.Add(input(b, 2, 3), b.Param("p", 2, 2)) }, []string{`"Add"`, "[2 3]", "[2 2]"}},
		"rank":      {func(b *graph.Builder) *graph.Node { return b.Transpose(input(b, 2, 3), 0) }, []string{"permutation [0]"}},
		"reshape":   {func(b *graph.Builder) *graph.Node { return b.Reshape(input(b, 2, 3), 4, -1) }, []string{"[4 -1]"}},
		"type":      {func(b *graph.Builder) *graph.Node { return b.Exp(b.Input("m", tensor.Bool, 2)) }, []string{"bool"}},
		"twice":     {func(b *graph.Builder) *graph.Node { input(b, 1); return input(b, 1) }, []string{`"x"`, "twice"}},
		"empty":     {func(b *graph.Builder) *graph.Node { return input(b, 0, 3) }, []string{"empty axis"}},
		"huge":      {func(b *graph.Builder) *graph.Node { return input(b, 1<<30, 1<<30) }, []string{"too many"}},
		"kernel": {func(b *graph.Builder) *graph.Node {
			return b.Conv(input(b, 1, 1, 2), b.Param("w", 1, 1, 3), nil, graph.ConvOptions{})
		}, []string{"larger"}},
		"axis":      {func(b *graph.Builder) *graph.Node { return b.ReduceMean(input(b, 2, 2), 2) }, []string{"axis 2"}},
		"operator":  {func(b *graph.Builder) *graph.Node { return b.Node("Einsum", nil, input(b, 2)) }, []string{`"Einsum"`}},
		"attribute": {func(b *graph.Builder) *graph.Node { return b.Node("Relu", graph.Attrs{"alpha": 1}, input(b, 2)) }, []string{`"alpha"`}},
	} {
		t.Run(name, func(t *testing.T) {
			g, err := graph.Build("g", func(b *graph.Builder) { b.Output("y", c.f(b)) })
			if g != nil || !errors.Is(err, graph.ErrGraph) {
				t.Fatalf("got %v, want ErrGraph", err)
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q does not mention %s", err, w)
				}
			}
		})
	}
}

// TestBuildPassesForeignPanics: only the builder's own panic becomes an error.
func TestBuildPassesForeignPanics(t *testing.T) {
	defer func() {
		if r := recover(); r != "mine" {
			t.Errorf("recovered %v", r)
		}
	}()
	_, _ = graph.Build("g", func(*graph.Builder) { panic("mine") })
}

func TestBindAndEncodeErrors(t *testing.T) {
	g := build(t, func(b *graph.Builder) *graph.Node { return b.Add(b.Input("x", tensor.Float32, 2), b.Param("p", 2)) })
	if err := g.Encode(&bytes.Buffer{}); !errors.Is(err, graph.ErrGraph) {
		t.Errorf("encoding without weights: %v", err)
	}
	if _, err := g.Bind(nil); !errors.Is(err, graph.ErrGraph) {
		t.Errorf("binding nothing: %v", err)
	}
	if _, err := g.Bind(map[string]*tensor.Tensor{"p": tensor.NewFloat32(3)}); !errors.Is(err, graph.ErrGraph) {
		t.Errorf("binding another shape: %v", err)
	}
}

// TestDecodeRefusals changes one thing of a good file at a time.
func TestDecodeRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		change func(m *pb.Model)
		want   string
	}{
		"operator":   {func(m *pb.Model) { m.Graph.Nodes[0].OpType = "FancyConv" }, `"FancyConv"`},
		"domain":     {func(m *pb.Model) { m.Graph.Nodes[0].Domain = "com.example" }, "com.example"},
		"opset":      {func(m *pb.Model) { m.Opsets[0].Version = 99 }, "99"},
		"open shape": {func(m *pb.Model) { m.Graph.Inputs[0].Dims[0] = -1 }, "fixed"},
		"dangling":   {func(m *pb.Model) { m.Graph.Nodes[0].Inputs[0] = "nowhere" }, `"nowhere"`},
		"output":     {func(m *pb.Model) { m.Graph.Outputs[0].Name = "nowhere" }, `"nowhere"`},
		"wrong out":  {func(m *pb.Model) { m.Graph.Outputs[0].Dims[1]++ }, "declared"},
		"order":      {func(m *pb.Model) { n := m.Graph.Nodes; n[0], n[1] = n[1], n[0] }, "nothing before"},
		"twice":      {func(m *pb.Model) { m.Graph.Nodes[1].Outputs[0] = m.Graph.Nodes[0].Outputs[0] }, "twice"},
		"no outputs": {func(m *pb.Model) { m.Graph.Outputs = nil }, "no outputs"},
		"two outs":   {func(m *pb.Model) { m.Graph.Nodes[0].Outputs = []string{"a", "b"} }, "2 outputs"},
		"two lines":  {func(m *pb.Model) { n := m.Graph.Nodes[0]; n.OpType, n.Outputs = "Conv\n\x1b[2J", nil }, `("Conv\n`},
		"attribute": {func(m *pb.Model) {
			m.Graph.Nodes[0].Attributes = []pb.Attribute{{Name: "group", Type: pb.AttrString, S: "\n\x1b[2J"}}
		}, `= "\n\x1b[2J"`},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := pb.Decode(encode(t, sample(t)))
			if err != nil {
				t.Fatal(err)
			}
			c.change(m)
			var b bytes.Buffer
			if err := m.Encode(&b); err != nil {
				t.Fatal(err)
			}
			if _, err := graph.Decode(&b); !errors.Is(err, graph.ErrGraph) || !strings.Contains(err.Error(), c.want) || strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("got %q, want ErrGraph with %s", err, c.want)
			}
		})
	}
	if _, err := graph.Decode(strings.NewReader("not a model")); !errors.Is(err, pb.ErrMalformed) {
		t.Errorf("text: %v", err)
	}
}

func TestSelect(t *testing.T) {
	g := sample(t)
	part, err := graph.Select(g, "Conv")
	if err != nil {
		t.Fatal(err)
	}
	if len(part.Inputs()) != 1 || len(part.Nodes()) != 3 {
		t.Errorf("selected %v", part.Nodes())
	}
	if _, err := graph.Select(g, "nothing"); !errors.Is(err, graph.ErrGraph) {
		t.Errorf("unknown name: %v", err)
	}
}

// FuzzDecode holds that no file panics, and that what decodes is verified and encodes.
func FuzzDecode(f *testing.F) {
	f.Add(encode(f, sample(f)))
	f.Add(encodeHalf(f, sample(f)))
	f.Add([]byte("ONNX"))
	f.Fuzz(func(t *testing.T, data []byte) {
		g, err := graph.Decode(bytes.NewReader(data))
		if err != nil {
			return
		}
		if err := g.Verify(); err != nil {
			t.Fatal(err)
		}
		if err := g.Encode(&bytes.Buffer{}); err != nil {
			t.Fatal(err)
		}
	})
}
