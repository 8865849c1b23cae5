package inference

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"testing"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/tensor"
)

func noiseCard(inputs ...modelcard.Noise) modelcard.Card { return modelcard.Card{Noise: inputs} }

func bernoulli(name string, keep float64, shape ...int) modelcard.Noise {
	return modelcard.Noise{Name: name, Kind: modelcard.Bernoulli, Keep: keep, Shape: shape}
}

func draw(t testing.TB, card modelcard.Card, seed uint64, sample int) map[string]*tensor.Tensor {
	t.Helper()
	z := NewNoise(card, seed)
	m := z.Tensors()
	if err := z.Fill(sample, m); err != nil {
		t.Fatal(err)
	}
	return m
}

// The golden masks come from testdata/noise.py, an implementation of its own. A stream that changes
// makes results that were published with a seed irreproducible: never update them.
func TestMasksArePinned(t *testing.T) {
	b, err := os.ReadFile("testdata/noise.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Seed                string
		Sample, Input, Size int
		Keep                float64
		Head, SHA256        string
	}
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		seed, err := strconv.ParseUint(c.Seed, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		var inputs []modelcard.Noise
		for range c.Input {
			inputs = append(inputs, bernoulli("other"+strconv.Itoa(len(inputs)), 0.5, 3))
		}
		m := draw(t, noiseCard(append(inputs, bernoulli("m", c.Keep, c.Size))...), seed, c.Sample)["m"].U8
		head := ""
		for _, v := range m[:64] {
			head += strconv.Itoa(int(v))
		}
		sum := sha256.Sum256(m)
		if head != c.Head || hex.EncodeToString(sum[:]) != c.SHA256 {
			t.Errorf("seed %s sample %d input %d keep %g: %s, want %s", c.Seed, c.Sample, c.Input, c.Keep, head, c.Head)
		}
	}
}

// These numbers were drawn by this program's first version; never update them.
func TestNormalsArePinned(t *testing.T) {
	card := noiseCard(modelcard.Noise{Name: "z", Kind: modelcard.Normal, Shape: []int{1, 6}})
	got := draw(t, card, 42, 3)["z"].F32
	want := []float32{-0.06377873, -1.1108836, -0.4974411, 0.5388643, -0.95900786, 0.69991714}
	if !slices.Equal(got, want) {
		t.Errorf("normals = %v, want %v", got, want)
	}
}

func TestNoiseDoesNotDependOnOrderThreadsOrWhatWasThere(t *testing.T) {
	card := noiseCard(bernoulli("a", 0.75, 200_001), modelcard.Noise{Name: "z", Kind: modelcard.Normal, Shape: []int{70_000}})
	want := draw(t, card, 9, 5)
	z := NewNoise(card, 9)
	m := z.Tensors()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, sample := range []int{7, 0, 5} {
		if err := z.Fill(sample, m); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(m, want) {
		t.Error("sample 5 differs after samples 7 and 0 on one thread")
	}
	for name, other := range map[string]map[string]*tensor.Tensor{"seed": draw(t, card, 10, 5), "sample": draw(t, card, 9, 6)} {
		if same := agreement(other["a"].U8, want["a"].U8); math.Abs(same-0.625) > 0.01 { // 0.75² + 0.25²
			t.Errorf("another %s agrees in %.3f of the mask, want 0.625", name, same)
		}
	}
	if err := z.Fill(0, map[string]*tensor.Tensor{"a": m["a"]}); err == nil {
		t.Error("a missing tensor was accepted")
	}
}

func agreement(a, b []uint8) float64 {
	n := 0
	for i := range a {
		if a[i] == b[i] {
			n++
		}
	}
	return float64(n) / float64(len(a))
}

func TestNoiseHasItsDistribution(t *testing.T) {
	const n = 1 << 20
	for _, keep := range []float64{0, 0.1, 0.5, 0.75, 0.9, 1.0 / 3, 1} {
		m := draw(t, noiseCard(bernoulli("m", keep, n)), 3, 0)["m"].U8
		kept, pairs := 0, 0
		for i, v := range m {
			kept += int(v)
			if i > 0 && v == 1 && m[i-1] == 1 {
				pairs++
			}
		}
		sd := math.Sqrt(keep * (1 - keep) / n)
		if got := float64(kept) / n; math.Abs(got-keep) > 5*sd+1e-9 {
			t.Errorf("keep %g: kept %.5f", keep, got)
		}
		if got := float64(pairs) / (n - 1); math.Abs(got-keep*keep) > 6*sd+1e-6 {
			t.Errorf("keep %g: neighbours both kept %.5f, want %.5f", keep, got, keep*keep)
		}
	}
	z := draw(t, noiseCard(modelcard.Noise{Name: "z", Kind: modelcard.Normal, Shape: []int{n}}), 3, 0)["z"].F32
	var mean, ss float64
	for _, v := range z {
		mean += float64(v) / n
		ss += float64(v) * float64(v) / n
	}
	if math.Abs(mean) > 5e-3 || math.Abs(ss-1) > 1e-2 {
		t.Errorf("normal: mean %.4f, variance %.4f", mean, ss)
	}
}

// m1Noise has the sizes of the paper's network: 43 million mask voxels a sample.
func m1Noise() modelcard.Card {
	return noiseCard(bernoulli("e1", 0.5, 64, 20, 80, 80), bernoulli("e2", 0.5, 128, 20, 40, 40), bernoulli("e3", 0.5, 256, 10, 20, 20),
		bernoulli("e4", 0.5, 512, 10, 10, 10), bernoulli("u3", 0.5, 256, 10, 20, 20), bernoulli("u2", 0.5, 128, 20, 40, 40),
		bernoulli("u1", 0.5, 64, 20, 80, 80), bernoulli("u0", 0.75, 32, 20, 160, 160), modelcard.Noise{Name: "z", Kind: modelcard.Normal, Shape: []int{1, 256}})
}

func BenchmarkNoiseFullSize(b *testing.B) {
	z := NewNoise(m1Noise(), 1)
	m := z.Tensors()
	for n := 0; b.Loop(); n++ {
		if err := z.Fill(n, m); err != nil {
			b.Fatal(err)
		}
	}
}
