// Package pb reads and writes the part of the ONNX file format (onnx.proto3, a protocol-buffer
// schema) that a network of dense tensors with static shapes needs: models, graphs, nodes, scalar and
// list attributes, float32, float16, int64 and bool tensors, operator sets and metadata.
//
// It knows the bytes and nothing about operators; package graph gives them meaning. Sub-graphs, sparse
// tensors, model-local functions and tensors stored outside the file are refused by name rather than
// skipped, because a model that uses them would otherwise compute something else.
package pb

import "errors"

// Errors of [Decode]; they are wrapped with the place in the file where they arose.
var (
	// ErrMalformed marks bytes that are not a well-formed ONNX model.
	ErrMalformed = errors.New("pb: not a well-formed ONNX file")
	// ErrExternalData marks a model whose weights lie in other files, which are never opened.
	ErrExternalData = errors.New("pb: the model keeps tensors in separate files; save it as a single file with its weights inside")
	// ErrUnsupported marks a well-formed model that uses a part of ONNX not handled here.
	ErrUnsupported = errors.New("pb: unsupported part of ONNX")
)

// DataType is TensorProto.DataType.
type DataType int32

// Element types that are read and written.
const (
	Float   DataType = 1
	Int64   DataType = 7
	Bool    DataType = 9
	Float16 DataType = 10
)

// Model is ModelProto.
type Model struct {
	IRVersion       int64
	ProducerName    string
	ProducerVersion string
	Doc             string
	Graph           *Graph
	Opsets          []Opset
	Metadata        []Entry // in file order
}

// Opset is OperatorSetIdProto; the empty domain is ONNX itself.
type Opset struct {
	Domain  string
	Version int64
}

// Entry is StringStringEntryProto.
type Entry struct{ Key, Value string }

// Graph is GraphProto.
type Graph struct {
	Name         string
	Nodes        []*Node
	Initializers []*Tensor
	Inputs       []ValueInfo
	Outputs      []ValueInfo
}

// Node is NodeProto. An omitted optional input is the empty string.
type Node struct {
	Name       string
	OpType     string
	Domain     string
	Inputs     []string
	Outputs    []string
	Attributes []Attribute
}

// AttributeType is AttributeProto.AttributeType.
type AttributeType int32

// Attribute kinds that are read and written.
const (
	AttrFloat   AttributeType = 1
	AttrInt     AttributeType = 2
	AttrString  AttributeType = 3
	AttrTensor  AttributeType = 4
	AttrFloats  AttributeType = 6
	AttrInts    AttributeType = 7
	AttrStrings AttributeType = 8
)

// Attribute is AttributeProto: the field that Type names is the value.
type Attribute struct {
	Name    string
	Type    AttributeType
	F       float32
	I       int64
	S       string
	T       *Tensor
	Floats  []float32
	Ints    []int64
	Strings []string
}

// Tensor is TensorProto with its elements decoded: exactly the slice that Type names is used, in
// row-major order. The encoder writes little-endian raw_data straight from it and keeps no copy. Float16
// elements are held as the float32 numbers of the same value; the encoder rounds others with [Half].
type Tensor struct {
	Name string
	Dims []int64
	Type DataType
	F32  []float32 // Float and Float16
	I64  []int64
	U8   []uint8 // Bool: 0 or 1
}

// ValueInfo is ValueInfoProto of a dense tensor. A dimension that the file leaves open is −1.
type ValueInfo struct {
	Name string
	Type DataType
	Dims []int64
}
