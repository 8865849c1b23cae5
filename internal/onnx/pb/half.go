package pb

import "math"

// Half returns the bits of the float16 (IEEE 754 binary16) nearest to f, ties to even: magnitudes from
// 65520 up become infinite, those below 2⁻²⁵ zero. A NaN stays one and keeps the upper bits of its payload.
func Half(f float32) uint16 {
	const (
		infinity  = 0x7f800000
		overflow  = 0x47800000 // 2¹⁶
		normal    = 0x38800000 // 2⁻¹⁴, the smallest number with all 11 bits
		rebias    = (127 - 15) << 23
		halfInf   = 0x7c00
		halfUnits = 1 << 24 // steps of the smallest numbers in 1
	)
	b := math.Float32bits(f)
	sign := uint16(b>>16) & 0x8000
	b &= 0x7fffffff
	switch {
	case b > infinity:
		return sign | halfInf | max(1, uint16(b>>13)&0x3ff)
	case b >= overflow:
		return sign | halfInf
	case b < normal:
		return sign | uint16(math.RoundToEven(float64(math.Float32frombits(b))*halfUnits))
	}
	return sign | uint16((b+0xfff+(b>>13)&1-rebias)>>13)
}

// FromHalf returns the value of a float16, which float32 holds exactly.
func FromHalf(h uint16) float32 {
	sign, exponent, fraction := uint32(h&0x8000)<<16, uint32(h>>10)&0x1f, uint32(h&0x3ff)
	switch exponent {
	case 0:
		return math.Float32frombits(sign | math.Float32bits(float32(fraction)/(1<<24)))
	case 0x1f:
		return math.Float32frombits(sign | 0x7f800000 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}
