package dicom

import (
	"context"
	"os"
	"runtime"
	"testing"
	"testing/fstest"

	"bayeslice/internal/imageio/dicom/dicomtest"
)

// FuzzDICOM reads a whole file's bytes as two slices of a series and as a directory. Nothing may
// panic, and what is allocated on the way is bounded by the file's size.
func FuzzDICOM(f *testing.F) {
	for _, syntax := range []string{dicomtest.ExplicitLE, dicomtest.ImplicitLE, dicomtest.ExplicitBE, dicomtest.Deflated, rleLossless} {
		f.Add(pair(syntax, []uint16{1, 2, 3, 4})[0])
	}
	f.Add(pair(dicomtest.ExplicitLE, []uint16{1, 2, 3, 4}, el{Tag: 0x00080005, VR: "CS", Value: "ISO_IR 126"})[0])
	f.Add(dicomtest.Encode(dicomtest.ExplicitLE, enhanced(2)))
	f.Add(dicomtest.Encode(dicomtest.ExplicitLE, []el{{Tag: 0x00041220, VR: "SQ", Value: [][]el{{{Tag: 0x00041500, VR: "CS", Value: `A\B`}}}}}))
	for _, name := range []string{"compressed/jpeg-6.dcm", "compressed/rle.dcm", "compressed/jls.dcm", "compressed/j2k.dcm", "lossy/dct-12.dcm", "lossy/dct-8.dcm"} {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		fsys := fstest.MapFS{"a": &fstest.MapFile{Data: data}, "b": &fstest.MapFile{Data: data}}
		_, _, _ = Directory(fsys, "a")
		index, err := Scan(context.Background(), fsys, []string{"a", "b"}, nil)
		if err != nil {
			t.Fatalf("a scan of two files failed as a whole: %v", err)
		}
		for _, s := range index.Series {
			for _, stack := range s.Stacks {
				if v, err := stack.Load(context.Background(), fsys, LoadOptions{}); err == nil && len(v) != stack.Grid.Voxels() {
					t.Fatalf("%d voxels on a grid of %v", len(v), stack.Grid.Size)
				}
			}
		}
		runtime.ReadMemStats(&after)
		// Deflate expands up to 1032-fold, JPEG 2000 further in a sandbox of its own; each byte becomes at most a float32 per slice, twice.
		if used := after.TotalAlloc - before.TotalAlloc; used > 256<<20+uint64(len(data))*200_000 {
			t.Fatalf("%d MB allocated for a file of %d bytes", used>>20, len(data))
		}
	})
}
