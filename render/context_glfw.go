//go:build cgo && (!linux || render_glfw)

package render

import (
	"fmt"
	"unsafe"

	"github.com/go-gl/glfw/v3.3/glfw"
)

// contextSources offers the context of a hidden window. The tag render_glfw chooses it on Linux too,
// which is how it is compiled and tried there.
func contextSources() ([]contextSource, error) {
	return []contextSource{{"hidden GLFW window", openGLFW}}, nil
}

// glfwContext is the context of a hidden window, which is made and destroyed on the main thread.
type glfwContext struct{ window *glfw.Window }

// openGLFW makes the window. GLFW is initialised (again, harmlessly, where the toolkit has done so)
// and never terminated, since the toolkit's windows live in it.
func openGLFW() (glContext, error) {
	if err := glfw.Init(); err != nil {
		return nil, fmt.Errorf("%w: GLFW: %w", errNoContext, err)
	}
	glfw.DefaultWindowHints()
	defer glfw.DefaultWindowHints() // hints are sticky: the toolkit's next window must not get ours
	glfw.WindowHint(glfw.Visible, glfw.False)
	glfw.WindowHint(glfw.ContextVersionMajor, 3)
	glfw.WindowHint(glfw.ContextVersionMinor, 3)
	glfw.WindowHint(glfw.OpenGLProfile, glfw.OpenGLCoreProfile)
	glfw.WindowHint(glfw.OpenGLForwardCompatible, glfw.True)
	window, err := glfw.CreateWindow(16, 16, "", nil, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: GLFW: %w", errNoContext, err)
	}
	return &glfwContext{window: window}, nil
}

func (c *glfwContext) makeCurrent() error {
	c.window.MakeContextCurrent()
	return nil
}

func (*glfwContext) procAddress(name string) unsafe.Pointer { return glfw.GetProcAddress(name) }

func (*glfwContext) release() { glfw.DetachCurrentContext() }

func (c *glfwContext) destroy() { c.window.Destroy() }
