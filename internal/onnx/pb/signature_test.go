package pb

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
)

func TestSignatureLeavesWeightsOut(t *testing.T) {
	m := &Model{IRVersion: 8, Opsets: []Opset{{Version: 17}}, Graph: &Graph{
		Initializers: []*Tensor{{Name: "w", Type: Float, Dims: []int64{1}, F32: []float32{2}}},
		Inputs:       []ValueInfo{{Name: "w", Type: Float, Dims: []int64{1}}, {Name: "x", Type: Bool, Dims: []int64{-1, 3}}},
		Outputs:      []ValueInfo{{Name: "y", Type: Int64, Dims: []int64{}}},
	}}
	var b bytes.Buffer
	if err := m.Encode(&b); err != nil {
		t.Fatal(err)
	}
	in, out, err := Signature(b.Bytes())
	if err != nil || len(in) != 1 || !reflect.DeepEqual(in[0], m.Graph.Inputs[1]) || len(out) != 1 || out[0].Name != "y" || out[0].Type != Int64 {
		t.Errorf("Signature = %+v, %+v, %v", in, out, err)
	}
	for name, data := range map[string][]byte{"empty": nil, "cut": b.Bytes()[:b.Len()-3], "text": []byte("not a model")} {
		if _, _, err := Signature(data); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: error = %v, want ErrMalformed", name, err)
		}
	}
}

func TestMetadataLeavesTheGraphOut(t *testing.T) {
	m := example()
	file := encode(t, m)
	got, err := Metadata(file)
	if err != nil || !reflect.DeepEqual(got, m.Metadata) {
		t.Errorf("Metadata = %v, %v, want %v", got, err, m.Metadata)
	}
	for name, data := range map[string][]byte{"cut": file[:len(file)-3], "text": []byte("not a model")} {
		if _, err := Metadata(data); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: error = %v, want ErrMalformed", name, err)
		}
	}
}
