//go:build cgo

package render

import (
	"errors"
	"fmt"
	"image"
	"slices"
	"unsafe"
	"weak"

	"github.com/go-gl/gl/v3.3-core/gl"

	"bayeslice/internal/volume"
)

// tileSize is the size of a drawn tile, pixels.
type tileSize struct{ w, h int }

// layerBytes is the memory of one sampled layer with its border.
func (s tileSize) layerBytes() int64 { return int64(s.w+2) * int64(s.h+2) * 4 }

// layerKey says what a sampled layer holds.
type layerKey struct {
	volume  volumeKey
	at      transform // of the tile
	nearest bool
}

// stack holds the sampled layers of tiles of one size and the target they are composed on. Layers are
// kept while they are not needed for others, so that a window or opacity drag samples nothing anew.
type stack struct {
	size    tileSize
	layers  uint32 // 2D array texture, R32F
	plain   uint32 // renderbuffer, RGBA8, for pictures of the base image alone: read without conversion
	blended uint32 // renderbuffer, RGB10_A2, for the others: blending rounds finer than the picture
	slots   []slot
	lastUse int64
}

type slot struct {
	key     layerKey
	area    image.Rectangle // what of it was sampled, pixels of the tile
	lastUse int64           // 0: empty
}

// inputs are the sources of a picture with their textures.
type inputs map[*source]*lruEntry

// sources lists what a picture samples.
func (p *prepared) sources() []*source {
	var all []*source
	for _, s := range append([]*source{p.base, p.overlay}, p.fields...) {
		if s != nil && !s.area.Empty() {
			all = append(all, s)
		}
	}
	return all
}

// fail remembers the errors after which the context is of no more use.
func (d *device) fail(err error) error {
	if errors.Is(err, ErrDevice) {
		d.failure = err
	}
	return err
}

// upload brings every volume of the picture to the device, unless it is there.
func (d *device) upload(sources []*source) (inputs, error) {
	in := inputs{}
	for _, from := range sources {
		key := weak.Make(from.volume)
		texture := d.volumes.get(key)
		if texture == nil {
			var err error
			if texture, err = d.uploadVolume(from.volume, key); err != nil {
				return nil, err
			}
		}
		in[from] = texture
	}
	return in, nil
}

func (d *device) uploadVolume(v *volume.Volume, key volumeKey) (*lruEntry, error) {
	n := v.Grid().Size
	if longest := max(n[0], n[1], n[2]); longest > d.max3D {
		return nil, fmt.Errorf("%w: %d×%d×%d voxels, at most %d a side", ErrVolumeSize, n[0], n[1], n[2], d.max3D)
	}
	bytes := int64(len(v.Data())) * 4
	d.volumes.makeRoom(bytes)
	data, sparse := markMissing(v.Data())
	name := newTexture(gl.TEXTURE_3D)
	gl.TexImage3D(gl.TEXTURE_3D, 0, gl.R32F, int32(n[0]), int32(n[1]), int32(n[2]), 0, gl.RED, gl.FLOAT, unsafe.Pointer(&data[0]))
	if err := d.check("uploading a volume"); err != nil {
		deleteTexture(name)
		return nil, err
	}
	return d.volumes.put(key, lruEntry{name: name, bytes: bytes, sparse: sparse}), nil
}

// markMissing returns data with missing voxels marked so for the shader, which must not meet NaN; it
// copies only where there are any.
func markMissing(data []float32) (marked []float32, sparse bool) {
	first := slices.IndexFunc(data, func(v float32) bool { return !valid(v) })
	if first < 0 {
		return data, false
	}
	marked = slices.Clone(data)
	for i, v := range marked[first:] {
		if !valid(v) {
			marked[first+i] = missing
		}
	}
	return marked, true
}

// tile draws one rectangle of the picture.
func (d *device) tile(p *prepared, in inputs, r image.Rectangle, img *image.RGBA) error {
	d.clock++ // per tile, so that a tile never takes a slot of its own
	size := tileSize{r.Dx(), r.Dy()}
	sources := p.sources()
	st, err := d.stackFor(size, len(sources))
	if err != nil {
		return err
	}
	whole := image.Rect(-1, -1, size.w+1, size.h+1)
	layers := map[*source]int{}
	for _, from := range sources {
		key := layerKey{weak.Make(from.volume), from.at.shifted(float64(r.Min.X), float64(r.Min.Y)), from.how == volume.Nearest}
		area := from.area.Sub(r.Min).Intersect(whole)
		at, fresh := st.find(key, area, d.clock)
		layers[from] = at
		if fresh && !area.Empty() {
			d.sample(st, at, from, in[from])
		}
	}
	if err := d.check("sampling"); err != nil {
		st.forget()
		return err
	}
	d.compose(st, p, layers, r)
	to := unsafe.Pointer(&img.Pix[img.PixOffset(r.Min.X, r.Min.Y)])
	gl.PixelStorei(gl.PACK_ROW_LENGTH, int32(img.Stride/4))
	gl.ReadPixels(0, 0, int32(size.w), int32(size.h), gl.RGBA, gl.UNSIGNED_BYTE, to)
	return d.check("drawing")
}

// find returns the slot of a layer, and whether it must be sampled (it takes the longest unused slot).
func (s *stack) find(key layerKey, area image.Rectangle, clock int64) (at int, fresh bool) {
	at = slices.IndexFunc(s.slots, func(c slot) bool { return c.lastUse > 0 && c.key == key })
	switch {
	case at < 0:
		at, fresh = 0, true
		for i, c := range s.slots {
			if c.lastUse < s.slots[at].lastUse {
				at = i
			}
		}
	case !area.In(s.slots[at].area):
		area, fresh = area.Union(s.slots[at].area), true
	default:
		area = s.slots[at].area
	}
	s.slots[at] = slot{key: key, area: area, lastUse: clock}
	return at, fresh
}

// forget marks every slot empty.
func (s *stack) forget() { clear(s.slots) }

// stackFor returns the stack for a tile size with room for need layers.
func (d *device) stackFor(size tileSize, need int) (*stack, error) {
	if st := d.stacks[size]; st != nil && len(st.slots) >= need {
		st.lastUse = d.clock
		return st, nil
	}
	d.dropStack(size)
	slots := max(need, 8)
	if more := int(layerBudget / 4 / size.layerBytes()); need < slots {
		slots = max(need, min(slots, more))
	}
	d.dropStacks(int64(slots) * size.layerBytes())
	st := &stack{size: size, slots: make([]slot, slots), lastUse: d.clock, layers: newTexture(gl.TEXTURE_2D_ARRAY)}
	d.stacks[size] = st
	gl.TexImage3D(gl.TEXTURE_2D_ARRAY, 0, gl.R32F, int32(size.w+2), int32(size.h+2), int32(slots), 0, gl.RED, gl.FLOAT, nil)
	st.plain, st.blended = newTarget(gl.RGBA8, size), newTarget(gl.RGB10_A2, size)
	return st, d.check("making room for a picture")
}

// newTarget makes a renderbuffer.
func newTarget(format uint32, size tileSize) uint32 {
	var name uint32
	objects.Add(1)
	gl.GenRenderbuffers(1, &name)
	gl.BindRenderbuffer(gl.RENDERBUFFER, name)
	gl.RenderbufferStorage(gl.RENDERBUFFER, format, int32(size.w), int32(size.h))
	return name
}

// dropStacks deletes stacks, the longest unused first, until bytes more fit in the budget.
func (d *device) dropStacks(bytes int64) {
	for {
		used, oldest := bytes, tileSize{}
		for size, st := range d.stacks {
			used += int64(len(st.slots)) * size.layerBytes()
			if o := d.stacks[oldest]; o == nil || st.lastUse < o.lastUse {
				oldest = size
			}
		}
		if used <= layerBudget && len(d.stacks) < 8 || len(d.stacks) == 0 {
			return
		}
		d.dropStack(oldest)
	}
}

func (d *device) dropStack(size tileSize) {
	if st := d.stacks[size]; st != nil {
		deleteTexture(st.layers)
		objects.Add(-2)
		gl.DeleteRenderbuffers(1, &st.plain)
		gl.DeleteRenderbuffers(1, &st.blended)
		delete(d.stacks, size)
	}
}

// sample draws a source into its slot.
func (d *device) sample(st *stack, at int, from *source, texture *lruEntry) {
	area, t := st.slots[at].area, st.slots[at].key.at
	gl.FramebufferTextureLayer(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, st.layers, 0, int32(at))
	gl.Viewport(0, 0, int32(st.size.w+2), int32(st.size.h+2))
	scissor(area.Add(image.Pt(1, 1)))
	how, axis := reading(from, texture, t)
	p := d.sampling[how]
	gl.UseProgram(p.name)
	gl.ActiveTexture(gl.TEXTURE0)
	gl.BindTexture(gl.TEXTURE_3D, texture.name)
	n := from.volume.Grid().Size
	p.setInt("voxels", 0)
	gl.Uniform3i(p.at("last"), int32(n[0]-1), int32(n[1]-1), int32(n[2]-1))
	p.setVec3("origin", float32s(t.origin))
	p.setVec3("stepX", float32s(t.dx))
	p.setVec3("stepY", float32s(t.dy))
	p.setAxis("axisA", (axis+1)%3)
	p.setAxis("axisB", (axis+2)%3)
	gl.DrawArrays(gl.TRIANGLES, 0, 3)
}

// scissor restricts drawing to a rectangle of the target, whose first row is the top of the picture.
func scissor(r image.Rectangle) {
	gl.Scissor(int32(r.Min.X), int32(r.Min.Y), int32(r.Dx()), int32(r.Dy()))
}

// The ways to read a volume, macros of sample.frag.glsl.
const (
	readNearest = "NEAREST"
	readFlat    = "FLAT"
	readLinear  = "LINEAR"
	readSparse  = "SPARSE"
)

// reading returns how a source is read, and for readFlat the axis along which nothing changes.
func reading(from *source, texture *lruEntry, t transform) (how string, axis int) {
	if from.how == volume.Nearest {
		return readNearest, 0
	}
	if texture.sparse {
		return readSparse, 0
	}
	if a := t.flatAxis(); a >= 0 {
		return readFlat, a
	}
	return readLinear, 0
}

func float32s(v [3]float64) [3]float32 {
	return [3]float32{float32(v[0]), float32(v[1]), float32(v[2])}
}

// compose draws the layers of the tile r on its target, from the bottom up.
func (d *device) compose(st *stack, p *prepared, layers map[*source]int, r image.Rectangle) {
	target := st.plain
	if p.overlay != nil || len(p.pens) > 0 {
		target = st.blended
	}
	gl.FramebufferRenderbuffer(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.RENDERBUFFER, target)
	gl.Viewport(0, 0, int32(st.size.w), int32(st.size.h))
	whole := image.Rect(0, 0, st.size.w, st.size.h)
	scissor(whole)
	gl.ClearColor(0, 0, 0, 1)
	gl.Clear(gl.COLOR_BUFFER_BIT)
	gl.ActiveTexture(gl.TEXTURE1)
	gl.BindTexture(gl.TEXTURE_2D, d.maps)
	gl.ActiveTexture(gl.TEXTURE0)
	gl.BindTexture(gl.TEXTURE_2D_ARRAY, st.layers)
	pass := func(q *program, from *source, area image.Rectangle, uniforms func()) {
		layer, sampled := layers[from]
		area = area.Sub(r.Min).Intersect(whole)
		if !sampled || area.Empty() {
			return
		}
		gl.UseProgram(q.name)
		q.setInt("layers", 0)
		q.setInt("layer", layer)
		uniforms()
		scissor(area)
		gl.DrawArrays(gl.TRIANGLES, 0, 3)
	}
	if p.base != nil {
		pass(d.grey, p.base, p.base.area, func() { d.grey.setVec2("window", p.low, p.scale) })
	}
	gl.Enable(gl.BLEND)
	if p.overlay != nil {
		pass(d.tint, p.overlay, p.overlay.area, func() {
			d.tint.setInt("maps", 1)
			d.tint.setInt("map", slices.Index(ColorMaps(), p.mapRow))
			d.tint.setVec3("shading", [3]float32{p.shading.low, p.shading.scale, p.shading.opacity})
		})
	}
	for i := range p.pens {
		n := &p.pens[i]
		pass(d.contour, p.fields[n.field], n.area, func() {
			d.contour.setVec2("tile", float32(r.Min.X), float32(r.Min.Y))
			d.contour.setVec4("ink", n.r, n.g, n.b, n.alpha)
			d.contour.setVec4("shape", n.level, n.minSlope, n.half, n.fill)
			d.contour.setVec3("dash", [3]float32{n.dash, n.dashX, n.dashY})
		})
	}
	gl.Disable(gl.BLEND)
}
