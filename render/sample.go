package render

import (
	"bayeslice/internal/volume"
)

// missing stands for "no value here"; voxels beyond ±maxValue (infinities and NaN included) count as missing.
const (
	missing  = float32(3e38)
	maxValue = float32(1e30)
)

// valid reports whether v is a value rather than missing, infinite or NaN.
func valid(v float32) bool { return v <= maxValue && v >= -maxValue }

// sampler reads one volume along the pixel rows of a picture.
type sampler struct {
	data   []float32
	stride [3]int
	last   [3]int     // highest index along each axis
	lo, hi [3]float32 // outer faces, in voxels
	o, dx  [3]float32
	dy     [3]float32
	flat   int // an axis along which every pixel lies on the same voxel centre, or −1
	nn     bool
}

// newSampler prepares a source for reading.
func newSampler(from *source) *sampler {
	n, t := from.volume.Grid().Size, from.at
	s := &sampler{data: from.volume.Data(), stride: [3]int{1, n[0], n[0] * n[1]}, flat: t.flatAxis(), nn: from.how == volume.Nearest}
	for a := range 3 {
		s.last[a] = n[a] - 1
		s.lo[a], s.hi[a] = -0.5, float32(n[a])-0.5
		s.o[a], s.dx[a], s.dy[a] = float32(t.origin[a]), float32(t.dx[a]), float32(t.dy[a])
	}
	return s
}

// row samples len(dst) pixels of row y from column x0 on; x0 and y may be −1 and beyond the picture.
func (s *sampler) row(dst []float32, x0, y int) {
	var start [3]float32
	for a := range 3 {
		start[a] = s.o[a] + float32(y)*s.dy[a]
	}
	switch {
	case s.nn:
		s.rowNearest(dst, x0, start)
	case s.flat >= 0:
		s.rowBilinear(dst, x0, start)
	default:
		s.rowTrilinear(dst, x0, start)
	}
}

func (s *sampler) rowNearest(dst []float32, x0 int, start [3]float32) {
	for i := range dst {
		x := float32(x0 + i)
		at, in := 0, true
		for a := range 3 {
			p := start[a] + x*s.dx[a]
			in = in && p >= s.lo[a] && p <= s.hi[a]
			at += s.stride[a] * min(max(int(p+0.5), 0), s.last[a])
		}
		dst[i] = missing
		if in && valid(s.data[at]) {
			dst[i] = s.data[at]
		}
	}
}

// rowBilinear serves pictures that lie on one layer of voxel centres.
func (s *sampler) rowBilinear(dst []float32, x0 int, start [3]float32) {
	a, b := (s.flat+1)%3, (s.flat+2)%3
	layer := int(start[s.flat])
	if layer < 0 || layer > s.last[s.flat] {
		fill(dst, missing)
		return
	}
	data := s.data[layer*s.stride[s.flat]:]
	loA, hiA, loB, hiB := s.lo[a], s.hi[a], s.lo[b], s.hi[b]
	topA, topB := float32(s.last[a]), float32(s.last[b])
	for i := range dst {
		x := float32(x0 + i)
		p, q := start[a]+x*s.dx[a], start[b]+x*s.dx[b]
		if !(p >= loA && p <= hiA && q >= loB && q <= hiB) {
			dst[i] = missing
			continue
		}
		p, q = min(max(p, 0), topA), min(max(q, 0), topB)
		ip, iq := int(p), int(q)
		fp, fq := p-float32(ip), q-float32(iq)
		at, stepA, stepB := ip*s.stride[a]+iq*s.stride[b], s.stride[a], s.stride[b]
		if ip == s.last[a] {
			stepA = 0
		}
		if iq == s.last[b] {
			stepB = 0
		}
		v00, v10, v01, v11 := data[at], data[at+stepA], data[at+stepB], data[at+stepA+stepB]
		v0, v1 := v00+fp*(v10-v00), v01+fp*(v11-v01)
		v := v0 + fq*(v1-v0)
		if !valid(v) {
			v = weighted([8]float32{v00, v10, v01, v11}, fp, fq, 0)
		}
		dst[i] = v
	}
}

func (s *sampler) rowTrilinear(dst []float32, x0 int, start [3]float32) {
	for i := range dst {
		x := float32(x0 + i)
		dst[i] = s.trilinear(start[0]+x*s.dx[0], start[1]+x*s.dx[1], start[2]+x*s.dx[2])
	}
}

// trilinear returns the value at the continuous voxel (p, q, r), or missing.
func (s *sampler) trilinear(p, q, r float32) float32 {
	if !(p >= s.lo[0] && p <= s.hi[0] && q >= s.lo[1] && q <= s.hi[1] && r >= s.lo[2] && r <= s.hi[2]) {
		return missing
	}
	p, q, r = min(max(p, 0), float32(s.last[0])), min(max(q, 0), float32(s.last[1])), min(max(r, 0), float32(s.last[2]))
	ip, iq, ir := int(p), int(q), int(r)
	fp, fq, fr := p-float32(ip), q-float32(iq), r-float32(ir)
	at := ip + iq*s.stride[1] + ir*s.stride[2]
	sp, sq, sr := 1, s.stride[1], s.stride[2]
	if ip == s.last[0] {
		sp = 0
	}
	if iq == s.last[1] {
		sq = 0
	}
	if ir == s.last[2] {
		sr = 0
	}
	d := s.data
	c := [8]float32{d[at], d[at+sp], d[at+sq], d[at+sp+sq], d[at+sr], d[at+sp+sr], d[at+sq+sr], d[at+sp+sq+sr]}
	v00, v10 := c[0]+fp*(c[1]-c[0]), c[2]+fp*(c[3]-c[2])
	v01, v11 := c[4]+fp*(c[5]-c[4]), c[6]+fp*(c[7]-c[6])
	v0, v1 := v00+fq*(v10-v00), v01+fq*(v11-v01)
	v := v0 + fr*(v1-v0)
	if !valid(v) {
		return weighted(c, fp, fq, fr)
	}
	return v
}

// weighted interpolates between the valid ones of eight corners (the first axis fastest), with their
// weights brought to one. It returns missing where the valid ones hold less than half of the weight.
func weighted(corners [8]float32, fp, fq, fr float32) float32 {
	var sum, weight float32
	for c, v := range corners {
		w := side(fp, c&1) * side(fq, c>>1&1) * side(fr, c>>2)
		if w > 0 && valid(v) {
			sum += w * v
			weight += w
		}
	}
	if weight < 0.5 {
		return missing
	}
	return sum / weight
}

// side is the linear weight of the lower (0) or upper (1) neighbour at fraction f.
func side(f float32, upper int) float32 {
	if upper == 1 {
		return f
	}
	return 1 - f
}

func fill(dst []float32, v float32) {
	for i := range dst {
		dst[i] = v
	}
}
