package codec

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Number is the type of one voxel in a file.
type Number uint8

// Number types.
const (
	NumberUnknown Number = iota
	Uint8
	Int8
	Uint16
	Int16
	Uint32
	Int32
	Uint64
	Int64
	Float32
	Float64
)

var numbers = [...]struct {
	name      string
	size      int
	low, high float64
}{
	{"unknown", 0, 0, 0},
	{"uint8", 1, 0, math.MaxUint8}, {"int8", 1, math.MinInt8, math.MaxInt8},
	{"uint16", 2, 0, math.MaxUint16}, {"int16", 2, math.MinInt16, math.MaxInt16},
	{"uint32", 4, 0, math.MaxUint32}, {"int32", 4, math.MinInt32, math.MaxInt32},
	{"uint64", 8, 0, 1<<64 - 2048}, {"int64", 8, -1 << 63, 1<<63 - 1024}, // largest float64 below the end
	{"float32", 4, -math.MaxFloat32, math.MaxFloat32}, {"float64", 8, -math.MaxFloat64, math.MaxFloat64},
}

// String returns the type's name as in NumPy.
func (n Number) String() string { return numbers[n].name }

// Size returns the bytes of one number.
func (n Number) Size() int { return numbers[n].size }

// Integer reports whether the type holds whole numbers only.
func (n Number) Integer() bool { return n != NumberUnknown && n < Float32 }

// Scale is the linear map from stored to real values, real = Slope·stored + Inter.
type Scale struct{ Slope, Inter float64 }

// Identity is the scale that changes nothing.
var Identity = Scale{Slope: 1}

// Decode converts len(dst) numbers from src, which must hold as many, to real values. The
// arithmetic is float64. It returns how many values are not finite as float32; those become 0,
// because a NaN would spread over the image in every filter that follows.
func Decode(dst []float32, src []byte, n Number, order binary.ByteOrder, scale Scale) (notFinite int) {
	get := n.getter(order)
	size := n.Size()
	for i := range dst {
		v := float32(get(src[i*size:])*scale.Slope + scale.Inter)
		if v-v != 0 { // NaN or infinite
			v = 0
			notFinite++
		}
		dst[i] = v
	}
	return notFinite
}

func (n Number) getter(order binary.ByteOrder) func(b []byte) float64 {
	switch n {
	case Uint8:
		return func(b []byte) float64 { return float64(b[0]) }
	case Int8:
		return func(b []byte) float64 { return float64(int8(b[0])) }
	case Uint16:
		return func(b []byte) float64 { return float64(order.Uint16(b)) }
	case Int16:
		return func(b []byte) float64 { return float64(int16(order.Uint16(b))) }
	case Uint32:
		return func(b []byte) float64 { return float64(order.Uint32(b)) }
	case Int32:
		return func(b []byte) float64 { return float64(int32(order.Uint32(b))) }
	case Uint64:
		return func(b []byte) float64 { return float64(order.Uint64(b)) }
	case Int64:
		return func(b []byte) float64 { return float64(int64(order.Uint64(b))) }
	case Float32:
		return func(b []byte) float64 { return float64(math.Float32frombits(order.Uint32(b))) }
	case Float64:
		return func(b []byte) float64 { return math.Float64frombits(order.Uint64(b)) }
	}
	panic("codec: Decode of an unknown number type")
}

// CheckRange fails with [ErrUnsupported] where a value cannot be stored as n: not finite, or out of
// the range of an integer type. Nothing is clipped silently.
func CheckRange(values []float32, n Number) error {
	if n == NumberUnknown || int(n) >= len(numbers) {
		return fmt.Errorf("voxel type %d: %w", n, ErrUnsupported)
	}
	if !n.Integer() {
		return nil
	}
	low, high := numbers[n].low, numbers[n].high
	for i, v := range values {
		if r := math.RoundToEven(float64(v)); !(r >= low && r <= high) {
			return fmt.Errorf("value %g of voxel %d does not fit %s, choose float32: %w", v, i, n, ErrUnsupported)
		}
	}
	return nil
}

// Append appends values to b as little-endian numbers of type n, rounded to the nearest whole
// number (ties to even) for integer types. The values must have passed [CheckRange].
func Append(b []byte, values []float32, n Number) []byte {
	le := binary.LittleEndian
	for _, f := range values {
		v := float64(f)
		if n.Integer() {
			v = math.RoundToEven(v)
		}
		switch n {
		case Uint8:
			b = append(b, uint8(v))
		case Int8:
			b = append(b, uint8(int8(v)))
		case Uint16:
			b = le.AppendUint16(b, uint16(v))
		case Int16:
			b = le.AppendUint16(b, uint16(int16(v)))
		case Uint32:
			b = le.AppendUint32(b, uint32(v))
		case Int32:
			b = le.AppendUint32(b, uint32(int32(v)))
		case Uint64:
			b = le.AppendUint64(b, uint64(v))
		case Int64:
			b = le.AppendUint64(b, uint64(int64(v)))
		case Float64:
			b = le.AppendUint64(b, math.Float64bits(v))
		default:
			b = le.AppendUint32(b, math.Float32bits(f))
		}
	}
	return b
}
