package ort

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestMemoryErrorsAreKnown holds the texts of providers and drivers, as their sources and reports of users have them.
func TestMemoryErrorsAreKnown(t *testing.T) {
	for _, text := range []string{
		"Non-zero status code returned while running Conv node. Name:'c' Status Message: /onnxruntime/core/framework/bfc_arena.cc:376 void* onnxruntime::BFCArena::AllocateRawInternal(size_t, bool, onnxruntime::Stream*) Failed to allocate memory for requested buffer of size 4294967296",
		"bfc_arena.cc:358 Available memory of 0 is smaller than requested bytes of 117440512",
		"std::bad_alloc", "bad allocation", "Non-zero status",
		"CUDA failure 2: out of memory ; GPU=0 ; hostname=host ; file=cuda_allocator.cc ; line=50 ; expr=cudaMalloc((void**)&p, size);",
		"CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; GPU=0", "CUDNN failure 4: CUDNN_STATUS_ALLOC_FAILED",
		"Exception(1) tid(3c) 8007000E Not enough memory resources are available to complete this operation.",
		"WebGPU validation failed. Buffer size (4294967296) exceeds the max buffer size limit (2147483648).",
		"vkAllocateMemory failed with VK_ERROR_OUT_OF_DEVICE_MEMORY: Out of memory",
	} {
		err := runError("CUDA (ONNX Runtime 1.27.0)", errors.New("Error running network: "+text))
		if !errors.Is(err, ErrRun) || !errors.Is(err, ErrMemory) || !strings.Contains(err.Error(), "smaller model") {
			t.Errorf("%q becomes %v", text, err)
		}
		if err := openError(errors.New(text)); !errors.Is(err, ErrMemory) || errors.Is(err, ErrModel) {
			t.Errorf("opening: %q becomes %v", text, err)
		}
	}
	for _, text := range []string{"CUDA failure 700: an illegal memory access was encountered", "GPUDevice lost: device was destroyed", "INVALID_ARGUMENT : Got invalid dimensions"} {
		if err := runError("x", errors.New(text)); errors.Is(err, ErrMemory) {
			t.Errorf("%q is taken for want of memory", text)
		}
	}
}

func TestMissingLibrariesAreNamed(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the files below are Linux's")
	}
	e := openEnv(t)
	dir := t.TempDir()
	library := filepath.Join(dir, "libonnxruntime.so.1")
	if text := missingCUDA(library); !strings.Contains(text, "no libonnxruntime_providers_cuda.so beside the library") || !strings.Contains(text, "NVIDIA driver") {
		t.Errorf("without the provider: %s", text)
	}
	// A library that needs one that nobody has: ONNX Runtime's own, with a name in its table of strings changed.
	content, err := os.ReadFile(e.library.Path)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.ReplaceAll(string(content), "libstdc++.so.6\x00", "libcufft.so.11\x00")
	if len(changed) != len(content) {
		t.Fatal("the stand-in has another size")
	}
	if err := os.WriteFile(filepath.Join(dir, "libonnxruntime_providers_cuda.so"), []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	if text := missingCUDA(library); !strings.Contains(text, "needs libcufft.so.11, which cannot be found") {
		t.Errorf("with a library missing: %s", text)
	}
	if got := missingLibraries(e.library.Path, dir); len(got) > 0 {
		t.Errorf("the library in use lacks %q", got)
	}
}

func TestProvidersThatAreNotThereSayWhatTheyNeed(t *testing.T) {
	e := openEnv(t)
	if err := e.Available(CPU); err != nil {
		t.Errorf("the CPU: %v", err)
	}
	if runtime.GOOS == "linux" {
		t.Setenv("VK_DRIVER_FILES", "/missing.json")
		if err := e.Available(WebGPU); !errors.Is(err, ErrProvider) || !strings.Contains(err.Error(), "no Vulkan driver") {
			t.Errorf("WebGPU: %v", err)
		}
	}
	for _, p := range []Provider{CUDA, DirectML, CoreML} {
		if err := e.Available(p); err != nil && !strings.Contains(err.Error(), needs[p]) {
			t.Errorf("%s: %v", p, err)
		}
	}
}

func TestOpeningEndsWithItsContext(t *testing.T) {
	e := openEnv(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.NewSessionContext(ctx, whereModel(t), SessionOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want context.Canceled", err)
	}
	s, err := e.NewSessionContext(t.Context(), whereModel(t), SessionOptions{Frugal: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Run(t.Context(), whereInput()); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
