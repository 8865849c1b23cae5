package nets_test

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/nets"
	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/onnx/graphtest"
	"bayeslice/internal/onnx/rewrite"
	"bayeslice/internal/ort"
	"bayeslice/internal/tensor"
)

// BenchmarkRewritings times one full-size sample (C = 3, K = 2) of the plain graph, of the graph after
// each further rewriting, and of the suffix after the cut. PyTorch eager, where python3 has torch, takes
// turns with each of them, so that a load on the machine meets both; reported are the medians of both and
// the median ratio of neighbours. Run it with -benchtime 5x.
func BenchmarkRewritings(b *testing.B) {
	env, c := graphtest.OpenORT(b, 2), nets.PaperM1(modelcard.Diagnosis)
	g, noise, err := nets.Inference(c)
	if err != nil {
		b.Fatal(err)
	}
	w, err := nets.InitGraph(g, 1)
	if err != nil {
		b.Fatal(err)
	}
	if g, err = g.Bind(w); err != nil {
		b.Fatal(err)
	}
	in, peer := formulaInputs(c, noise), pytorch(b)
	b.Run("plain", func(b *testing.B) { takeTurns(b, env, g, in, peer) })
	for _, p := range rewrite.Passes() {
		if g, err = p.Apply(g); err != nil {
			b.Fatal(err)
		}
		b.Run("then "+p.Name, func(b *testing.B) { takeTurns(b, env, g, in, peer) })
	}
	names := make([]string, len(noise))
	for i, n := range noise {
		names[i] = n.Name
	}
	prefix, suffix, err := graph.Cut(g, names)
	if err != nil {
		b.Fatal(err)
	}
	for name, t := range graphtest.Run(b, env, prefix, in) {
		in[name] = t
	}
	b.Run("then cut", func(b *testing.B) { takeTurns(b, env, suffix, in, peer) })
}

// takeTurns runs g and the peer, which may be nil, one after the other.
func takeTurns(b *testing.B, env *ort.Env, g *graph.Graph, all map[string]*tensor.Tensor, peer func() (float64, error)) {
	var file bytes.Buffer
	if err := g.Encode(&file); err != nil {
		b.Fatal(err)
	}
	s, err := env.NewSession(file.Bytes(), ort.SessionOptions{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	}()
	in := map[string]*tensor.Tensor{}
	for _, n := range g.Inputs() {
		in[n.Name()] = all[n.Name()]
	}
	sample := func() float64 {
		start := time.Now()
		if _, err := s.Run(context.Background(), in); err != nil {
			b.Fatal(err)
		}
		return time.Since(start).Seconds()
	}
	sample() // the first run allocates
	var mine, theirs, ratios []float64
	for b.Loop() {
		mine = append(mine, sample())
		if peer == nil {
			continue
		}
		t, err := peer()
		if err != nil {
			b.Fatal(err)
		}
		theirs, ratios = append(theirs, t), append(ratios, mine[len(mine)-1]/t)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(mine), "s/sample")
	if peer != nil {
		b.ReportMetric(median(theirs), "s/sample-PyTorch")
		b.ReportMetric(median(ratios), "ratio")
	}
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// pytorch starts the peer and lets it run once, since the first run allocates; nil where no python3 has torch.
func pytorch(b *testing.B) func() (float64, error) {
	peer := graphtest.PyTorch(b, filepath.Join("testdata", "m1_bench.py"))
	if peer == nil {
		return nil
	}
	ask := func() (float64, error) {
		line, err := peer()
		if err != nil {
			return 0, err
		}
		return strconv.ParseFloat(strings.TrimSpace(line), 64)
	}
	if _, err := ask(); err != nil {
		b.Fatal(err)
	}
	return ask
}
