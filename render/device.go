//go:build cgo

package render

import (
	"context"
	"fmt"
	"image"
	"strings"
	"sync"
	"unsafe"
	"weak"

	"github.com/go-gl/gl/v3.3-core/gl"

	"bayeslice/internal/volume"
)

// Bounds on what the device keeps.
const (
	volumeBudget = 512 << 20 // bytes of 3D textures
	layerBudget  = 256 << 20 // bytes of sampled layers, all sizes together
	tileSide     = 2048      // pixels; larger pictures are drawn in tiles
)

// volumeKey names a volume without keeping it alive.
type volumeKey = weak.Pointer[volume.Volume]

// device is what lives on the GL thread. All its methods are called there.
type device struct {
	name     string
	hardware bool
	robust   bool // the driver reports lost contexts
	max3D    int
	maxTile  int
	failure  error               // after which nothing is drawn
	sampling map[string]*program // by the macro of sample.frag.glsl
	grey     *program
	tint     *program
	contour  *program
	boxes    *boxCache
	maps     uint32 // texture with a colour map a row
	vao      uint32
	target   uint32 // framebuffer
	volumes  *lru[volumeKey]
	stacks   map[tileSize]*stack
	clock    int64
}

// loadGL resolves the GL functions, which the binding keeps once for the process.
var loadGL struct {
	once sync.Once
	err  error
}

// newDevice sets the current context up.
func newDevice(c glContext) (*device, error) {
	loadGL.once.Do(func() { loadGL.err = gl.InitWithProcAddrFunc(c.procAddress) })
	if loadGL.err != nil {
		return nil, fmt.Errorf("the driver lacks a function of OpenGL 3.3: %w", loadGL.err)
	}
	d := &device{stacks: map[tileSize]*stack{}, sampling: map[string]*program{}, boxes: newBoxCache()}
	var major, minor, maxTexture, max3D int32
	gl.GetIntegerv(gl.MAJOR_VERSION, &major)
	gl.GetIntegerv(gl.MINOR_VERSION, &minor)
	gl.GetIntegerv(gl.MAX_TEXTURE_SIZE, &maxTexture)
	gl.GetIntegerv(gl.MAX_3D_TEXTURE_SIZE, &max3D)
	if major < 3 || major == 3 && minor < 3 {
		return nil, fmt.Errorf("the driver offers OpenGL %d.%d; 3.3 is needed", major, minor)
	}
	renderer := gl.GoStr(gl.GetString(gl.RENDERER))
	d.name = fmt.Sprintf("OpenGL %d.%d (%s)", major, minor, renderer)
	d.hardware = !isSoftware(renderer)
	d.max3D, d.maxTile = int(max3D), min(tileSide, int(maxTexture)-2)
	d.robust = hasExtension("GL_ARB_robustness") && c.procAddress("glGetGraphicsResetStatusARB") != nil
	d.volumes = newLRU[volumeKey](volumeBudget, deleteTexture)
	if err := d.build(); err != nil {
		d.free()
		return nil, err
	}
	return d, nil
}

// isSoftware reports whether a GL_RENDERER string names a software implementation.
func isSoftware(renderer string) bool {
	r := strings.ToLower(renderer)
	for _, s := range []string{"llvmpipe", "softpipe", "swrast", "software", "swiftshader"} {
		if strings.Contains(r, s) {
			return true
		}
	}
	return false
}

func hasExtension(name string) bool {
	var n int32
	gl.GetIntegerv(gl.NUM_EXTENSIONS, &n)
	for i := range n {
		if gl.GoStr(gl.GetStringi(gl.EXTENSIONS, uint32(i))) == name {
			return true
		}
	}
	return false
}

// build makes what every picture needs.
func (d *device) build() error {
	var err error
	for _, macro := range []string{readNearest, readFlat, readLinear, readSparse} {
		if d.sampling[macro], err = newProgram("sample", sampleSource, macro); err != nil {
			return err
		}
	}
	if d.grey, err = newProgram("grey", greySource, ""); err != nil {
		return err
	}
	if d.tint, err = newProgram("tint", tintSource, ""); err != nil {
		return err
	}
	if d.contour, err = newProgram("contour", contourSource, ""); err != nil {
		return err
	}
	objects.Add(2) // the next two
	gl.GenVertexArrays(1, &d.vao)
	gl.BindVertexArray(d.vao)
	gl.GenFramebuffers(1, &d.target)
	gl.BindFramebuffer(gl.FRAMEBUFFER, d.target)
	gl.Enable(gl.SCISSOR_TEST)
	gl.Disable(gl.BLEND)
	gl.BlendFuncSeparate(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA, gl.ZERO, gl.ONE)
	gl.Disable(gl.DEPTH_TEST)
	gl.Disable(gl.DITHER)
	gl.PixelStorei(gl.UNPACK_ALIGNMENT, 4)
	gl.PixelStorei(gl.PACK_ALIGNMENT, 4)
	d.uploadMaps()
	return d.check("setting up")
}

// uploadMaps puts the colour maps in a texture, a row each in the order of [ColorMaps].
func (d *device) uploadMaps() {
	var pixels []uint8
	for _, m := range ColorMaps() {
		for _, c := range LUT(m) {
			pixels = append(pixels, c.R, c.G, c.B, c.A)
		}
	}
	d.maps = newTexture(gl.TEXTURE_2D)
	gl.TexImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, 256, int32(len(ColorMaps())), 0, gl.RGBA, gl.UNSIGNED_BYTE, unsafe.Pointer(&pixels[0]))
}

// newTexture makes and binds a texture that is read texel by texel.
func newTexture(kind uint32) uint32 {
	var name uint32
	objects.Add(1)
	gl.GenTextures(1, &name)
	gl.BindTexture(kind, name)
	gl.TexParameteri(kind, gl.TEXTURE_MIN_FILTER, gl.NEAREST)
	gl.TexParameteri(kind, gl.TEXTURE_MAG_FILTER, gl.NEAREST)
	gl.TexParameteri(kind, gl.TEXTURE_MAX_LEVEL, 0)
	return name
}

// deleteTexture deletes a texture; 0, which none has, is allowed.
func deleteTexture(name uint32) {
	if name != 0 {
		objects.Add(-1)
		gl.DeleteTextures(1, &name)
	}
}

// free deletes every object; it takes a device that was built only in part.
func (d *device) free() {
	d.volumes.removeIf(func(volumeKey) bool { return true })
	for size := range d.stacks {
		d.dropStack(size)
	}
	for _, p := range d.sampling {
		p.delete()
	}
	d.grey.delete()
	d.tint.delete()
	d.contour.delete()
	deleteTexture(d.maps)
	if d.vao != 0 {
		objects.Add(-2)
	}
	gl.DeleteFramebuffers(1, &d.target)
	gl.DeleteVertexArrays(1, &d.vao)
}

// check turns pending GL errors into one that wraps [ErrDevice].
func (d *device) check(doing string) error {
	if d.robust {
		if status := gl.GetGraphicsResetStatusARB(); status != gl.NO_ERROR {
			return fmt.Errorf("%w while %s: the graphics device was reset (0x%x)", ErrDevice, doing, status)
		}
	}
	code := gl.GetError()
	if code == gl.NO_ERROR {
		return nil
	}
	for range 16 { // a lost context may report errors for ever
		if gl.GetError() == gl.NO_ERROR {
			break
		}
	}
	what := map[uint32]string{
		gl.OUT_OF_MEMORY: "graphics memory ran out", gl.INVALID_ENUM: "invalid enum", gl.INVALID_VALUE: "invalid value",
		gl.INVALID_OPERATION: "invalid operation", gl.INVALID_FRAMEBUFFER_OPERATION: "incomplete framebuffer", gl.CONTEXT_LOST: "the context was lost",
	}[code]
	return fmt.Errorf("%w while %s: %s (0x%x)", ErrDevice, doing, what, code)
}

// render draws a checked scene, tile by tile.
func (d *device) render(ctx context.Context, scene *Scene, w, h int) (*image.RGBA, error) {
	if d.failure != nil {
		return nil, d.failure
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d.volumes.tick()
	d.volumes.removeIf(func(k volumeKey) bool { return k.Value() == nil })
	p := prepare(scene, w, h, d.boxes)
	in, err := d.upload(p.sources())
	if err != nil {
		return nil, d.fail(err)
	}
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := 0; y < h; y += d.maxTile {
		for x := 0; x < w; x += d.maxTile {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			tile := image.Rect(x, y, min(x+d.maxTile, w), min(y+d.maxTile, h))
			if err := d.tile(&p, in, tile, img); err != nil {
				return nil, d.fail(err)
			}
		}
	}
	return img, nil
}
