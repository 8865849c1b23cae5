// Package tensor is the dense array that passes between preparation, graphs and ONNX Runtime.
// Layout is row-major with the last axis fastest; images are [N, C, D, H, W], so that one channel
// of a tensor has the memory order of a volume with i fastest. The package does no arithmetic.
package tensor

import "fmt"

// DType is an element type.
type DType uint8

// Element types. Bool elements are held as bytes 0 and 1.
const (
	Float32 DType = iota
	Bool
	Int64
)

// String returns the type's name in lower case.
func (d DType) String() string {
	switch d {
	case Float32:
		return "float32"
	case Bool:
		return "bool"
	case Int64:
		return "int64"
	}
	return fmt.Sprintf("dtype(%d)", uint8(d))
}

// Tensor is a shape and the elements of exactly one of the three slices. Treat it as immutable
// once it has been handed on.
type Tensor struct {
	Shape []int
	Type  DType
	F32   []float32 // Type Float32
	U8    []uint8   // Type Bool: 0 or 1
	I64   []int64   // Type Int64
}

// Count returns the number of elements of a shape; the empty shape is a scalar and has one.
func Count(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// FromFloat32 wraps data (not copied). It panics where the length does not fit the shape, which is a programmer error.
func FromFloat32(data []float32, shape ...int) *Tensor {
	mustFit(len(data), shape)
	return &Tensor{Shape: shape, Type: Float32, F32: data}
}

// FromBool wraps bytes 0 and 1 (not copied). It panics where the length does not fit the shape.
func FromBool(data []uint8, shape ...int) *Tensor {
	mustFit(len(data), shape)
	return &Tensor{Shape: shape, Type: Bool, U8: data}
}

// FromInt64 wraps data (not copied). It panics where the length does not fit the shape.
func FromInt64(data []int64, shape ...int) *Tensor {
	mustFit(len(data), shape)
	return &Tensor{Shape: shape, Type: Int64, I64: data}
}

// NewFloat32 returns a zero tensor.
func NewFloat32(shape ...int) *Tensor { return FromFloat32(make([]float32, Count(shape)), shape...) }

// NewBool returns a tensor of false.
func NewBool(shape ...int) *Tensor { return FromBool(make([]uint8, Count(shape)), shape...) }

// Count returns the number of elements.
func (t *Tensor) Count() int { return Count(t.Shape) }

func mustFit(n int, shape []int) {
	if n != Count(shape) {
		panic(fmt.Sprintf("tensor: %d elements do not fit shape %v", n, shape))
	}
}
