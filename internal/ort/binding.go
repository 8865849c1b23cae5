package ort

import (
	"fmt"
	"runtime"

	ortgo "github.com/yalue/onnxruntime_go"

	"bayeslice/internal/tensor"
)

// binding lends Go memory to ONNX Runtime for one run, without copying it. The memory is pinned
// until release, so that C never holds a pointer that the garbage collector may invalidate.
type binding struct {
	pin     runtime.Pinner
	in, out []ortgo.Value
	owned   []*tensor.Tensor // the outputs' memory; nil where ONNX Runtime allocates (shape not known before)
}

func (b *binding) bind(in map[string]*tensor.Tensor, ins, outs []Port) error {
	b.in, b.out = make([]ortgo.Value, 0, len(ins)), make([]ortgo.Value, len(outs))
	b.owned = make([]*tensor.Tensor, len(outs))
	for _, p := range ins {
		v, err := b.lend(in[p.Name])
		if err != nil {
			return fmt.Errorf("ort: input %q: %w", p.Name, err)
		}
		b.in = append(b.in, v)
	}
	for i, p := range outs {
		if !p.static() {
			continue
		}
		b.owned[i] = newTensor(p.Type, p.Shape)
		v, err := b.lend(b.owned[i])
		if err != nil {
			return fmt.Errorf("ort: output %q: %w", p.Name, err)
		}
		b.out[i] = v
	}
	return nil
}

// lend wraps a tensor's memory as a native value.
func (b *binding) lend(t *tensor.Tensor) (ortgo.Value, error) {
	shape := make(ortgo.Shape, len(t.Shape))
	for a, d := range t.Shape {
		shape[a] = int64(d)
	}
	switch t.Type {
	case tensor.Float32:
		return lendSlice(b, shape, t.F32)
	case tensor.Int64:
		return lendSlice(b, shape, t.I64)
	case tensor.Bool:
		if len(shape) > 0 {
			b.pin.Pin(&t.U8[0])
			return ortgo.NewCustomDataTensor(shape, t.U8, ortgo.TensorElementDataTypeBool)
		}
	}
	return nil, fmt.Errorf("%w: %v%v cannot be passed to ONNX Runtime", ErrInput, t.Type, t.Shape)
}

func lendSlice[T float32 | int64](b *binding, shape ortgo.Shape, data []T) (ortgo.Value, error) {
	b.pin.Pin(&data[0])
	if len(shape) == 0 {
		return ortgo.NewScalar(data[0])
	}
	return ortgo.NewTensor(shape, data)
}

func newTensor(t tensor.DType, shape []int) *tensor.Tensor {
	switch t {
	case tensor.Bool:
		return tensor.NewBool(shape...)
	case tensor.Int64:
		return tensor.FromInt64(make([]int64, tensor.Count(shape)), shape...)
	}
	return tensor.NewFloat32(shape...)
}

// results returns the outputs by name.
func (b *binding) results(outs []Port) (map[string]*tensor.Tensor, error) {
	m := make(map[string]*tensor.Tensor, len(outs))
	for i, p := range outs {
		t := b.owned[i]
		if t == nil || len(t.Shape) == 0 {
			var err error
			if t, err = fromNative(b.out[i]); err != nil {
				return nil, fmt.Errorf("ort: output %q: %w", p.Name, err)
			}
		}
		m[p.Name] = t
	}
	return m, nil
}

// fromNative wraps what ONNX Runtime allocated; the wrapper has copied it into Go memory already.
func fromNative(v ortgo.Value) (*tensor.Tensor, error) {
	shape := make([]int, len(v.GetShape()))
	for a, d := range v.GetShape() {
		shape[a] = int(d)
	}
	switch v := v.(type) {
	case *ortgo.Tensor[float32]:
		return tensor.FromFloat32(v.GetData(), shape...), nil
	case *ortgo.Tensor[int64]:
		return tensor.FromInt64(v.GetData(), shape...), nil
	case *ortgo.Tensor[bool]:
		data := make([]uint8, len(v.GetData()))
		for i, set := range v.GetData() {
			if set {
				data[i] = 1
			}
		}
		return tensor.FromBool(data, shape...), nil
	case *ortgo.CustomDataTensor:
		return tensor.FromBool(v.GetData(), shape...), nil
	case *ortgo.Scalar[float32]:
		return tensor.FromFloat32([]float32{v.GetData()}), nil
	case *ortgo.Scalar[int64]:
		return tensor.FromInt64([]int64{v.GetData()}), nil
	}
	return nil, fmt.Errorf("%w: an output of type %T cannot be read", ErrModel, v)
}

// release frees the native values and ends the lending.
func (b *binding) release() {
	for _, list := range [][]ortgo.Value{b.in, b.out} {
		for _, v := range list {
			if v != nil {
				_ = v.Destroy() // it cannot fail
			}
		}
	}
	b.pin.Unpin()
}
