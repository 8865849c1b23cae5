package volume

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"bayeslice/internal/testenv"
)

// BenchmarkSpline resamples a T2W series of usual size to the grid of the paper's model by cubic B-splines, in turns with
// SciPy (testdata/splinepeer.py).
func BenchmarkSpline(b *testing.B) {
	v, to := benchVolume(b)
	version, ask := testenv.Python(b, filepath.Join("testdata", "splinepeer.py"))
	row := testenv.Peer{Row: "cubic spline, 384 × 384 × 19 to 160 × 160 × 20 voxels", Peer: version, Unit: "ms", Note: "SciPy on one thread, its mode for images"}
	for b.Loop() {
		start := time.Now()
		if _, err := Resample(context.Background(), v, to, Spline, 0); err != nil {
			b.Fatal(err)
		}
		row.Mine = append(row.Mine, time.Since(start).Seconds()*1000)
		if ask != nil {
			row.Theirs = append(row.Theirs, testenv.AskNumbers(b, ask, "")[0])
		}
	}
	if ask == nil {
		row.Peer, row.Missing, row.Note = "SciPy", "not installed: Debian's python3-scipy", ""
	}
	row.Report(b)
}
