// Package openjpeg decodes JPEG 2000 images of one component (ISO/IEC 15444-1) with OpenJPEG. The library is part of the
// program as a WebAssembly module, built by wasm/build.sh from Debian's patched source, and runs in a sandbox: a hostile
// codestream can neither reach the program's memory nor take more than the sandbox has, and needs no library of the system.
package openjpeg

import (
	"context"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

//go:embed openjpeg.wasm
var module []byte

//go:embed LICENSE
var license string

// License returns the licence of OpenJPEG, which the program must show or ship.
func License() string { return license }

// The errors of [Decode].
var (
	ErrCodestream = errors.New("openjpeg: damaged JPEG 2000 pixels") // what OpenJPEG says follows
	ErrSize       = errors.New("openjpeg: the JPEG 2000 image has another size than expected")
	ErrTooLarge   = errors.New("openjpeg: a JPEG 2000 image of more than 16 million pixels")
	ErrComponents = errors.New("openjpeg: a JPEG 2000 image of several components")
)

// Bounds of one image, none of which an MR image comes near, so that decoding one ends in seconds.
const (
	maxPages  = 1 << 13 // of the sandbox's memory, 64 KiB each: 512 MiB
	maxPixels = 1 << 24
	maxBytes  = 1 << 26 // of the codestream
)

// Image is a decoded image of one component.
type Image struct {
	Samples []int32 // row by row, width × height
	Bits    int     // of one sample
	Signed  bool
}

// sandbox is the compiled module; an instance of it is made for every image and thrown away.
type sandbox struct {
	runtime wazero.Runtime
	code    wazero.CompiledModule
}

// compiled compiles the module once, which takes some tenths of a second. The runtime lives as long as the program.
var compiled = sync.OnceValues(func() (*sandbox, error) {
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithMemoryLimitPages(maxPages))
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, r); err != nil {
		return nil, fmt.Errorf("openjpeg: starting the sandbox: %w", err)
	}
	code, err := r.CompileModule(ctx, module)
	if err != nil {
		return nil, fmt.Errorf("openjpeg: compiling the decoder: %w", err)
	}
	return &sandbox{r, code}, nil
})

// Decode decodes a codestream, or one in a JP2 file, which must be an image of width × height pixels. It fails with one of
// the package's errors. ctx is looked at before it begins: an image takes some tens of milliseconds, and a sandbox that can be
// interrupted took three times as long. It is safe for concurrent use.
func Decode(ctx context.Context, data []byte, width, height int) (Image, error) {
	switch {
	case width < 1 || height < 1:
		return Image{}, fmt.Errorf("%w (%d×%d)", ErrSize, width, height)
	case int64(width)*int64(height) > maxPixels || len(data) > maxBytes:
		return Image{}, ErrTooLarge
	}
	if err := ctx.Err(); err != nil {
		return Image{}, err
	}
	s, err := compiled()
	if err != nil {
		return Image{}, err
	}
	instance, err := s.runtime.InstantiateModule(ctx, s.code, wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize"))
	if err != nil {
		return Image{}, failure(err)
	}
	defer func() { _ = instance.Close(ctx) }() // frees memory only
	at, err := call(ctx, instance, "obtain", uint64(len(data)))
	if err != nil || at == 0 || !instance.Memory().Write(at, data) {
		return Image{}, fmt.Errorf("%w: the sandbox has no memory for it", ErrCodestream)
	}
	code, err := call(ctx, instance, "decode", uint64(at), uint64(len(data)), uint64(width), uint64(height))
	if err != nil {
		return Image{}, failure(err)
	}
	switch code {
	case 0:
		return result(ctx, instance, width*height)
	case 2:
		return Image{}, ErrSize
	case 4:
		return Image{}, ErrComponents
	}
	return Image{}, fmt.Errorf("%w: %s", ErrCodestream, complaint(ctx, instance))
}

// failure says that the module trapped on what it was given.
func failure(err error) error {
	first, _, _ := strings.Cut(err.Error(), "\n")
	return fmt.Errorf("%w: the decoder stopped (%s)", ErrCodestream, first)
}

// call calls an exported function of one result.
func call(ctx context.Context, m api.Module, name string, args ...uint64) (uint32, error) {
	out, err := m.ExportedFunction(name).Call(ctx, args...)
	if err != nil {
		return 0, err
	}
	return api.DecodeU32(out[0]), nil
}

// result copies the n samples out of the module.
func result(ctx context.Context, m api.Module, n int) (Image, error) {
	at, err := call(ctx, m, "facts")
	if err != nil {
		return Image{}, failure(err)
	}
	facts, ok := m.Memory().Read(at, 24)
	if !ok {
		return Image{}, ErrCodestream
	}
	fact := func(i int) uint32 { return binary.LittleEndian.Uint32(facts[4*i:]) }
	raw, ok := m.Memory().Read(fact(5), uint32(n)*4) // Decode bounds n
	if !ok {
		return Image{}, ErrCodestream
	}
	image := Image{Samples: make([]int32, n), Bits: int(fact(3)), Signed: fact(4) != 0}
	for i := range image.Samples {
		image.Samples[i] = int32(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return image, nil
}

// complaint returns the first thing that OpenJPEG complained of.
func complaint(ctx context.Context, m api.Module) string {
	at, err := call(ctx, m, "complaint")
	if err != nil {
		return "no reason given"
	}
	b, _ := m.Memory().Read(at, 256)
	s, _, _ := strings.Cut(string(b), "\x00")
	return strings.TrimSpace(strings.ToValidUTF8(s, "?"))
}
