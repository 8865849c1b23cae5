package pb

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
)

// example uses every construct that the package writes.
func example() *Model {
	return &Model{
		IRVersion: 8, ProducerName: "bayeslice", ProducerVersion: "1",
		Opsets:   []Opset{{Version: 18}},
		Metadata: []Entry{{"k", "v"}, {"empty", ""}},
		Graph: &Graph{
			Name: "g",
			Nodes: []*Node{{
				Name: "n", OpType: "Clip", Inputs: []string{"x", "", "max"}, Outputs: []string{"y"},
				Attributes: []Attribute{
					{Name: "f", Type: AttrFloat, F: -0.1}, {Name: "i", Type: AttrInt, I: -3}, {Name: "s", Type: AttrString, S: "edge"},
					{Name: "is", Type: AttrInts, Ints: []int64{0, -1, 1 << 40}}, {Name: "fs", Type: AttrFloats, Floats: []float32{1, 0}},
					{Name: "ss", Type: AttrStrings, Strings: []string{"a", ""}},
					{Name: "t", Type: AttrTensor, T: &Tensor{Dims: []int64{1}, Type: Int64, I64: []int64{7}}},
				},
			}},
			Initializers: []*Tensor{
				{Name: "max", Type: Float, F32: []float32{float32(math.Inf(1))}},
				{Name: "w", Dims: []int64{2, 1}, Type: Float, F32: []float32{1.5, -2}},
				{Name: "b", Dims: []int64{3}, Type: Bool, U8: []uint8{1, 0, 1}},
				{Name: "h", Dims: []int64{3}, Type: Float16, F32: []float32{-1.5, 0, 65504}},
			},
			Inputs:  []ValueInfo{{Name: "x", Type: Float, Dims: []int64{1, -1}}},
			Outputs: []ValueInfo{{Name: "y", Type: Float, Dims: []int64{1, 3}}},
		},
	}
}

func encode(t testing.TB, m *Model) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := m.Encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRoundTrip(t *testing.T) {
	want := example()
	got, err := Decode(encode(t, want))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("decoded model differs (-want +got):\n%s", d)
	}
}

// TestPackedAndTypedFields reads what other writers make: packed dims, float_data, int32_data.
func TestPackedAndTypedFields(t *testing.T) {
	var dims, floats, tensor []byte
	dims = protowire.AppendVarint(protowire.AppendVarint(nil, 1), 2)
	floats = protowire.AppendFixed32(protowire.AppendFixed32(nil, math.Float32bits(3)), math.Float32bits(4))
	tensor = appendBytes(tensor, 1, dims)
	tensor = protowire.AppendVarint(protowire.AppendTag(tensor, 2, protowire.VarintType), uint64(Float))
	tensor = appendBytes(tensor, 4, floats)
	m, err := Decode(appendBytes(nil, 7, appendBytes(nil, 5, tensor)))
	if err != nil {
		t.Fatal(err)
	}
	want := &Tensor{Dims: []int64{1, 2}, Type: Float, F32: []float32{3, 4}}
	if d := cmp.Diff(want, m.Graph.Initializers[0]); d != "" {
		t.Error(d)
	}
}

func appendBytes(b []byte, num protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, num, protowire.BytesType), v)
}

func TestRefusals(t *testing.T) {
	external := appendBytes(nil, 7, appendBytes(nil, 5, appendBytes(nil, 13, nil)))
	subgraph := appendBytes(nil, 7, appendBytes(nil, 1, appendBytes(nil, 5, appendBytes(nil, 6, nil))))
	short := example()
	short.Graph.Initializers[1].Dims = []int64{3, 1}
	huge := example()
	huge.Graph.Initializers[1].Dims = []int64{1 << 39, 1 << 39}
	double := example()
	double.Graph.Initializers[1].Type = 11
	odd := appendBytes(nil, 9, []byte{0, 0, 0}) // three bytes are one and a half numbers
	odd = protowire.AppendVarint(protowire.AppendTag(odd, 2, protowire.VarintType), uint64(Float16))
	for name, c := range map[string]struct {
		data []byte
		want error
	}{
		"empty":         {nil, ErrMalformed},
		"text":          {[]byte("hello, this is no model"), ErrMalformed},
		"truncated":     {encode(t, example())[:100], ErrMalformed},
		"external data": {external, ErrExternalData},
		"sub-graph":     {subgraph, ErrUnsupported},
		"too few":       {encode(t, short), ErrMalformed},
		"overflow":      {encode(t, huge), ErrMalformed},
		"float64":       {encode(t, double), ErrUnsupported},
		"odd float16":   {appendBytes(nil, 7, appendBytes(nil, 5, odd)), ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Decode(c.data); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

type failing struct{ left int }

var errFull = errors.New("disk full")

func (f *failing) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, errFull
	}
	return len(b), nil
}

func TestEncodeReportsTheWriter(t *testing.T) {
	m := example()
	m.Graph.Initializers[1] = &Tensor{Name: "w", Dims: []int64{1 << 16}, Type: Float, F32: make([]float32, 1<<16)}
	for _, left := range []int{0, 100, 1 << 17} {
		if err := m.Encode(&failing{left}); !errors.Is(err, errFull) {
			t.Errorf("after %d bytes: got %v", left, err)
		}
	}
}

// TestEncodeStreams holds the extra memory of encoding far below the weights.
func TestEncodeStreams(t *testing.T) {
	m := example()
	m.Graph.Initializers[1] = &Tensor{Name: "w", Dims: []int64{4 << 20}, Type: Float, F32: make([]float32, 4<<20)}
	sink := &failing{1 << 40}
	got := testing.AllocsPerRun(1, func() { _ = m.Encode(sink) })
	res := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			_ = m.Encode(sink)
		}
	})
	if res.AllocedBytesPerOp() > 1<<20 {
		t.Errorf("encoding 16 MB of weights allocated %d bytes (%g allocations)", res.AllocedBytesPerOp(), got)
	}
}

// FuzzDecode holds that no bytes panic and that what decodes also survives encoding.
func FuzzDecode(f *testing.F) {
	f.Add(encode(f, example()))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Decode(data)
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := m.Encode(&b); err != nil {
			t.Fatal(err)
		}
		if _, err := Decode(b.Bytes()); err != nil && !errors.Is(err, ErrUnsupported) && !errors.Is(err, ErrMalformed) {
			t.Fatal(err)
		}
	})
}
