//go:build cgo

package render

import (
	"image"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/go-gl/gl/v3.3-core/gl"

	"bayeslice/internal/geom"
	"bayeslice/internal/testenv"
	"bayeslice/internal/volume"
)

// known counts the objects of the current context by asking the driver for every name that it may have given.
func known() (n int) {
	for name := range uint32(4096) {
		for _, is := range []func(uint32) bool{gl.IsTexture, gl.IsRenderbuffer, gl.IsFramebuffer, gl.IsVertexArray, gl.IsProgram} {
			if name > 0 && is(name) {
				n++
			}
		}
	}
	return n
}

// What is counted is what the driver knows, while volumes and sizes come and go, and nothing is left of a device that was freed.
func TestObjectsAreThoseOfTheDriver(t *testing.T) {
	t.Setenv("MESA_SHADER_CACHE_DISABLE", "true")
	sources, err := contextSources()
	if err != nil {
		testenv.SkipOrFail(t, "gl", "no OpenGL here: "+err.Error())
	}
	var c glContext
	for _, s := range sources {
		if c, err = s.open(); err == nil {
			break
		}
	}
	if c == nil {
		testenv.SkipOrFail(t, "gl", "no OpenGL here: "+err.Error())
	}
	defer c.destroy()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := c.makeCurrent(); err != nil {
		t.Fatal(err)
	}
	defer c.release()
	before := Objects()
	d, err := newDevice(c)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(9, 9))
	for i := range 12 {
		s := randomScene(t, r, volume.Linear)
		if _, err := d.render(t.Context(), &s, 40+8*i, 32); err != nil {
			t.Fatal(err)
		}
		if i%3 == 2 {
			runtime.GC() // the volumes of earlier pictures are gone at the next one
		}
		if got, want := Objects()-before, known(); got != want || want < 10 {
			t.Errorf("after %d pictures %d objects are counted, and the driver knows %d", i+1, got, want)
		}
	}
	gl.UseProgram(0) // the one in use lives until another is
	d.free()
	if got, left := Objects()-before, known(); got != 0 || left != 0 {
		t.Errorf("%d objects are counted after the end, and the driver knows %d", got, left)
	}
}

// An object that is not deleted is counted.
func TestAForgottenTextureIsCounted(t *testing.T) {
	g, before := mustGL(t), Objects()
	plane := axialPlane(geom.Vec3{}, 1, 8, 8)
	var kept []*volume.Volume
	for range 3 {
		v := mustVolume(t, mustGrid(t, [3]int{8, 8, 1}, geom.Vec3{1, 1, 1}), func(i, _, _ int) float32 { return float32(i) })
		kept = append(kept, v)
		if img := draw(t, g, Scene{Plane: plane, Base: v, Window: Window{Level: 4, Width: 8}}, 8, 8); img.Rect != image.Rect(0, 0, 8, 8) {
			t.Fatal(img.Rect)
		}
	}
	runtime.KeepAlive(kept)
	if got := Objects() - before; got != 3+3 { // a texture for each volume; layers and two targets
		t.Errorf("%d more objects, want 6", got)
	}
}
