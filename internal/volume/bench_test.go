package volume

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"bayeslice/internal/testenv"
)

// BenchmarkSpline resamples a T2W series of usual size to the grid of the paper's model by cubic B-splines, in turns with
// SciPy and SimpleITK (testdata/splinepeer.py).
func BenchmarkSpline(b *testing.B) {
	v, to := benchVolume(b)
	what := "cubic spline, 384 × 384 × 19 to 160 × 160 × 20 voxels"
	rows := []testenv.Peer{
		{Row: what, Peer: "SciPy", Missing: "peer not installed: Debian's python3-scipy", Unit: "ms"},
		{Row: what, Peer: "SimpleITK", Missing: "peer not installed: pip install SimpleITK", Unit: "ms"},
	}
	ask := make([]func(string) (string, error), len(rows))
	for i, note := range []string{"SciPy on one thread, its mode for images", "both with a thread for each core"} {
		var version string
		if version, ask[i] = testenv.Python(b, filepath.Join("testdata", "splinepeer.py"), rows[i].Peer); ask[i] != nil {
			rows[i].Peer, rows[i].Missing, rows[i].Note = version, "", note
		}
	}
	for b.Loop() {
		start := time.Now()
		if _, err := Resample(context.Background(), v, to, Spline, 0); err != nil {
			b.Fatal(err)
		}
		took := time.Since(start).Seconds() * 1000
		for i := range rows {
			rows[i].Mine = append(rows[i].Mine, took)
			if ask[i] != nil {
				rows[i].Theirs = append(rows[i].Theirs, testenv.AskNumbers(b, ask[i], "")[0])
			}
		}
	}
	for _, row := range rows {
		row.Report(b)
	}
}
