package ort

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	ortgo "github.com/yalue/onnxruntime_go"

	"bayeslice/internal/machine"
)

// Provider is the name of an execution provider as users write it.
type Provider string

// The providers this program knows. Auto takes the CPU here; which device is fastest is measured by
// package devices, which asks for it by name.
const (
	Auto     Provider = "auto"
	CPU      Provider = "cpu"
	WebGPU   Provider = "webgpu"
	CUDA     Provider = "cuda"
	DirectML Provider = "directml"
	CoreML   Provider = "coreml"
)

// Providers lists the names that [ParseProvider] accepts.
func Providers() []Provider { return []Provider{Auto, CPU, WebGPU, CUDA, DirectML, CoreML} }

// ParseProvider reads a provider's name in any case; "" is [Auto]. It fails with [ErrProvider].
func ParseProvider(name string) (Provider, error) {
	p := Provider(strings.ToLower(strings.TrimSpace(name)))
	if p == "" {
		return Auto, nil
	}
	if !slices.Contains(Providers(), p) {
		return "", fmt.Errorf("%w: %q is not known; choose one of %v", ErrProvider, name, Providers())
	}
	return p, nil
}

// Label returns the provider's name as it is written in text.
func (p Provider) Label() string {
	switch p {
	case WebGPU:
		return "WebGPU"
	case CUDA:
		return "CUDA"
	case DirectML:
		return "DirectML"
	case CoreML:
		return "Core ML"
	}
	return "CPU"
}

// onCPU reports whether no other provider is asked for.
func (p Provider) onCPU() bool { return p == Auto || p == CPU || p == "" }

// runtimeName is the provider's name inside ONNX Runtime, as its profile writes it.
func (p Provider) runtimeName() string {
	switch p {
	case WebGPU:
		return "WebGpuExecutionProvider"
	case CUDA:
		return "CUDAExecutionProvider"
	case DirectML:
		return "DmlExecutionProvider"
	case CoreML:
		return "CoreMLExecutionProvider"
	}
	return "CPUExecutionProvider"
}

// appendTo registers the provider with session options; nothing is to be done for the CPU.
func (p Provider) appendTo(o *ortgo.SessionOptions, frugal bool) error {
	switch p {
	case WebGPU:
		if runtime.GOOS == "linux" && len(machine.VulkanDrivers()) == 0 { // asked in vain, the device layer prints warnings
			return errNoVulkan
		}
		return o.AppendExecutionProvider("WebGPU", nil)
	case CUDA:
		return appendCUDA(o, frugal)
	case DirectML:
		// It demands that memory patterns are off and operators run in sequence, as they do here.
		return o.AppendExecutionProviderDirectML(0)
	case CoreML:
		return o.AppendExecutionProviderCoreMLV2(map[string]string{"ModelFormat": "MLProgram"})
	}
	return nil
}

// errNoVulkan is why WebGPU has no device on Linux.
var errNoVulkan = errors.New("no Vulkan driver is installed, which WebGPU needs on Linux; install that of the graphics card (Debian: mesa-vulkan-drivers or nvidia-vulkan-icd)")

// frugalCUDA keeps CUDA's memory small: an arena that grows by what is asked for, and convolutions
// without large workspaces.
var frugalCUDA = map[string]string{"arena_extend_strategy": "kSameAsRequested", "cudnn_conv_algo_search": "HEURISTIC", "cudnn_conv_use_max_workspace": "0"}

func appendCUDA(o *ortgo.SessionOptions, frugal bool) error {
	c, err := ortgo.NewCUDAProviderOptions()
	if err != nil {
		return err
	}
	defer c.Destroy() //nolint:errcheck // it cannot fail
	if frugal {
		if err := c.Update(frugalCUDA); err != nil {
			return err
		}
	}
	return o.AppendExecutionProviderCUDA(c)
}
