package nets_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
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
	"bayeslice/internal/testenv"
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
	if suffix, err = rewrite.TileConvs(suffix); err != nil {
		b.Fatal(err)
	}
	b.Run("then tiles", func(b *testing.B) { takeTurns(b, env, suffix, in, peer) })
}

// mostDifference is how far the probabilities of a sample may be from PyTorch's.
const mostDifference = 1e-3

// BenchmarkSampling times one full-size sample (C = 3, K = 2) as the program draws it, what does not depend on noise
// computed before, in turns with PyTorch eager: as one writes it, and with the same part computed before. Then both
// compute the same sample, from the same weights, image and noise, and the benchmark fails where they are further apart
// than 1e-3. Without PyTorch it times alone. Run it with -benchtime 5x.
func BenchmarkSampling(b *testing.B) {
	env, c := graphtest.OpenORT(b, 2), nets.PaperM1(modelcard.Diagnosis)
	g, noise, err := nets.Inference(c)
	if err == nil {
		g, err = g.Bind(formulaWeights(g))
	}
	if err == nil {
		g, err = graph.Select(g, nets.OutputName)
	}
	if err == nil {
		g, err = rewrite.All(g)
	}
	if err != nil {
		b.Fatal(err)
	}
	prefix, suffix := cutForTiles(b, g, noise)
	in := formulaInputs(c, noise)
	for name, t := range graphtest.Run(b, env, prefix, in) {
		in[name] = t
	}
	version, ask := graphtest.PyTorch(b, filepath.Join("testdata", "m1_bench.py"))
	mine, theirs := takeTurns(b, env, suffix, in, seconds(b, ask, ""), seconds(b, ask, "share"))
	row := testenv.Peer{Row: "a sample of the full-size network", Peer: version, Unit: "s", Mine: mine, Missing: graphtest.NoPyTorch}
	if ask == nil {
		row.Report(b)
		return
	}
	path := filepath.Join(b.TempDir(), "probabilities")
	if _, err := ask("values " + path); err != nil {
		b.Fatal(err)
	}
	d := largestDifference(b, graphtest.Run(b, env, suffix, in)[nets.OutputName].F32, path)
	b.ReportMetric(d, "difference")
	row.Missing, row.Theirs, row.Note = "", theirs[0], fmt.Sprintf("same weights and noise: probabilities differ by %.1e at most", d)
	row.Report(b)
	row.Theirs, row.Note = theirs[1], "PyTorch too computes once what does not depend on noise"
	row.Report(b)
	if !(d <= mostDifference) {
		b.Errorf("a probability differs by %g from PyTorch's, more than %g", d, mostDifference)
	}
}

// cutForTiles divides a graph at the noise and puts both parts as they run on the CPU.
func cutForTiles(b *testing.B, g *graph.Graph, noise []modelcard.Noise) (prefix, suffix *graph.Graph) {
	names := make([]string, len(noise))
	for i, n := range noise {
		names[i] = n.Name
	}
	prefix, suffix, err := graph.Cut(g, names)
	if err == nil {
		prefix, err = rewrite.TileConvs(prefix)
	}
	if err == nil {
		suffix, err = rewrite.TileConvs(suffix)
	}
	if err != nil {
		b.Fatal(err)
	}
	return prefix, suffix
}

// largestDifference compares probabilities with those in a file of float32, little endian.
func largestDifference(b *testing.B, got []float32, path string) float64 {
	data, err := os.ReadFile(path)
	if err != nil || len(data) != 4*len(got) {
		b.Fatalf("PyTorch wrote %d bytes for %d numbers: %v", len(data), len(got), err)
	}
	worst := 0.0
	for i, v := range got {
		theirs := math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		d := math.Abs(float64(v) - float64(theirs))
		if d != d {
			return d
		}
		worst = max(worst, d)
	}
	return worst
}

// takeTurns runs g and its peers, one after the other: PyTorch as one writes it, and with the part before the noise
// shared. Peers may be nil.
func takeTurns(b *testing.B, env *ort.Env, g *graph.Graph, all map[string]*tensor.Tensor, peers ...func() (float64, error)) (mine []float64, theirs [][]float64) {
	sample := sampler(b, env, g, all)
	sample() // the first run allocates
	theirs, ratios := make([][]float64, len(peers)), make([][]float64, len(peers))
	for b.Loop() {
		mine = append(mine, sample())
		for i, peer := range peers {
			if peer == nil {
				continue
			}
			t, err := peer()
			if err != nil {
				b.Fatal(err)
			}
			theirs[i], ratios[i] = append(theirs[i], t), append(ratios[i], mine[len(mine)-1]/t)
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(mine), "s/sample")
	for i, suffix := range []string{"", "-shared"} {
		if i >= len(peers) || peers[i] == nil {
			continue
		}
		b.ReportMetric(median(theirs[i]), "s/sample-PyTorch"+suffix)
		b.ReportMetric(median(ratios[i]), "ratio"+suffix)
	}
	return mine, theirs
}

// sampler opens g and returns a function that draws a sample and says how many seconds that took.
func sampler(b *testing.B, env *ort.Env, g *graph.Graph, all map[string]*tensor.Tensor) func() float64 {
	var file bytes.Buffer
	if err := g.Encode(&file); err != nil {
		b.Fatal(err)
	}
	s, err := env.NewSession(file.Bytes(), ort.SessionOptions{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	in := map[string]*tensor.Tensor{}
	for _, n := range g.Inputs() {
		in[n.Name()] = all[n.Name()]
	}
	return func() float64 {
		start := time.Now()
		if _, err := s.Run(context.Background(), in); err != nil {
			b.Fatal(err)
		}
		return time.Since(start).Seconds()
	}
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

// pytorch starts the peer; nil where no python3 has torch.
func pytorch(b *testing.B) func() (float64, error) {
	_, ask := graphtest.PyTorch(b, filepath.Join("testdata", "m1_bench.py"))
	return seconds(b, ask, "")
}

// seconds returns a function that has the peer draw a sample and says how long that took. It lets it draw one at once,
// since the first allocates. It is nil where the peer is.
func seconds(b *testing.B, ask func(string) (string, error), request string) func() (float64, error) {
	if ask == nil {
		return nil
	}
	sample := func() (float64, error) {
		line, err := ask(request)
		if err != nil {
			return 0, err
		}
		return strconv.ParseFloat(strings.TrimSpace(line), 64)
	}
	if _, err := sample(); err != nil {
		b.Fatal(err)
	}
	return sample
}
