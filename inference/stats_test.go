package inference

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

// randomSamples are n softmax maps [K, voxels].
func randomSamples(seed uint64, n, classes, voxels int) [][]float32 {
	r := rand.New(rand.NewPCG(seed, 0))
	all := make([][]float32, n)
	for s := range all {
		p := make([]float32, classes*voxels)
		for v := range voxels {
			sum := 0.0
			e := make([]float64, classes)
			for c := range e {
				e[c] = math.Exp(3 * r.NormFloat64())
				sum += e[c]
			}
			for c := range e {
				p[c*voxels+v] = float32(e[c] / sum)
			}
		}
		all[s] = p
	}
	return all
}

func TestStatsAgreeWithTwoPasses(t *testing.T) {
	const n, classes, voxels = 40, 3, 40_000
	all := randomSamples(1, n, classes, voxels)
	s := NewStats(classes, voxels)
	for _, p := range all {
		if err := s.Add(p); err != nil {
			t.Fatal(err)
		}
	}
	entropy, expected, mutual := s.Uncertainty()
	for v := 0; v < voxels; v += 97 {
		var h, eh float64
		for c := range classes {
			var x []float64
			for _, p := range all {
				q := float64(p[c*voxels+v])
				x = append(x, q)
				eh -= q * math.Log(q) / n
			}
			mean, ss := moments(x)
			h -= mean * math.Log(mean)
			near(t, "mean", float64(s.Mean(c)[v]), mean)
			near(t, "SD", float64(s.SD(c)[v]), math.Sqrt(ss/n))
			near(t, "standard error", s.StandardError(c, v), math.Sqrt(ss/(n-1)/n))
			if v > 97*5 { // Mean and SD make new slices each time
				break
			}
		}
		if v <= 97*5 {
			near(t, "entropy", float64(entropy[v]), h)
			near(t, "expected entropy", float64(expected[v]), eh)
			near(t, "mutual information", float64(mutual[v]), h-eh)
		}
	}
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 3e-7) {
		t.Errorf("%s = %.9g, want %.9g", what, got, want)
	}
}

func TestUncertaintyByHand(t *testing.T) {
	ln2 := math.Log(2)
	for _, c := range []struct {
		name                string
		samples             [][]float32
		h, expected, mutual float64
	}{
		{"certain", [][]float32{{1, 0, 0}, {1, 0, 0}}, 0, 0, 0},
		{"samples that contradict each other: all epistemic", [][]float32{{1, 0, 0}, {0, 1, 0}}, ln2, 0, ln2},
		{"samples that agree on doubt: all aleatoric", [][]float32{{.5, .5, 0}, {.5, .5, 0}}, ln2, ln2, 0},
		{"one half, two quarters", [][]float32{{.5, .25, .25}}, 1.5 * ln2, 1.5 * ln2, 0},
		{"half doubt, half certainty", [][]float32{{1, 0, 0}, {.5, .5, 0}}, -.75*math.Log(.75) - .25*math.Log(.25), ln2 / 2, -.75*math.Log(.75) - .25*math.Log(.25) - ln2/2},
	} {
		s := NewStats(3, 1)
		for _, p := range c.samples {
			if err := s.Add(p); err != nil {
				t.Fatal(err)
			}
		}
		h, expected, mutual := s.Uncertainty()
		t.Run(c.name, func(t *testing.T) {
			near(t, "H", float64(h[0]), c.h)
			near(t, "E[H]", float64(expected[0]), c.expected)
			near(t, "MI", float64(mutual[0]), c.mutual)
		})
	}
	s := NewStats(2, 1)
	_ = s.Add([]float32{0.2, 0.8})
	_ = s.Add([]float32{0.6, 0.4})
	near(t, "SD of 0.2 and 0.6", float64(s.SD(0)[0]), 0.2)
	if s.Hard()[0] != 1 {
		t.Error("arg max of (0.4, 0.6) is not 1")
	}
}

func TestStatsRefuseWhatIsNoProbability(t *testing.T) {
	s := NewStats(2, 2)
	for _, p := range [][]float32{{0, 0, 1}, {0, 0, 1, float32(math.NaN())}, {-0.5, 0, 1, 1}, {0, 0, 1, 1.5}, {0, 0, 1, float32(math.Inf(1))}} {
		if err := s.Add(p); !errors.Is(err, ErrOutput) || s.N() != 0 {
			t.Errorf("Add(%v) = %v, N = %d", p, err, s.N())
		}
	}
	if err := s.Add([]float32{0, -1e-7, 1, 1 + 1e-6}); err != nil {
		t.Errorf("rounding was refused: %v", err)
	}
}

func BenchmarkStatsAddFullSize(b *testing.B) {
	const voxels = 20 * 160 * 160
	p := randomSamples(1, 1, 3, voxels)[0]
	s := NewStats(3, voxels)
	for b.Loop() {
		if err := s.Add(p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUncertaintyFullSize(b *testing.B) {
	const voxels = 20 * 160 * 160
	s := NewStats(3, voxels)
	_ = s.Add(randomSamples(1, 1, 3, voxels)[0])
	for b.Loop() {
		s.Uncertainty()
	}
}

// A store made of samples reads as one that was filled while sampling, and refuses what does not fit.
func TestNewSampleStore(t *testing.T) {
	sample := []uint8{255, 0, 51, 204, 0, 255, 204, 51} // 2 classes of a box of 2 × 2 × 1
	s, err := NewSampleStore([3]int{1, 2, 3}, [3]int{3, 4, 4}, 2, [][]uint8{sample})
	if err != nil {
		t.Fatal(err)
	}
	if p, ok := s.At(0, 1, 1, 3, 3); !ok || p != 204.0/255 {
		t.Errorf("class 1 at (1, 3, 3) is %g, %v", p, ok)
	}
	if s.Len() != 1 || &s.Sample(0)[0] != &sample[0] {
		t.Error("the sample was not kept")
	}
	for _, bad := range []func() (*SampleStore, error){
		func() (*SampleStore, error) { return NewSampleStore([3]int{1, 2, 3}, [3]int{3, 4, 3}, 2, nil) },
		func() (*SampleStore, error) { return NewSampleStore([3]int{-1, 2, 3}, [3]int{3, 4, 4}, 2, nil) },
		func() (*SampleStore, error) { return NewSampleStore([3]int{1, 2, 3}, [3]int{3, 4, 4}, 1, nil) },
		func() (*SampleStore, error) {
			return NewSampleStore([3]int{1, 2, 3}, [3]int{3, 4, 4}, 2, [][]uint8{sample[1:]})
		},
	} {
		if _, err := bad(); !errors.Is(err, ErrInput) {
			t.Errorf("got %v", err)
		}
	}
}
