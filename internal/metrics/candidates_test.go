package metrics

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/json"
	"io"
	"math"
	"os"
	"slices"
	"testing"
)

func TestCandidatesAgreeWithSciPy(t *testing.T) {
	b, err := os.ReadFile("testdata/lesions.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Size       [3]int
		Zlib       string
		Candidates []struct {
			Confidence         float64
			Voxels, First, Sum int
		}
	}
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	rule := PICAIRule()
	rule.MinConfidence = 0
	for n, c := range cases {
		p := unpackMap(t, c.Zlib)
		before := slices.Clone(p)
		got := rule.Candidates(c.Size, p)
		if !slices.Equal(p, before) {
			t.Errorf("case %d: the map was changed", n)
		}
		if len(got) != len(c.Candidates) {
			t.Errorf("case %d: %d candidates, want %d", n, len(got), len(c.Candidates))
			continue
		}
		for i, want := range c.Candidates {
			sum := 0
			for _, v := range got[i].Voxels {
				sum += int(v)
			}
			if got[i].Confidence != want.Confidence || len(got[i].Voxels) != want.Voxels || int(got[i].Voxels[0]) != want.First || sum != want.Sum {
				t.Errorf("case %d candidate %d: confidence %g, %d voxels from %d, want %+v", n, i, got[i].Confidence, len(got[i].Voxels), got[i].Voxels[0], want)
			}
			if float64(p[got[i].Peak]) != want.Confidence {
				t.Errorf("case %d candidate %d: the peak voxel holds %g", n, i, p[got[i].Peak])
			}
		}
		reported := PICAIRule().Candidates(c.Size, p)
		for _, r := range reported {
			if r.Confidence < 0.10 {
				t.Errorf("case %d: a candidate of %g is reported", n, r.Confidence)
			}
		}
	}
}

func unpackMap(t *testing.T, text string) []float32 {
	t.Helper()
	packed, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	z, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	p := make([]float32, len(raw))
	for i, v := range raw {
		p[i] = float32(v) / 256
	}
	return p
}

// line is a map of one row with the given plateaus of 11 voxels each, with gap voxels between.
func line(gap int, heights ...float32) []float32 {
	var p []float32
	for _, h := range heights {
		p = append(p, slices.Repeat([]float32{h}, 11)...)
		p = append(p, make([]float32, gap)...)
	}
	return p
}

func TestCandidatesByHand(t *testing.T) {
	confidences := func(p []float32) []float64 {
		var all []float64
		for _, c := range PICAIRule().Candidates([3]int{len(p), 1, 1}, p) {
			all = append(all, math.Round(1000*c.Confidence)/1000)
		}
		return all
	}
	for _, c := range []struct {
		name string
		p    []float32
		want []float64
	}{
		{"nothing", make([]float32, 30), nil},
		{"two apart", line(2, 0.5, 0.9), []float64{0.9, 0.5}},
		{"within 40 % of the peak is the same candidate", line(0, 0.9, 0.37), []float64{0.9}},
		{"next to a better one: dropped", line(0, 0.9, 0.3), []float64{0.9}},
		{"weak ones are not reported", line(3, 0.5, 0.09), []float64{0.5}},
		{"no more than five", line(1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4), []float64{0.9, 0.8, 0.7, 0.6, 0.5}},
		{"ten voxels are too few", slices.Concat(slices.Repeat([]float32{0.9}, 10), []float32{0, 0}, line(0, 0.2)), []float64{0.2}},
		{"negative values", slices.Repeat([]float32{-0.5}, 20), nil},
	} {
		if got := confidences(c.p); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func BenchmarkCandidatesWholeGrid(b *testing.B) {
	p := make([]float32, 20*160*160)
	for i := range p {
		p[i] = 0.5 // an untrained model: one candidate of everything
	}
	for b.Loop() {
		PICAIRule().Candidates([3]int{160, 160, 20}, p)
	}
}
