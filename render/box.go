package render

import (
	"image"
	"math"
	"sync"
	"weak"

	"bayeslice/internal/volume"
)

// box is a range of voxels, both ends included; it is empty where an end is before its start.
type box struct{ lo, hi [3]int }

var emptyBox = box{hi: [3]int{-1, -1, -1}}

// gridBox is the whole of a volume.
func gridBox(v *volume.Volume) box {
	n := v.Grid().Size
	return box{hi: [3]int{n[0] - 1, n[1] - 1, n[2] - 1}}
}

// boxAbove returns the smallest box that holds every valid voxel of at least level.
func boxAbove(v *volume.Volume, level float32) box {
	n, data := v.Grid().Size, v.Data()
	b := box{lo: n, hi: emptyBox.hi}
	for row := range n[1] * n[2] {
		values := data[row*n[0] : (row+1)*n[0]]
		first := 0
		for first < len(values) && !(values[first] >= level && valid(values[first])) {
			first++
		}
		if first == len(values) {
			continue
		}
		last := len(values) - 1
		for !(values[last] >= level && valid(values[last])) {
			last--
		}
		b.include([3]int{first, row % n[1], row / n[1]}, last)
	}
	if b.hi[0] < 0 {
		return emptyBox
	}
	return b
}

// include grows the box by the voxels from at to the one with the index last along the first axis.
func (b *box) include(at [3]int, last int) {
	for a := range 3 {
		b.lo[a], b.hi[a] = min(b.lo[a], at[a]), max(b.hi[a], at[a])
	}
	b.hi[0] = max(b.hi[0], last)
}

// boxCache remembers boxes, which cost a pass over the volume. It does not keep volumes alive and may
// be used from any goroutine.
type boxCache struct {
	mu    sync.Mutex
	boxes map[boxKey]box
}

type boxKey struct {
	volume weak.Pointer[volume.Volume]
	level  float32
}

// maxBoxes bounds the cache, since a level may be dragged.
const maxBoxes = 1024

func newBoxCache() *boxCache { return &boxCache{boxes: map[boxKey]box{}} }

// above returns [boxAbove].
func (c *boxCache) above(v *volume.Volume, level float32) box {
	key := boxKey{weak.Make(v), level}
	c.mu.Lock()
	b, known := c.boxes[key]
	c.mu.Unlock()
	if known {
		return b
	}
	b = boxAbove(v, level)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.boxes) >= maxBoxes {
		clear(c.boxes)
	}
	c.boxes[key] = b
	return b
}

// seen returns a rectangle that holds every pixel of within whose voxel coordinate lies less than one
// voxel outside the box, grown by margin pixels.
func (t transform) seen(within image.Rectangle, b box, margin int) image.Rectangle {
	if b.hi[0] < b.lo[0] {
		return image.Rectangle{}
	}
	x0, y0, x1, y1 := float64(within.Min.X), float64(within.Min.Y), float64(within.Max.X), float64(within.Max.Y)
	polygon := [][2]float64{{x0, y0}, {x1, y0}, {x1, y1}, {x0, y1}}
	for a := range 3 {
		lo, hi := float64(b.lo[a])-1, float64(b.hi[a])+1
		polygon = clip(polygon, t.dx[a], t.dy[a], t.origin[a]-lo)
		polygon = clip(polygon, -t.dx[a], -t.dy[a], hi-t.origin[a])
	}
	if len(polygon) == 0 {
		return image.Rectangle{}
	}
	x0, y0, x1, y1 = math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, p := range polygon {
		x0, y0, x1, y1 = min(x0, p[0]), min(y0, p[1]), max(x1, p[0]), max(y1, p[1])
	}
	return image.Rect(int(math.Floor(x0)), int(math.Floor(y0)), int(math.Ceil(x1))+1, int(math.Ceil(y1))+1).Inset(-margin)
}

// clip keeps the part of a convex polygon where a·x + b·y + c ≥ 0 (Sutherland and Hodgman 1974).
func clip(polygon [][2]float64, a, b, c float64) [][2]float64 {
	var out [][2]float64
	for i, p := range polygon {
		q := polygon[(i+1)%len(polygon)]
		dp, dq := a*p[0]+b*p[1]+c, a*q[0]+b*q[1]+c
		if dp >= 0 {
			out = append(out, p)
		}
		if dp >= 0 != (dq >= 0) {
			f := dp / (dp - dq)
			out = append(out, [2]float64{p[0] + f*(q[0]-p[0]), p[1] + f*(q[1]-p[1])})
		}
	}
	return out
}
