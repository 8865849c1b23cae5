package autodiff

import (
	"slices"

	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/tensor"
)

// contraction is how weight gradients are contracted over voxels.
type contraction struct {
	// limit bounds, in float32 elements, what the shifted copies of one product may hold: larger
	// convolutions are contracted in chunks of their first axis.
	limit int
	// price estimates the time of a product of stacked channels, see [price].
	price func(columns, rows []walk, l, s int) float64
}

// usual holds up to 32 MB of shifted copies: the compact preset needs no chunks, the full one does not
// grow its peak.
var usual = contraction{limit: 8 << 20, price: price}

// taps is the weight gradient of an ungrouped convolution that leads from large to the grid of small:
//
//	g[s, l, t] = Σ over batch and voxels v of small: small[s, v] · large[l, v·stride + t·dilation − begin]
//
// One product of matrices contracts over voxels for all taps t of the kernel at once: its columns are
// the channels of large shifted by some axes' taps, and its rows those of small shifted the other way by
// the other axes' taps, so that 9 + 3 copies of parts serve 27 taps.
func (c contraction) taps(r *reverse, large, small *graph.Node, kernel []int, o graph.ConvOptions) *graph.Node {
	columns, rows, turned := c.shifts(large.Shape(), small.Shape(), kernel, o)
	axis := max(slices.IndexFunc(rows, func(w walk) bool { return w.count > 1 }), 0)
	total := points(rows) * (channels(rows, small.Shape()[1]) + channels(columns, large.Shape()[1]))
	count := rows[axis].count
	chunks := min((total+c.limit-1)/c.limit, count)
	var product *graph.Node
	for i := range chunks {
		from, to := i*count/chunks, (i+1)*count/chunks
		y := r.stack(small, rows, axis, from, to)
		x := r.stack(large, columns, axis, from, to)
		p := r.MatMul(y, r.swap(x))
		if product == nil {
			product = p
		} else {
			product = r.Add(product, p)
		}
	}
	if large.Shape()[0] > 1 {
		product = r.ReduceSum(product, 0)
	}
	return r.unstack(product, [2]int{small.Shape()[1], large.Shape()[1]}, [2][]walk{rows, columns}, turned)
}

// walk says which elements of one axis of a tensor meet the grid of the contraction: grid point v meets,
// for tap t, element first + t·tap + v·step; elements outside the axis are zeros.
type walk struct {
	size, taps, count, first, tap, step int
}

// plain reports whether the walk takes every element once, in order.
func (w walk) plain() bool {
	return w.taps == 1 && w.first == 0 && w.step == 1 && w.count == w.size
}

// at is the element of a tap and a grid point.
func (w walk) at(t, v int) int { return w.first + t*w.tap + v*w.step }

// reach returns the least and the greatest element that the walk meets.
func (w walk) reach() (lo, hi int) {
	a, b := w.at(0, 0), w.at(w.taps-1, 0)
	return min(a, b), max(a, b) + (w.count-1)*w.step
}

// shifts decides for every axis whose taps shift large (its walk is in columns) or small (in rows, the
// axis is turned), so that the product is cheap. Strided axes shift large.
func (c contraction) shifts(large, small, kernel []int, o graph.ConvOptions) (columns, rows []walk, turned []bool) {
	best := 0.0
	for choice := range 1 << len(kernel) {
		var x, y []walk
		t, ok := make([]bool, len(kernel)), true
		for ax, k := range kernel {
			l, s, by := large[2+ax], small[2+ax], o.Dilations[ax]
			if t[ax] = choice>>ax&1 == 1; t[ax] {
				ok = ok && k > 1 && o.Strides[ax] == 1
				x = append(x, walk{size: l, taps: 1, count: l, step: 1})
				y = append(y, walk{size: s, taps: k, count: l, first: o.Begin[ax], tap: -by, step: 1})
			} else {
				x = append(x, walk{size: l, taps: k, count: s, first: -o.Begin[ax], tap: by, step: o.Strides[ax]})
				y = append(y, walk{size: s, taps: 1, count: s, step: 1})
			}
		}
		if !ok {
			continue
		}
		if cost := c.price(x, y, large[1], small[1]); columns == nil || cost < best {
			best, columns, rows, turned = cost, x, y, t
		}
	}
	return columns, rows, turned
}

// price estimates the time of a product and of the copies that it reads. Registers hold 16 columns;
// shifts along the last axis are copied twice.
func price(columns, rows []walk, l, s int) float64 {
	m, n := channels(rows, s), channels(columns, l)
	work := float64(m*((n+15)/16*16)) / 35
	for _, side := range []struct {
		walks []walk
		n     int
	}{{columns, n}, {rows, m}} {
		last := side.walks[len(side.walks)-1]
		if last.taps > 1 {
			work += float64(side.n)
		}
		if slices.ContainsFunc(side.walks, func(w walk) bool { return !w.plain() }) {
			work += float64(side.n)
		}
	}
	return work * float64(points(rows))
}

// channels is the number of shifted copies of all channels.
func channels(walks []walk, n int) int {
	for _, w := range walks {
		n *= w.taps
	}
	return n
}

// points is the number of points of the grid.
func points(walks []walk) int {
	n := 1
	for _, w := range walks {
		n *= w.count
	}
	return n
}

// stack makes the rows [batch, channels', voxels] that x [batch, channels, …] gives to the product, for
// the grid points from ≤ v < to of an axis. channels' runs over the channels and the taps in
// the order of [tapOrder].
func (r *reverse) stack(x *graph.Node, walks []walk, axis, from, to int) *graph.Node {
	walks = slices.Clone(walks)
	w := &walks[axis]
	w.first, w.count = w.first+from*w.step, to-from
	lo, hi := w.reach()
	lo, hi = max(lo, 0), min(hi+1, w.size)
	if lo >= hi { // nothing but padding
		lo, hi = 0, 1
	}
	if lo > 0 || hi < w.size {
		x = r.Slice(x, 2+axis, lo, hi)
		w.size, w.first = hi-lo, w.first-lo
	}
	if atOnce(walks) {
		x = r.shiftAll(x, walks)
	} else {
		x = r.shiftLast(x, walks[len(walks)-1])
		x = r.shiftLines(x, walks[:len(walks)-1])
	}
	return r.Reshape(x, x.Shape()[0], -1, points(walks))
}

// shiftLast puts the copies of x shifted along its last axis beside each other, for each channel in turn.
func (r *reverse) shiftLast(x *graph.Node, w walk) *graph.Node {
	if w.plain() {
		return x
	}
	shape := x.Shape()
	axis := len(shape) - 1
	lo, hi := w.reach()
	begin, end := make([]int, axis+1), make([]int, axis+1)
	begin[axis], end[axis] = max(-lo, 0), max(hi+1-w.size, 0)
	padded := r.pad(x, begin, end)
	if w.taps == 1 {
		return r.strided(padded, axis, w.first+begin[axis], hi+1+begin[axis], w.step)
	}
	var parts []*graph.Node
	for t := range w.taps {
		part, start := x, w.at(t, 0)+begin[axis]
		if one := (walk{size: w.size, taps: 1, count: w.count, first: w.at(t, 0), step: w.step}); !one.plain() {
			part = r.strided(padded, axis, start, start+(w.count-1)*w.step+1, w.step)
		}
		parts = append(parts, r.Reshape(part, shape[0], shape[1], 1, -1))
	}
	out := append([]int{shape[0], shape[1] * w.taps}, shape[2:axis]...)
	return r.Reshape(r.Concat(2, parts...), append(out, w.count)...)
}

// strided takes every step-th element along an axis.
func (r *reverse) strided(x *graph.Node, axis, start, stop, step int) *graph.Node {
	if start == 0 && stop == x.Shape()[axis] && step == 1 {
		return x
	}
	return r.Node("Slice", nil, x, r.Int64s(start), r.Int64s(stop), r.Int64s(axis), r.Int64s(step))
}

// shiftAll makes all shifted copies by one convolution of every channel with kernels that have a single
// one each. That is twice as fast as strided slices.
func (r *reverse) shiftAll(x *graph.Node, walks []walk) *graph.Node {
	shape, taps := x.Shape(), channels(walks, 1)
	var o graph.ConvOptions
	kernel, out := []int{taps, 1}, []int{shape[0], shape[1] * taps}
	for _, w := range walks {
		lo, hi := w.reach()
		o.Strides, o.Dilations = append(o.Strides, w.step), append(o.Dilations, max(w.tap, 1))
		o.Begin, o.End = append(o.Begin, -lo), append(o.End, hi+1-w.size)
		kernel, out = append(kernel, w.taps), append(out, w.count)
	}
	ones := tensor.NewFloat32(kernel...)
	for t := range taps {
		ones.F32[t*taps+t] = 1
	}
	alone := append([]int{shape[0] * shape[1], 1}, shape[2:]...)
	return r.Reshape(r.correlate(r.Reshape(x, alone...), r.Const(ones), o), out...)
}

// shiftLines makes the shifted copies along all axes but the last, in [batch, channels·taps, voxels].
// Lines are gathered by number; behind the last, where the grid reaches out, stands one of zeros.
func (r *reverse) shiftLines(x *graph.Node, walks []walk) *graph.Node {
	for len(walks) > 0 && walks[len(walks)-1].plain() {
		walks = walks[:len(walks)-1]
	}
	if len(walks) == 0 {
		return x
	}
	lines, shape := 1, x.Shape()
	for _, w := range walks {
		lines *= w.size
	}
	numbers := lineNumbers(walks, lines)
	x = r.Reshape(x, shape[0]*shape[1], lines, -1)
	if slices.Contains(numbers, lines) {
		x = r.Pad(x, []int{0, 0, 0}, []int{0, 1, 0})
	}
	return r.Reshape(r.Gather(x, 1, numbers...), shape[0], shape[1]*channels(walks, 1), -1)
}

// lineNumbers lists for all taps, and for each for all grid points, the line that is met; outside where
// there is none.
func lineNumbers(walks []walk, outside int) []int {
	taps, grid := channels(walks, 1), points(walks)
	numbers := make([]int, 0, taps*grid)
	for i := range taps * grid {
		tap, point, number, by := i/grid, i%grid, 0, 1
		for _, w := range slices.Backward(walks) {
			at := w.at(tap%w.taps, point%w.count)
			if at < 0 || at >= w.size {
				number = outside
				break
			}
			number += at * by
			tap, point, by = tap/w.taps, point/w.count, by*w.size
		}
		numbers = append(numbers, number)
	}
	return numbers
}

// unstack brings the product [rows, columns] of stacked channels into the order of a kernel.
func (r *reverse) unstack(product *graph.Node, channels [2]int, walks [2][]walk, turned []bool) *graph.Node {
	var shape []int
	perm := make([]int, 2+len(turned))
	for side, c := range channels {
		perm[side] = len(shape)
		shape = append(shape, c)
		for _, ax := range tapOrder(walks[side]) {
			if turned[ax] == (side == 0) {
				perm[2+ax] = len(shape)
				shape = append(shape, walks[side][ax].taps)
			}
		}
	}
	return r.Transpose(r.Reshape(product, shape...), perm...)
}

// atOnce reports whether one convolution makes all shifted copies.
func atOnce(walks []walk) bool {
	return walks[len(walks)-1].step > 1 && channels(walks, 1) <= 9
}

// tapOrder lists the axes in the order in which taps follow each other in stacked channels, slowest first.
func tapOrder(walks []walk) []int {
	order := make([]int, len(walks))
	for i := range order {
		order[i] = i
	}
	if !atOnce(walks) { // the last axis is shifted before the others
		last := len(walks) - 1
		copy(order[1:], order[:last])
		order[0] = last
	}
	return order
}
