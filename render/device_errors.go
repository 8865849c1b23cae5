package render

import "errors"

// Errors of the OpenGL renderer. [New] answers both by drawing on the CPU.
var (
	// ErrDevice marks a failure of OpenGL: memory ran out, the context was lost, the driver refused a
	// call. The renderer draws nothing more.
	ErrDevice = errors.New("render: OpenGL failed")
	// ErrVolumeSize marks a volume that is larger than the device's textures may be; other scenes can
	// still be drawn.
	ErrVolumeSize = errors.New("render: the volume is too large for the graphics device")
)
