package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"bayeslice/internal/machine"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/nets"
	"bayeslice/internal/onnx/pb"
	"bayeslice/internal/phantom"
	"bayeslice/internal/prep"
)

// hostile is a model file with one thing wrong, and what is said about it.
type hostile struct {
	edit func(m *pb.Model)         // of the parts of a good model; may be nil
	raw  func(onnx []byte) []byte  // of the bytes; may be nil
	card func(card map[string]any) // of the card; may be nil
	want string                    // in the message
}

// inGraph puts a field into the graph of a model's bytes.
func inGraph(num protowire.Number, value []byte) func([]byte) []byte {
	return func(onnx []byte) []byte {
		var out []byte
		for len(onnx) > 0 {
			n, typ, size := protowire.ConsumeTag(onnx)
			all := size + protowire.ConsumeFieldValue(n, typ, onnx[size:])
			if n == 7 {
				graph, _ := protowire.ConsumeBytes(onnx[size:])
				out = bytesField(out, 7, bytesField(bytes.Clone(graph), num, value))
			} else {
				out = append(out, onnx[:all]...)
			}
			onnx = onnx[all:]
		}
		return out
	}
}

func bytesField(b []byte, num protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, num, protowire.BytesType), v)
}

func varint(b []byte, num protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, num, protowire.VarintType), v)
}

// outside is a tensor whose elements lie in a file.
func outside(file string) []byte {
	entry := bytesField(bytesField(nil, 1, []byte("location")), 2, []byte(file))
	return varint(bytesField(bytesField(varint(varint(nil, 1, 4), 2, 1), 8, []byte("w")), 13, entry), 14, 1)
}

// operator is a node with an attribute that holds a message: a graph, a list of tensors.
func operator(op string, attribute protowire.Number, value []byte) []byte {
	return bytesField(bytesField(bytesField(nil, 2, []byte("made")), 4, []byte(op)), 5, bytesField(bytesField(nil, 1, []byte("body")), attribute, value))
}

// nested is a graph in an If in a graph in an If and so on.
func nested(depth int) []byte {
	graph := bytesField(nil, 2, []byte("innermost"))
	for range depth {
		graph = bytesField(nil, 1, operator("If", 6, graph))
	}
	return graph
}

// stretch puts a value of any shape, made of one number, in place of what a node of an operator reads.
func stretch(op string, input int, shape ...int64) func(m *pb.Model) {
	return func(m *pb.Model) {
		g := m.Graph
		g.Initializers = append(g.Initializers, &pb.Tensor{Name: "const/one", Type: pb.Float, F32: []float32{1}},
			&pb.Tensor{Name: "const/shape", Type: pb.Int64, Dims: []int64{int64(len(shape))}, I64: shape})
		for _, n := range g.Nodes {
			if n.OpType == op {
				n.Inputs[input] = "stretched"
				break
			}
		}
		g.Nodes = append([]*pb.Node{{OpType: "Expand", Inputs: []string{"const/one", "const/shape"}, Outputs: []string{"stretched"}}}, g.Nodes...)
	}
}

// besideOutput adds to the output the mean of something large, so that all shapes fit.
func besideOutput(make func(g *pb.Graph) (value string)) func(m *pb.Model) {
	return func(m *pb.Model) {
		g := m.Graph
		last := g.Nodes[len(g.Nodes)-1]
		name := last.Outputs[0]
		last.Outputs[0] = "before"
		value := make(g)
		g.Initializers = append(g.Initializers, &pb.Tensor{Name: "const/axes", Type: pb.Int64, Dims: []int64{5}, I64: []int64{0, 1, 2, 3, 4}})
		g.Nodes = append(g.Nodes,
			&pb.Node{OpType: "ReduceMean", Inputs: []string{value, "const/axes"}, Outputs: []string{"mean"}},
			&pb.Node{OpType: "Mul", Inputs: []string{"before", "mean"}, Outputs: []string{name}})
	}
}

// expand makes a value of a shape from another one.
func expand(from string, shape ...int64) func(g *pb.Graph) string {
	return func(g *pb.Graph) string {
		g.Initializers = append(g.Initializers, &pb.Tensor{Name: "const/to", Type: pb.Int64, Dims: []int64{int64(len(shape))}, I64: shape})
		g.Nodes = append(g.Nodes, &pb.Node{OpType: "Expand", Inputs: []string{from, "const/to"}, Outputs: []string{"large"}})
		return "large"
	}
}

// endless convolves something with a kernel as large as it is.
func endless(g *pb.Graph) string {
	shape := func(name string, dims ...int64) {
		g.Initializers = append(g.Initializers, &pb.Tensor{Name: "const/" + name, Type: pb.Int64, Dims: []int64{5}, I64: dims})
		g.Nodes = append(g.Nodes, &pb.Node{OpType: "Expand", Inputs: []string{"const/one", "const/" + name}, Outputs: []string{name}})
	}
	g.Initializers = append(g.Initializers, &pb.Tensor{Name: "const/one", Type: pb.Float, F32: []float32{1}})
	shape("picture", 1, 1, 600, 600, 600)
	shape("kernel", 1, 1, 300, 300, 300)
	g.Nodes = append(g.Nodes, &pb.Node{OpType: "Conv", Inputs: []string{"picture", "kernel"}, Outputs: []string{"large"}})
	return "large"
}

// weights is a parameter of some elements of a model.
func weights(m *pb.Model) *pb.Tensor {
	for _, t := range m.Graph.Initializers {
		if len(t.F32) > 4 {
			return t
		}
	}
	return nil
}

// hostileModels are files that must be refused. Each is a good model but for one thing.
func hostileModels() map[string]hostile {
	deep := func(c map[string]any, list, field string, to any) {
		c[list].([]any)[0].(map[string]any)[field] = to
	}
	recipe := func(c map[string]any) map[string]any { return c["recipe"].(map[string]any) }
	return map[string]hostile{
		"external data beside it":      {raw: inGraph(5, outside("weights.bin")), want: "separate files; save it as a single file"},
		"external data above it":       {raw: inGraph(5, outside("../../secret.bin")), want: "separate files; save it as a single file"},
		"external data anywhere":       {raw: inGraph(5, outside("/etc/passwd")), want: "separate files; save it as a single file"},
		"external data on a server":    {raw: inGraph(5, outside(`\\server\share\w.bin`)), want: "separate files; save it as a single file"},
		"an operator of somebody":      {edit: func(m *pb.Model) { m.Graph.Nodes[0].Domain = "com.example" }, want: `of domain "com.example"`},
		"an operator of ONNX Runtime":  {edit: func(m *pb.Model) { m.Graph.Nodes[0].Domain = "com.microsoft" }, want: `of domain "com.microsoft"`},
		"an operator of another name":  {edit: func(m *pb.Model) { m.Graph.Nodes[0].OpType = "ConstantOfShape" }, want: `"ConstantOfShape" is not one of those`},
		"a function of its own":        {raw: func(b []byte) []byte { return bytesField(b, 25, []byte("\x0a\x01f")) }, want: "local functions"},
		"a graph in an If":             {raw: inGraph(1, operator("If", 6, nested(1))), want: "sub-graph"},
		"a graph in a Loop":            {raw: inGraph(1, operator("Loop", 6, nested(1))), want: "sub-graph"},
		"graphs in graphs":             {raw: inGraph(1, operator("If", 6, nested(10000))), want: "sub-graph"},
		"a list of tensors":            {raw: inGraph(1, operator("Constant", 10, outside("w"))), want: "list of tensors"},
		"a sparse tensor":              {raw: inGraph(15, nil), want: "sparse"},
		"fewer weights than it says":   {edit: func(m *pb.Model) { weights(m).Dims[0]++ }, want: "elements where dimensions"},
		"weights cut in a number":      {raw: inGraph(5, bytesField(varint(varint(nil, 1, 1), 2, 1), 9, []byte{1, 2, 3})), want: "no whole number of elements"},
		"a tensor beyond counting":     {edit: func(m *pb.Model) { weights(m).Dims = []int64{1 << 62, 1 << 62, 4} }, want: "dimensions"},
		"2^40 elements, none there":    {edit: func(m *pb.Model) { weights(m).Dims = []int64{1 << 20, 1 << 20} }, want: "elements where dimensions"},
		"an axis below nothing":        {edit: func(m *pb.Model) { weights(m).Dims[0] = -4 }, want: "dimensions"},
		"a thousand axes":              {raw: inGraph(5, bytesField(varint(bytesField(nil, 1, bytes.Repeat([]byte{1}, 1000)), 2, 1), 9, make([]byte, 4))), want: "1000 axes"},
		"texts as weights":             {raw: inGraph(5, bytesField(varint(varint(nil, 1, 1), 2, 8), 6, []byte("text"))), want: "strings"},
		"texts as an input":            {edit: func(m *pb.Model) { m.Graph.Inputs[0].Type = 8 }, want: "element type 8"},
		"weights that are no numbers":  {edit: func(m *pb.Model) { weights(m).F32[3] = float32(math.NaN()) }, want: "element 3 of its weights"},
		"weights beyond all numbers":   {edit: func(m *pb.Model) { weights(m).F32[0] = float32(math.Inf(1)) }, want: "is +Inf"},
		"a circle":                     {edit: func(m *pb.Model) { n := m.Graph.Nodes; n[0].Inputs[0] = n[len(n)-1].Outputs[0] }, want: "which nothing before it makes"},
		"a node that reads itself":     {edit: func(m *pb.Model) { n := m.Graph.Nodes[0]; n.Inputs[0] = n.Outputs[0] }, want: "which nothing before it makes"},
		"an input of another shape":    {edit: func(m *pb.Model) { m.Graph.Inputs[0].Dims[4] *= 2 }, want: "What to do"},
		"an output of another shape":   {edit: func(m *pb.Model) { m.Graph.Outputs[0].Dims[1]++ }, want: "is declared as"},
		"an open axis":                 {edit: func(m *pb.Model) { m.Graph.Inputs[0].Dims[0] = -1 }, want: "must be fixed and positive"},
		"weights of another shape":     {edit: stretch("Conv", 1, 4, 5, 1, 3, 3), want: "does not fit input"},
		"memory by Expand":             {edit: besideOutput(expand("const/axes", 1, 1, 1, 1<<31, 5)), want: "What to do"},
		"memory by Expand, constant":   {edit: besideOutput(func(g *pb.Graph) string { return expand(paramOf(g), 1<<33, 1, 1, 1, int64(len(findParam(g).F32)))(g) }), want: "GB of memory"},
		"memory by Expand of images":   {edit: besideOutput(func(g *pb.Graph) string { return expand(g.Nodes[0].Outputs[0], 1<<20, 4, 8, 32, 32)(g) }), want: "GB of memory"},
		"memory by Resize":             {edit: besideOutput(resize(1, 4, 8<<12, 32<<6, 32<<3)), want: "GB of memory"},
		"memory by Pad":                {edit: besideOutput(pad), want: "GB of memory"},
		"more elements than counted":   {edit: besideOutput(expand("const/axes", 1<<20, 1<<20, 1<<20, 1, 5)), want: "What to do"},
		"a convolution without end":    {edit: besideOutput(endless), want: "multiplications"},
		"a node forty thousand times":  {edit: many(40000), want: "more than 32768 nodes"},
		"a name of a megabyte":         {edit: func(m *pb.Model) { m.Graph.Nodes[0].Name = strings.Repeat("n", 1<<20) }, want: "a name of 1048576 bytes"},
		"no card":                      {edit: func(m *pb.Model) { m.Metadata = nil }, want: "no metadata entry"},
		"a card of brackets":           {edit: func(m *pb.Model) { m.Metadata[0].Value = strings.Repeat("[", 1<<20) }, want: "metadata entry"},
		"a name that moves the cursor": {card: func(c map[string]any) { c["name"] = "M1\x1b[2J" }, want: "cannot be shown"},
		"a name of a million letters":  {card: func(c map[string]any) { c["name"] = strings.Repeat("M", 1<<20) }, want: "longer than 4096 bytes"},
		"a grid of a billion voxels":   {card: func(c map[string]any) { recipe(c)["size"] = []int{1024, 1024, 1024} }, want: "but its card says"},
		"a grid without end":           {card: func(c map[string]any) { recipe(c)["size"] = []int{1 << 40, 1, 1} }, want: "grid"},
		"voxels of no size":            {card: func(c map[string]any) { recipe(c)["spacingMM"] = []float64{1e-300, 1, 1} }, want: "grid"},
		"voxels without end":           {card: func(c map[string]any) { recipe(c)["spacingMM"] = []float64{1e300, 1e300, 1e300} }, want: "grid"},
		"a million channels":           {card: func(c map[string]any) { recipe(c)["channels"] = repeated(recipe(c)["channels"].([]any)[0], 1<<16) }, want: "channels"},
		"noise of another shape":       {card: func(c map[string]any) { deep(c, "noise", "shape", []int{1 << 40}) }, want: "but its card says"},
		"noise of a negative shape":    {card: func(c map[string]any) { deep(c, "noise", "shape", []int{-1}) }, want: "has the shape"},
		"noise that is the image":      {card: func(c map[string]any) { deep(c, "noise", "name", c["input"]) }, want: "two of its inputs are named"},
		"a card of another task":       {card: func(c map[string]any) { c["task"] = "everything" }, want: "unknown task"},
		"an older operator set":        {edit: func(m *pb.Model) { m.Opsets[0].Version = 7 }, want: "operator set 7"},
		"half a file":                  {raw: func(b []byte) []byte { return b[:len(b)/2] }, want: "copied completely"},
		"two models in one file":       {raw: func(b []byte) []byte { return append(b, b...) }, want: "two graphs"},
		"nothing":                      {raw: func([]byte) []byte { return nil }, want: "holds no graph"},
	}
}

func repeated(v any, n int) (out []any) {
	for range n {
		out = append(out, v)
	}
	return out
}

// findParam is a parameter with one axis.
func findParam(g *pb.Graph) *pb.Tensor {
	for _, t := range g.Initializers {
		if len(t.Dims) == 1 && t.Type == pb.Float {
			return t
		}
	}
	return nil
}

func paramOf(g *pb.Graph) string { return findParam(g).Name }

// resize enlarges what the first node makes.
func resize(to ...int64) func(g *pb.Graph) string {
	return func(g *pb.Graph) string {
		text := func(name, v string) pb.Attribute { return pb.Attribute{Name: name, Type: pb.AttrString, S: v} }
		g.Initializers = append(g.Initializers, &pb.Tensor{Name: "const/to", Type: pb.Int64, Dims: []int64{int64(len(to))}, I64: to})
		g.Nodes = append(g.Nodes, &pb.Node{OpType: "Resize", Inputs: []string{g.Nodes[0].Outputs[0], "", "", "const/to"}, Outputs: []string{"large"},
			Attributes: []pb.Attribute{text("mode", "nearest"), text("nearest_mode", "floor"), text("coordinate_transformation_mode", "asymmetric")}})
		return "large"
	}
}

// pad adds zeros to what the first node makes.
func pad(g *pb.Graph) string {
	g.Initializers = append(g.Initializers, &pb.Tensor{Name: "const/pads", Type: pb.Int64, Dims: []int64{10}, I64: []int64{0, 0, 0, 0, 0, 0, 0, 1 << 12, 1 << 11, 1 << 10}})
	g.Nodes = append(g.Nodes, &pb.Node{OpType: "Pad", Inputs: []string{g.Nodes[0].Outputs[0], "const/pads"}, Outputs: []string{"large"}})
	return "large"
}

// many repeats the last node, each reading the one before.
func many(n int) func(m *pb.Model) {
	return besideOutput(func(g *pb.Graph) string {
		from := g.Nodes[0].Outputs[0]
		for i := range n {
			to := "copy" + string(rune('a'+i%26)) + string(rune(0x4e00+i/26))
			g.Nodes = append(g.Nodes, &pb.Node{OpType: "Abs", Inputs: []string{from}, Outputs: []string{to}})
			from = to
		}
		return from
	})
}

// goodModel is the file that hostile ones are made of, and a small exam.
func goodModel(t *testing.T) (onnx []byte, exam string) {
	t.Helper()
	dir := t.TempDir()
	c := nets.PaperM1(modelcard.Anatomy)
	c.Size, c.Filters = [3]int{8, 32, 32}, [nets.Levels]int{4, 4, 8, 8, 8}
	c.Reduction, c.Latent, c.Head = 2, 4, [2]int{4, 4}
	recipe := prep.PaperRecipe(false)
	recipe.Size, recipe.SpacingMM = [3]int{32, 32, 8}, [3]float64{2, 2, 6}
	w, err := nets.Init(c, 1)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "good.onnx")
	if err := nets.WriteModel(path, c, w, modelcard.Card{Name: "tiny", Recipe: recipe, WeightSeed: 1, Program: "test"}); err != nil {
		t.Fatal(err)
	}
	if onnx, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	made, err := phantom.Generate(t.Context(), fewVoxels(5))
	if err != nil {
		t.Fatal(err)
	}
	exam = filepath.Join(dir, "exam")
	if err := made.WriteDICOM(t.Context(), exam); err != nil {
		t.Fatal(err)
	}
	return onnx, exam
}

// file makes the bytes of a hostile model.
func (h hostile) file(t *testing.T, good []byte) []byte {
	t.Helper()
	m, err := pb.Decode(good)
	if err != nil {
		t.Fatal(err)
	}
	if h.edit != nil {
		h.edit(m)
	}
	for i := range m.Metadata {
		if h.card == nil || m.Metadata[i].Key != modelcard.MetadataKey {
			continue
		}
		var card map[string]any
		if err := json.Unmarshal([]byte(m.Metadata[i].Value), &card); err != nil {
			t.Fatal(err)
		}
		h.card(card)
		text, err := json.Marshal(card)
		if err != nil {
			t.Fatal(err)
		}
		m.Metadata[i].Value = string(text)
	}
	var b bytes.Buffer
	if err := m.Encode(&b); err != nil {
		t.Fatal(err)
	}
	if h.raw != nil {
		return h.raw(b.Bytes())
	}
	return b.Bytes()
}

// unreadable is what no user should have to read.
var unreadable = regexp.MustCompile(`runtime error|goroutine|nil pointer|<nil>|%!|fault|[\x00-\x08\x0b-\x1f]`)

// Every hostile model file is refused by `bayeslice infer --model` with a sentence that says what is wrong and what to do, in
// little time and memory, and leaves nothing behind. The good one is sampled.
func TestHostileModels(t *testing.T) {
	if reason := ortReason(); reason != "" {
		t.Skip(reason)
	}
	good, exam := goodModel(t)
	dir := t.TempDir()
	infer := func(onnx []byte) (code int, errs string, left bool) {
		path, out := filepath.Join(dir, "model.onnx"), filepath.Join(dir, "out")
		if err := os.WriteFile(path, onnx, 0o600); err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(out)
		code, _, errs = execute(context.Background(), Options{}, "infer", exam, "--model", path, "--samples", "2", "-o", out)
		_, err := os.Stat(out)
		return code, errs, err == nil
	}
	for name, h := range hostileModels() {
		onnx := h.file(t, good)
		before, began := machine.InUse(), time.Now()
		code, errs, left := infer(onnx)
		took, grown := time.Since(began), machine.InUse()-before
		if code != ExitFailure || left || !strings.Contains(errs, h.want) || unreadable.MatchString(errs) || len(errs) > 4000 {
			t.Errorf("%s: code %d, left %v, %.3000q, want %q", name, code, left, errs, h.want)
		}
		if !strings.Contains(errs, "What to do: ") && !strings.Contains(errs, "; save") && !strings.Contains(errs, "; use") && !strings.Contains(errs, "copy it again") {
			t.Errorf("%s: no remedy in %.3000q", name, errs)
		}
		if took > 10*time.Second || grown > 300<<20 {
			t.Errorf("%s: %v, %d MB more", name, took, grown>>20)
		}
	}
	if code, errs, left := infer(good); code != ExitOK || !left {
		t.Errorf("the good model: code %d, %s", code, errs)
	}
}
