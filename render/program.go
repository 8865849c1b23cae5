//go:build cgo

package render

import (
	_ "embed" // the shaders
	"fmt"
	"strings"

	"github.com/go-gl/gl/v3.3-core/gl"
)

// The shaders, GLSL 3.30.
var (
	//go:embed shaders/screen.vert.glsl
	screenSource string
	//go:embed shaders/sample.frag.glsl
	sampleSource string
	//go:embed shaders/grey.frag.glsl
	greySource string
	//go:embed shaders/tint.frag.glsl
	tintSource string
	//go:embed shaders/contour.frag.glsl
	contourSource string
)

// program is a linked shader program and the places of its uniforms.
type program struct {
	name  uint32
	label string
	where map[string]int32
}

// newProgram compiles and links a fragment shader with the one vertex shader, with a macro defined
// where one is given. Errors hold the driver's log.
func newProgram(label, fragment, macro string) (*program, error) {
	if macro != "" {
		label += " " + macro
		fragment = strings.Replace(fragment, "#version 330 core\n", "#version 330 core\n#define "+macro+"\n", 1)
	}
	p := &program{name: gl.CreateProgram(), label: label, where: map[string]int32{}}
	for kind, source := range map[uint32]string{gl.VERTEX_SHADER: screenSource, gl.FRAGMENT_SHADER: fragment} {
		shader, err := compile(kind, source)
		if err != nil {
			gl.DeleteProgram(p.name)
			return nil, fmt.Errorf("%w: shader %s: %w", ErrDevice, label, err)
		}
		gl.AttachShader(p.name, shader)
		gl.DeleteShader(shader) // goes with the program
	}
	objects.Add(1)
	gl.LinkProgram(p.name)
	var ok int32
	gl.GetProgramiv(p.name, gl.LINK_STATUS, &ok)
	if ok == gl.FALSE {
		err := fmt.Errorf("%w: linking shader %s: %s", ErrDevice, label, infoLog(p.name, gl.GetProgramiv, gl.GetProgramInfoLog))
		p.delete()
		return nil, err
	}
	return p, nil
}

func compile(kind uint32, source string) (uint32, error) {
	shader := gl.CreateShader(kind)
	text, free := gl.Strs(source + "\x00")
	gl.ShaderSource(shader, 1, text, nil)
	free()
	gl.CompileShader(shader)
	var ok int32
	gl.GetShaderiv(shader, gl.COMPILE_STATUS, &ok)
	if ok == gl.FALSE {
		err := fmt.Errorf("it does not compile: %s", infoLog(shader, gl.GetShaderiv, gl.GetShaderInfoLog))
		gl.DeleteShader(shader)
		return 0, err
	}
	return shader, nil
}

// infoLog reads the log of a shader or a program.
func infoLog(name uint32, query func(uint32, uint32, *int32), read func(uint32, int32, *int32, *uint8)) string {
	var n int32
	query(name, gl.INFO_LOG_LENGTH, &n)
	if n <= 1 {
		return "the driver gives no reason"
	}
	text := make([]uint8, n)
	read(name, n, nil, &text[0])
	return strings.TrimSpace(strings.TrimRight(string(text), "\x00"))
}

// delete frees the program; nil is allowed.
func (p *program) delete() {
	if p != nil {
		objects.Add(-1)
		gl.DeleteProgram(p.name)
	}
}

// at returns the place of a uniform; −1, which GL ignores, where the compiler found it unused.
func (p *program) at(uniform string) int32 {
	place, known := p.where[uniform]
	if !known {
		place = gl.GetUniformLocation(p.name, gl.Str(uniform+"\x00"))
		p.where[uniform] = place
	}
	return place
}

func (p *program) setInt(uniform string, v int) { gl.Uniform1i(p.at(uniform), int32(v)) }

func (p *program) setVec2(uniform string, x, y float32) { gl.Uniform2f(p.at(uniform), x, y) }

func (p *program) setVec3(uniform string, v [3]float32) {
	gl.Uniform3f(p.at(uniform), v[0], v[1], v[2])
}

// setAxis sets an integer vector to the unit vector of an axis.
func (p *program) setAxis(uniform string, axis int) {
	var v [3]int32
	v[axis] = 1
	gl.Uniform3i(p.at(uniform), v[0], v[1], v[2])
}

func (p *program) setVec4(uniform string, x, y, z, w float32) {
	gl.Uniform4f(p.at(uniform), x, y, z, w)
}
