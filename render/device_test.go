//go:build cgo

package render

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"bayeslice/internal/testenv"
	"bayeslice/internal/volume"
)

// onDevice runs f with a device of its own on this test's OS thread, or skips the test.
func onDevice(t *testing.T, f func(d *device)) {
	t.Helper()
	t.Setenv("MESA_SHADER_CACHE_DISABLE", "true")
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	sources, err := contextSources()
	if err != nil {
		testenv.SkipOrFail(t, "gl", err.Error())
	}
	for _, s := range sources {
		c, err := s.open()
		if err != nil || c.makeCurrent() != nil {
			continue
		}
		defer c.destroy()
		defer c.release()
		d, err := newDevice(c)
		if err != nil {
			t.Fatal(err)
		}
		defer d.free()
		f(d)
		return
	}
	testenv.SkipOrFail(t, "gl", "no OpenGL context can be made here")
}

func TestShaderErrorsCarryTheDriversLog(t *testing.T) {
	onDevice(t, func(*device) {
		_, err := newProgram("bad", "#version 330 core\nvoid main() { nonsense(1); }\n", "")
		if !errors.Is(err, ErrDevice) || !strings.Contains(err.Error(), "nonsense") {
			t.Errorf("error = %v, want ErrDevice with the driver's complaint", err)
		}
	})
}

func TestGLErrorsEndTheDevice(t *testing.T) {
	onDevice(t, func(d *device) {
		s := randomScene(t, rand.New(rand.NewPCG(1, 1)), volume.Linear)
		if _, err := d.render(context.Background(), &s, 20, 20); err != nil {
			t.Fatal(err)
		}
		d.grey.setVec3("window", [3]float32{}) // of the wrong type, and of a program that is not in use
		if err := d.fail(d.check("testing")); !errors.Is(err, ErrDevice) {
			t.Fatalf("check = %v, want ErrDevice", err)
		}
		if _, err := d.render(context.Background(), &s, 20, 20); !errors.Is(err, ErrDevice) {
			t.Errorf("after the failure: %v, want ErrDevice again", err)
		}
	})
}

func TestDeviceForgetsVolumesThatAreGone(t *testing.T) {
	onDevice(t, func(d *device) {
		draw := func() {
			s := randomScene(t, rand.New(rand.NewPCG(2, 1)), volume.Linear)
			if _, err := d.render(context.Background(), &s, 20, 20); err != nil {
				t.Fatal(err)
			}
		}
		draw()
		if len(d.volumes.entries) == 0 {
			t.Fatal("nothing was uploaded")
		}
		runtime.GC()
		debug.FreeOSMemory()
		black := Scene{Plane: axialPlane([3]float64{}, 1, 4, 4)}
		if _, err := d.render(context.Background(), &black, 4, 4); err != nil {
			t.Fatal(err)
		}
		if n := len(d.volumes.entries); n != 0 || d.volumes.used != 0 {
			t.Errorf("%d textures (%d bytes) outlive their volumes", n, d.volumes.used)
		}
	})
}
