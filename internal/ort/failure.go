package ort

import (
	"fmt"
	"slices"
	"strings"
)

// memoryTexts are what providers and their drivers say when memory ran out, in lower case. ONNX Runtime
// hands these on in the text of a general failure.
var memoryTexts = []string{
	"failed to allocate memory",   // the CPU's and CUDA's arenas
	"is smaller than requested",   // arenas with a limit: "Available memory of … is smaller than requested bytes of …"
	"bad allocation", "bad_alloc", // C++ (Windows, others)
	"out of memory", "out-of-memory", // CUDA, Vulkan and Metal drivers, WebGPU
	"outofmemory", "8007000e", // Direct3D
	"not enough memory", "insufficient memory", "insufficient resources", // Windows, Core ML
	"cannot allocate memory",                                          // Linux
	"alloc_failed",                                                    // cuBLAS, cuDNN: CUBLAS_STATUS_ALLOC_FAILED
	"max buffer size", "maxbuffersize", "maxstoragebufferbindingsize", // WebGPU: one tensor is larger than the device allows
	"resource temporarily unavailable", // no memory for another thread
}

// outOfMemory reports whether an error's text tells of memory that ran out.
func outOfMemory(text string) bool {
	text = strings.ToLower(text)
	if strings.HasSuffix(text, "non-zero status") { // of a sentence that goes on: there was no memory for the rest of it
		return true
	}
	return slices.ContainsFunc(memoryTexts, func(t string) bool { return strings.Contains(text, t) })
}

// runError is what a failed run on a device is told as: [ErrRun], and [ErrMemory] where memory ran out.
func runError(device string, err error) error {
	why := reason(err)
	if outOfMemory(err.Error()) {
		return fmt.Errorf("%w: %w on %s: %s; close other programs, or choose a smaller model or another device", ErrRun, ErrMemory, device, why)
	}
	return fmt.Errorf("%w on %s: %s; close other programs to free memory, or choose another device", ErrRun, device, why)
}

// openError is what a model that could not be opened on the CPU is told as: it is refused, unless memory ran out.
func openError(err error) error {
	if outOfMemory(err.Error()) {
		return fmt.Errorf("%w: opening the model: %s; close other programs, or choose a smaller model", ErrMemory, reason(err))
	}
	return fmt.Errorf("%w: %w", ErrModel, err)
}
