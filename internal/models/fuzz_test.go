package models

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"bayeslice/inference"
	"bayeslice/internal/devices"
	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/nets"
	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/onnx/pb"
	"bayeslice/internal/ort"
	"bayeslice/internal/prep"
	"bayeslice/internal/tensor"
	"bayeslice/internal/testenv"
)

// smallest is the file of M1 with four filters on 16 × 16 × 4 voxels.
func smallest(t testing.TB, task modelcard.Task) []byte {
	t.Helper()
	c := nets.PaperM1(task)
	c.Size, c.Filters = [3]int{4, 16, 16}, [nets.Levels]int{4, 4, 4, 4, 4}
	c.Reduction, c.Latent, c.Head = 2, 2, [2]int{2, 2}
	r := prep.PaperRecipe(task == modelcard.Diagnosis)
	r.Size = [3]int{16, 16, 4}
	w, err := nets.Init(c, 1)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "smallest.onnx")
	if err := nets.WriteModel(path, c, w, modelcard.Card{Name: "smallest", Recipe: r, WeightSeed: 1}); err != nil {
		t.Fatal(err)
	}
	onnx, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return onnx
}

// noRunner stands for a session: it takes what is opened, after a look at it, and runs nothing.
type noRunner struct{ inference.Runner }

func (noRunner) Close() error { return nil }

// maxTaken and maxSeconds are what loading a file of fuzzed bytes, some kilobytes, may take.
const (
	maxTaken   = 512 << 20
	maxSeconds = 20
)

// taken is how many bytes were ever allocated.
func taken() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// load takes a file down the whole road to its sessions. What is refused is refused in one sentence, and cheaply.
func load(t *testing.T, onnx []byte, open inference.OpenRunner) *inference.Model {
	t.Helper()
	before, began := taken(), time.Now()
	f, err := inference.ReadBytes("a file", onnx)
	var m *inference.Model
	if err == nil {
		m, err = f.Load(t.Context(), inference.Openers{Once: open, Each: open})
	}
	if used := taken() - before; used > maxTaken || time.Since(began) > maxSeconds*time.Second {
		t.Fatalf("%d bytes in %v for a file of %d bytes: %v", used, time.Since(began), len(onnx), err)
	}
	if err != nil && (!errors.Is(err, inference.ErrModel) && !errors.Is(err, ort.ErrModel) || strings.ContainsAny(err.Error(), "\n\x00\x1b") || len(err.Error()) > 8000) {
		t.Fatalf("%.3000q", err)
	}
	return m
}

// FuzzModelFile loads whatever bytes come as a model file, up to its sessions.
func FuzzModelFile(f *testing.F) {
	f.Add(smallest(f, modelcard.Anatomy))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, onnx []byte) {
		load(t, onnx, func(part *graph.Graph) (inference.Runner, error) {
			var b bytes.Buffer
			if err := part.Encode(&b); err != nil {
				return nil, fmt.Errorf("%w: %w", ort.ErrModel, err) // as package devices does
			}
			_, _, err := pb.Signature(b.Bytes())
			return noRunner{}, err
		})
	})
}

// FuzzModelEdits changes a real model as the bytes say, part by part, and loads it; what is accepted and small is run once.
func FuzzModelEdits(f *testing.F) {
	models := [][]byte{smallest(f, modelcard.Anatomy), smallest(f, modelcard.Diagnosis)}
	env, err := ort.Open(ort.Options{Provider: "cpu", Threads: 1})
	if err != nil {
		testenv.SkipOrFail(f, "ort", err.Error())
	}
	for kind := range edits {
		for at := range 4 {
			f.Add([]byte{byte(at), byte(kind), byte(37 * at), byte(5 * at), byte(at), byte(kind + 3), byte(11 * at), 3, 7})
		}
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		s := &edit{left: script}
		m, err := pb.Decode(models[s.pick(len(models))])
		if err != nil {
			t.Fatal(err)
		}
		s.model = m
		for range 16 {
			if len(s.left) == 0 {
				break
			}
			edits[s.pick(len(edits))](s)
		}
		var onnx bytes.Buffer
		if err := m.Encode(&onnx); err != nil {
			return // not every model can be written
		}
		open, quick := Each(t.Context(), devices.New(env, devices.Options{}), devices.Use{}), isQuick(onnx.Bytes())
		if !quick {
			open = func(*graph.Graph) (inference.Runner, error) { return noRunner{}, nil }
		}
		model := load(t, onnx.Bytes(), open)
		if model == nil || !quick {
			return
		}
		defer func() {
			if err := model.Close(); err != nil {
				t.Error(err)
			}
		}()
		sampleOnce(t, model)
	})
}

// isQuick reports whether a model runs in a moment.
func isQuick(onnx []byte) bool {
	g, err := graph.DecodeBytes(onnx)
	if err != nil {
		return false
	}
	n := g.Needs()
	return n.Bytes < 64<<20 && n.Work < 1<<28
}

// sampleOnce draws two samples on an image of ramps: maps, or an error that is one of those declared.
func sampleOnce(t *testing.T, m *inference.Model) {
	r := m.Card().Recipe
	if r.Size[0]*r.Size[1]*r.Size[2] > 1<<16 {
		return
	}
	g, err := geom.NewGrid(r.Size, geom.Vec3{}, r.SpacingMM, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	in := tensor.NewFloat32(1, len(r.Channels), r.Size[2], r.Size[1], r.Size[0])
	for i := range in.F32 {
		in.F32[i] = float32(i%17) / 17
	}
	s := inference.Sampler{Model: m, Samples: 2}
	p, err := s.Run(t.Context(), &prep.Prepared{Input: in, Grid: g}, nil)
	if err != nil && !errors.Is(err, inference.ErrOutput) && !errors.Is(err, ort.ErrRun) && !errors.Is(err, ort.ErrInput) || err == nil && p.Samples < 1 {
		t.Fatal(err)
	}
}

// edit is a model that is being changed as a script of bytes says.
type edit struct {
	left  []byte
	model *pb.Model
}

// pick takes the next number below n from the script, 0 where it has ended.
func (e *edit) pick(n int) int {
	if n < 1 || len(e.left) == 0 {
		return 0
	}
	v := int(e.left[0])
	e.left = e.left[1:]
	if n > 256 && len(e.left) > 0 {
		v = v<<8 | int(e.left[0])
		e.left = e.left[1:]
	}
	return v % n
}

// numbers are those that break things.
var numbers = []int64{0, 1, -1, 2, 3, 4, 5, 16, 31, 255, 1 << 10, 1 << 16, 1<<20 + 1, 1 << 31, 1<<31 - 1, 1 << 36, 1 << 40, 1 << 62, 1<<63 - 1, -1 << 63, -1 << 31, -2}

func (e *edit) number() int64  { return numbers[e.pick(len(numbers))] }
func (e *edit) node() *pb.Node { return e.model.Graph.Nodes[e.pick(len(e.model.Graph.Nodes))] }
func (e *edit) leaf() *pb.Tensor {
	g := e.model.Graph
	return g.Initializers[e.pick(len(g.Initializers))]
}
func (e *edit) text() string      { return texts[e.pick(len(texts))] }
func (e *edit) value() string     { n := e.node(); return n.Outputs[e.pick(len(n.Outputs))] }
func (e *edit) swap(n []*pb.Node) { i, j := e.pick(len(n)), e.pick(len(n)); n[i], n[j] = n[j], n[i] }

// texts are names that something may trip over; operators of every kind are among them.
var texts = []string{"", "Conv", "ConvTranspose", "MatMul", "InstanceNormalization", "LeakyRelu", "Softmax", "Relu", "Exp", "Log", "Sqrt", "Cast", "Add", "Mul",
	"Div", "Pow", "Max", "Greater", "Where", "Clip", "ReduceMean", "Concat", "Slice", "Gather", "Pad", "Reshape", "Transpose", "Expand", "Resize", "DepthToSpace",
	"If", "Loop", "ConstantOfShape", "axis", "pads", "strides", "group", "x\x1b[31m\n", strings.Repeat("long", 400), "edge", "\xff\xfe"}

// edits are the changes that a script can ask for.
var edits = []func(e *edit){
	func(e *edit) { e.node().OpType = e.text() },
	func(e *edit) {
		if n := e.node(); len(n.Inputs) > 0 {
			n.Inputs[e.pick(len(n.Inputs))] = e.value()
		}
	},
	func(e *edit) { n := e.node(); n.Inputs = append(n.Inputs, e.value()) },
	func(e *edit) { n := e.node(); n.Inputs = n.Inputs[:e.pick(len(n.Inputs)+1)] },
	func(e *edit) { // another number in an attribute
		if n := e.node(); len(n.Attributes) > 0 {
			a := &n.Attributes[e.pick(len(n.Attributes))]
			if a.I = e.number(); len(a.Ints) > 0 {
				a.Ints[e.pick(len(a.Ints))] = e.number()
			}
		}
	},
	func(e *edit) {
		n := e.node()
		n.Attributes = append(n.Attributes, pb.Attribute{Name: e.text(), Type: pb.AttrInt, I: e.number()})
	},
	func(e *edit) { // another list of integers: axes, sizes, bounds
		if t := e.leaf(); len(t.I64) > 0 {
			t.I64[e.pick(len(t.I64))] = e.number()
		}
	},
	func(e *edit) { // another shape with as many elements
		t := e.leaf()
		t.Dims = append(t.Dims, 1)
		e.pickSwap(t.Dims)
	},
	func(e *edit) { // weights of one element that are stretched to any shape
		to := &pb.Tensor{Name: "const/to", Type: pb.Int64, Dims: []int64{5}, I64: make([]int64, 5)}
		for i := range to.I64 {
			to.I64[i] = e.number()
		}
		from := e.leaf().Name
		e.model.Graph.Initializers = append(e.model.Graph.Initializers, to)
		n := e.node()
		made := &pb.Node{OpType: "Expand", Inputs: []string{from, "const/to"}, Outputs: []string{"stretched"}}
		e.model.Graph.Nodes = append([]*pb.Node{made}, e.model.Graph.Nodes...)
		if len(n.Inputs) > 0 {
			n.Inputs[e.pick(len(n.Inputs))] = "stretched"
		}
	},
	func(e *edit) {
		if t := e.leaf(); len(t.Dims) > 0 {
			t.Dims[e.pick(len(t.Dims))] = e.number()
		}
	},
	func(e *edit) { e.swap(e.model.Graph.Nodes) },
	func(e *edit) { e.model.Graph.Nodes = append(e.model.Graph.Nodes, e.node()) },
	func(e *edit) { v := &e.model.Graph.Inputs[e.pick(len(e.model.Graph.Inputs))]; e.dims(v) },
	func(e *edit) { v := &e.model.Graph.Outputs[e.pick(len(e.model.Graph.Outputs))]; e.dims(v) },
	func(e *edit) { e.card() },
	func(e *edit) { e.model.Opsets[0].Version = e.number() },
	func(e *edit) {
		if t := e.leaf(); len(t.F32) > 0 {
			t.F32[e.pick(len(t.F32))] = float32(e.number()) * 1e30
		}
	},
}

// pickSwap exchanges two extents.
func (e *edit) pickSwap(d []int64) { i, j := e.pick(len(d)), e.pick(len(d)); d[i], d[j] = d[j], d[i] }

func (e *edit) dims(v *pb.ValueInfo) {
	if len(v.Dims) > 0 {
		v.Dims[e.pick(len(v.Dims))] = e.number()
	}
}

// card puts another number or text at some place of the card.
func (e *edit) card() {
	for i := range e.model.Metadata {
		var card map[string]any
		if json.Unmarshal([]byte(e.model.Metadata[i].Value), &card) != nil {
			continue
		}
		e.spoil(card)
		if text, err := json.Marshal(card); err == nil {
			e.model.Metadata[i].Value = string(text)
		}
	}
}

// fields are places in a card.
var fields = []string{"recipe", "noise", "size", "spacingMM", "channels", "shape", "keep", "dropout", "latent", "classes", "input", "output", "name", "kind", "role", "norm", "task", "alpha"}

func (e *edit) spoil(in map[string]any) {
	key := fields[e.pick(len(fields))]
	switch v := in[key].(type) {
	case map[string]any:
		e.spoil(v)
	case []any:
		if len(v) == 0 {
			return
		}
		at := e.pick(len(v))
		if sub, ok := v[at].(map[string]any); ok {
			e.spoil(sub)
			return
		}
		v[at] = e.number()
	case string:
		in[key] = e.text()
	default:
		in[key] = e.number()
	}
}
