package optim_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"bayeslice/internal/onnx/graphtest"
	"bayeslice/internal/testenv"
	"bayeslice/training/optim"
)

// sizes are the numbers of parameters in training of the compact and of the full preset.
var sizes = [2]int{2_100_000, 33_400_000}

// BenchmarkUpdate compares an update, one thread, with PyTorch's Adam(amsgrad=True), two threads, where
// python3 has torch. They take turns; it reports the medians.
func BenchmarkUpdate(b *testing.B) {
	var ours, theirs [2][]float64
	version, ask := graphtest.PyTorch(b, filepath.Join("testdata", "amsgrad_bench.py"))
	updates := [2]func(testing.TB) float64{}
	for i, n := range sizes {
		updates[i] = updater(n)
		updates[i](b) // touches the memory
	}
	for b.Loop() {
		for i := range sizes {
			ours[i] = append(ours[i], updates[i](b))
		}
		if ask == nil {
			continue
		}
		line, err := ask("")
		if err != nil {
			b.Fatal(err)
		}
		var t [2]float64
		if _, err := fmt.Sscan(line, &t[0], &t[1]); err != nil {
			b.Fatal(err)
		}
		for i := range sizes {
			theirs[i] = append(theirs[i], t[i])
		}
	}
	b.ReportMetric(0, "ns/op")
	last := len(sizes) - 1
	row := testenv.Peer{Row: "AMSGrad on 33.4 million parameters", Peer: version, Unit: "s", Mine: ours[last], Theirs: theirs[last],
		Note: "one thread here, two there"}
	if ask == nil {
		row.Missing = graphtest.NoPyTorch
	}
	row.Report(b)
	for i, n := range sizes {
		b.Logf("%8d parameters: %7.2f ms", n, 1e3*median(ours[i]))
		if ask != nil {
			b.Logf("%8d parameters: %7.2f ms PyTorch, ratio %.2f", n, 1e3*median(theirs[i]), median(ours[i])/median(theirs[i]))
		}
	}
}

// updater returns a function that makes one update of n parameters and says how many seconds it took.
func updater(n int) func(testing.TB) float64 {
	w, g, s := make([]float32, n), make([]float32, n), optim.NewState(n)
	for i := range g {
		g[i] = float32(i%1000)*1e-5 - 0.005
	}
	a := optim.NewAMSGrad()
	a.L2 = 1e-4
	return func(t testing.TB) float64 {
		start := time.Now()
		if err := a.Update(w, g, s, 1e-4, true); err != nil {
			t.Fatal(err)
		}
		return time.Since(start).Seconds()
	}
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}
