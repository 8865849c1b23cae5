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
	picture uint32 // renderbuffer, RGBA8
	slots   []slot
	lastUse int64
}

type slot struct {
	key     layerKey
	lastUse int64 // 0: empty
}

// picture is a scene ready for the device.
type picture struct {
	prepared
	scene  *Scene
	inputs []input // base, overlay and fields, as far as the scene has them
	base   int     // index in inputs, or −1
	over   int
	field  int // index of the first field
	mapRow int
}

// input is one volume to sample.
type input struct {
	volume  *volume.Volume
	at      transform // of the whole picture
	nearest bool
	texture *lruEntry
}

func newPicture(scene *Scene, w, h int) *picture {
	p := &picture{prepared: prepare(scene, w, h), scene: scene, base: -1, over: -1}
	add := func(v *volume.Volume, nearest bool) int {
		p.inputs = append(p.inputs, input{volume: v, at: newTransform(v.Grid(), scene.Plane, w, h), nearest: nearest})
		return len(p.inputs) - 1
	}
	if scene.Base != nil {
		p.base = add(scene.Base, scene.Interp == volume.Nearest)
	}
	if o := scene.Overlay; o != nil {
		p.over = add(o.Volume, false)
		p.mapRow = slices.Index(ColorMaps(), o.Map)
	}
	p.field = len(p.inputs)
	for _, f := range p.fields {
		add(f, false)
	}
	return p
}

// fail remembers the errors after which the context is of no more use.
func (d *device) fail(err error) error {
	if errors.Is(err, ErrDevice) {
		d.failure = err
	}
	return err
}

// upload brings every volume of the picture to the device, unless it is there.
func (d *device) upload(p *picture) error {
	for i := range p.inputs {
		in := &p.inputs[i]
		key := weak.Make(in.volume)
		if in.texture = d.volumes.get(key); in.texture != nil {
			continue
		}
		n := in.volume.Grid().Size
		if longest := max(n[0], n[1], n[2]); longest > d.max3D {
			return fmt.Errorf("%w: %d×%d×%d voxels, at most %d a side", ErrVolumeSize, n[0], n[1], n[2], d.max3D)
		}
		bytes := int64(len(in.volume.Data())) * 4
		d.volumes.makeRoom(bytes)
		data, sparse := markMissing(in.volume.Data())
		name := newTexture(gl.TEXTURE_3D)
		gl.TexImage3D(gl.TEXTURE_3D, 0, gl.R32F, int32(n[0]), int32(n[1]), int32(n[2]), 0, gl.RED, gl.FLOAT, unsafe.Pointer(&data[0]))
		if err := d.check("uploading a volume"); err != nil {
			deleteTexture(name)
			return err
		}
		in.texture = d.volumes.put(key, lruEntry{name: name, bytes: bytes, sparse: sparse})
	}
	return nil
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
func (d *device) tile(p *picture, r image.Rectangle, img *image.RGBA) error {
	d.clock++ // per tile, so that a tile never takes a slot of its own
	size := tileSize{r.Dx(), r.Dy()}
	st, err := d.stackFor(size, len(p.inputs))
	if err != nil {
		return err
	}
	where := make([]int, len(p.inputs))
	for i := range p.inputs {
		in := &p.inputs[i]
		key := layerKey{weak.Make(in.volume), in.at.shifted(float64(r.Min.X), float64(r.Min.Y)), in.nearest}
		at, fresh := st.find(key, d.clock)
		where[i] = at
		if fresh {
			d.sample(st, at, in, key.at)
		}
	}
	if err := d.check("sampling"); err != nil {
		st.forget()
		return err
	}
	d.compose(st, p, where, r)
	to := unsafe.Pointer(&img.Pix[img.PixOffset(r.Min.X, r.Min.Y)])
	gl.PixelStorei(gl.PACK_ROW_LENGTH, int32(img.Stride/4))
	gl.ReadPixels(0, 0, int32(size.w), int32(size.h), gl.RGBA, gl.UNSIGNED_BYTE, to)
	return d.check("drawing")
}

// find returns the slot of a layer, and whether it must be sampled (it takes the longest unused slot).
func (s *stack) find(key layerKey, clock int64) (at int, fresh bool) {
	at = slices.IndexFunc(s.slots, func(c slot) bool { return c.lastUse > 0 && c.key == key })
	if at < 0 {
		at, fresh = 0, true
		for i, c := range s.slots {
			if c.lastUse < s.slots[at].lastUse {
				at = i
			}
		}
	}
	s.slots[at] = slot{key: key, lastUse: clock}
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
	gl.GenRenderbuffers(1, &st.picture)
	gl.BindRenderbuffer(gl.RENDERBUFFER, st.picture)
	gl.RenderbufferStorage(gl.RENDERBUFFER, gl.RGBA8, int32(size.w), int32(size.h))
	return st, d.check("making room for a picture")
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
		gl.DeleteRenderbuffers(1, &st.picture)
		delete(d.stacks, size)
	}
}

// sample draws a volume into a layer.
func (d *device) sample(st *stack, at int, in *input, t transform) {
	gl.FramebufferTextureLayer(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, st.layers, 0, int32(at))
	gl.Viewport(0, 0, int32(st.size.w+2), int32(st.size.h+2))
	p := d.sampling
	gl.UseProgram(p.name)
	gl.ActiveTexture(gl.TEXTURE0)
	gl.BindTexture(gl.TEXTURE_3D, in.texture.name)
	n := in.volume.Grid().Size
	p.setInt("voxels", 0)
	gl.Uniform3i(p.at("last"), int32(n[0]-1), int32(n[1]-1), int32(n[2]-1))
	p.setVec3("origin", float32s(t.origin))
	p.setVec3("stepX", float32s(t.dx))
	p.setVec3("stepY", float32s(t.dy))
	p.setBool("nearest", in.nearest)
	p.setBool("sparse", in.texture.sparse)
	gl.DrawArrays(gl.TRIANGLES, 0, 3)
}

func float32s(v [3]float64) [3]float32 {
	return [3]float32{float32(v[0]), float32(v[1]), float32(v[2])}
}

// compose draws the layers of a tile on its target; where holds the layer of every input.
func (d *device) compose(st *stack, p *picture, where []int, r image.Rectangle) {
	gl.FramebufferRenderbuffer(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.RENDERBUFFER, st.picture)
	gl.Viewport(0, 0, int32(st.size.w), int32(st.size.h))
	layer := func(input int) int {
		if input < 0 {
			return -1
		}
		return where[input]
	}
	q := d.composing
	gl.UseProgram(q.name)
	gl.ActiveTexture(gl.TEXTURE0)
	gl.BindTexture(gl.TEXTURE_2D_ARRAY, st.layers)
	gl.ActiveTexture(gl.TEXTURE1)
	gl.BindTexture(gl.TEXTURE_2D, d.maps)
	q.setInt("layers", 0)
	q.setInt("maps", 1)
	q.setInt("base", layer(p.base))
	q.setInt("overlay", layer(p.over))
	q.setInt("map", p.mapRow)
	q.setVec2("window", p.low, p.scale)
	q.setVec3("shading", [3]float32{p.overlay.low, p.overlay.scale, p.overlay.opacity})
	q.setVec2("tile", float32(r.Min.X), float32(r.Min.Y))
	q.setInt("pens", len(p.pens))
	var colors, shapes, dashes [][4]float32
	for i := range p.pens {
		n := &p.pens[i]
		colors = append(colors, [4]float32{n.r, n.g, n.b, n.alpha})
		shapes = append(shapes, [4]float32{n.level, n.minSlope, n.half, n.fill})
		dashes = append(dashes, [4]float32{float32(where[p.field+n.field]), n.dash, n.dashX, n.dashY})
	}
	q.setVec4s("penColor", colors)
	q.setVec4s("penShape", shapes)
	q.setVec4s("penDash", dashes)
	gl.DrawArrays(gl.TRIANGLES, 0, 3)
}
