package imageio

import (
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"bayeslice/internal/geom"
	"bayeslice/internal/testenv"
	"bayeslice/internal/volume"
)

// BenchmarkFiles writes and reads a T2W series of usual size as NIfTI and MetaImage, in turns with nibabel and SimpleITK
// (testdata/filespeer.py), which write what they have read of the same file.
func BenchmarkFiles(b *testing.B) {
	v := benchSeries(b)
	for _, c := range []struct{ peer, ext, missing string }{
		{"nibabel", ".nii.gz", "peer not installed: Debian's python3-nibabel"},
		{"SimpleITK", ".nii.gz", "peer not installed: pip install SimpleITK"},
		{"SimpleITK", ".mha", "peer not installed: pip install SimpleITK"},
	} {
		b.Run(c.peer+c.ext, func(b *testing.B) {
			version, ask := testenv.Python(b, filepath.Join("testdata", "filespeer.py"), c.peer)
			if ask == nil {
				version = c.peer
			} else {
				c.missing = ""
			}
			benchFiles(b, v, version, c.missing, c.ext, ask)
		})
	}
}

// benchFiles reports reading and writing of files with the extension ext beside a peer, which ask asks.
func benchFiles(b *testing.B, v *volume.Volume, peer, missing, ext string, ask func(string) (string, error)) {
	b.Helper()
	dir, what := b.TempDir(), " 384 × 384 × 19 voxels, "+ext
	reading := testenv.Peer{Row: "reading" + what, Peer: peer, Missing: missing, Unit: "s"}
	writing := testenv.Peer{Row: "writing" + what, Peer: peer, Missing: missing, Unit: "s"}
	file := filepath.Join(dir, "here"+ext)
	for b.Loop() {
		start := time.Now()
		if err := Write(file, v); err != nil {
			b.Fatal(err)
		}
		written := time.Now()
		image, err := Open(file)
		if err != nil || len(image.Volumes) != 1 {
			b.Fatal(image, err)
		}
		writing.Mine, reading.Mine = append(writing.Mine, written.Sub(start).Seconds()), append(reading.Mine, time.Since(written).Seconds())
		if ask != nil {
			reading.Theirs = append(reading.Theirs, testenv.AskNumbers(b, ask, "read "+file)[0])
			writing.Theirs = append(writing.Theirs, testenv.AskNumbers(b, ask, "write "+filepath.Join(dir, "peer"+ext))[0])
		}
	}
	reading.Report(b)
	writing.Report(b)
}

// benchSeries are integers of ten bits that differ little from their neighbours, as an image's do.
func benchSeries(b *testing.B) *volume.Volume {
	b.Helper()
	g := geom.Grid{Size: [3]int{384, 384, 19}, Spacing: geom.Vec3{0.5, 0.5, 3}, Dir: [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}}
	random := rand.New(rand.NewPCG(1, 2))
	data := make([]float32, g.Voxels())
	for i := range data {
		data[i] = float32((i%384)*2 + random.IntN(64))
	}
	v, err := volume.New(g, data, "")
	if err != nil {
		b.Fatal(err)
	}
	return v
}
