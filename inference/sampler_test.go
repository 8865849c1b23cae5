package inference

import (
	"context"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/tensor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRunAgreesWithTheSamplesItDrew(t *testing.T) {
	card := testCard(modelcard.Anatomy)
	m, prefix, suffix := fakeModel(t, card)
	exam := testExam(t, card)
	var progress []Progress
	s := Sampler{Model: m, Samples: 30, Seed: 5, Clock: ticker(time.Second), Progress: func(p Progress) { progress = append(progress, p) }}
	p, err := s.Run(context.Background(), exam, nil)
	if err != nil {
		t.Fatal(err)
	}
	if prefix.runs != 1 || suffix.runs != 30 {
		t.Errorf("the prefix ran %d times and the suffix %d, want 1 and 30", prefix.runs, suffix.runs)
	}
	if p.Samples != 30 || p.Requested != 30 || p.Stop != Completed || p.Device != "fake" || p.ModelSHA != "abc" || p.Seed != 5 || p.SecondsPerSample <= 0 {
		t.Errorf("prediction says %+v", p)
	}
	if !strings.HasPrefix(p.StopNote, "all 30 samples were drawn: standard error") {
		t.Errorf("StopNote = %q", p.StopNote)
	}
	if len(progress) != 31 || progress[0].Sample != 0 || progress[30].Sample != 30 || progress[30].Of != 30 || progress[30].SecondsPerSample <= 0 {
		t.Errorf("progress = %+v", progress)
	}
	n := exam.Grid.Voxels()
	hard := make([]uint8, n)
	for v := range n {
		best := 0.0
		for c := range 3 {
			var x []float64
			for _, q := range suffix.kept {
				x = append(x, float64(q[c*n+v]))
			}
			mean, ss := moments(x)
			near(t, "mean", float64(p.Mean[c].Data()[v]), mean)
			near(t, "SD", float64(p.SD[c].Data()[v]), math.Sqrt(ss/30))
			if mean > best {
				best, hard[v] = mean, uint8(c)
			}
		}
	}
	if !slices.Equal(p.Hard.Data(), hard) {
		t.Error("Hard is not the arg max of the mean")
	}
	if len(p.Volumes) != 3 || p.Volumes[0].Zone != "WG" || p.Volumes[1].Zone != "TZ" || p.Volumes[2].Zone != "PZ" {
		t.Fatalf("volumes = %+v", p.Volumes)
	}
	if wg, parts := p.Volumes[0].ML.Mean, p.Volumes[1].ML.Mean+p.Volumes[2].ML.Mean; wg <= 0 || math.Abs(wg-parts) > 1e-9 {
		t.Errorf("WG has %g mL, TZ and PZ %g", wg, parts)
	}
	checkVolume(t, p, suffix.kept, n)
	checkStore(t, p, suffix.kept, n)
}

// checkVolume counts the gland in every sample again.
func checkVolume(t *testing.T, p *Prediction, kept [][]float32, n int) {
	t.Helper()
	var ml []float64
	for _, q := range kept {
		gland := 0
		for v := range n {
			if max(q[n+v], q[2*n+v]) > q[v] {
				gland++
			}
		}
		ml = append(ml, float64(gland)*20/1000) // 2 × 2 × 5 mm
	}
	slices.Sort(ml)
	if p5 := quantile(ml, 0.05); p.Volumes[0].ML.P5 != p5 {
		t.Errorf("WG 5 %% = %g, want %g", p.Volumes[0].ML.P5, p5)
	}
}

// checkStore compares the stored bytes with what the samples were.
func checkStore(t *testing.T, p *Prediction, kept [][]float32, n int) {
	t.Helper()
	if p.Store == nil || p.Store.Len() != len(kept) || p.Store.Classes != 3 {
		t.Fatalf("store = %+v", p.Store)
	}
	inside := 0
	for v := range n {
		i, j, k := voxelOf(p.Grid, v)
		for c := range 3 {
			for s, q := range kept {
				got, ok := p.Store.At(s, c, i, j, k)
				if !ok {
					continue
				}
				inside++
				if math.Abs(got-float64(q[c*n+v])) > 0.5/255+1e-6 {
					t.Fatalf("sample %d class %d voxel %d: stored %g, was %g", s, c, v, got, q[c*n+v])
				}
			}
		}
		if p.Hard.Data()[v] != 0 {
			if _, ok := p.Store.At(0, 0, i, j, k); !ok {
				t.Errorf("foreground voxel (%d, %d, %d) is outside the box %v–%v", i, j, k, p.Store.Lo, p.Store.Hi)
			}
		}
	}
	if inside == 0 {
		t.Error("the box is empty")
	}
}

func TestSameSeedSameBits(t *testing.T) {
	card := testCard(modelcard.Diagnosis)
	exam := testExam(t, card)
	run := func(s Sampler, on func(*Prediction)) *Prediction {
		t.Helper()
		s.Model, _, _ = fakeModel(t, card)
		s.Samples = 12
		p, err := s.Run(context.Background(), exam, on)
		if err != nil {
			t.Fatal(err)
		}
		p.SecondsPerSample = 0
		return p
	}
	want := run(Sampler{Seed: 1}, nil)
	snapshots := 0
	got := run(Sampler{Seed: 1, Clock: ticker(time.Millisecond), SnapshotEvery: 5 * time.Millisecond}, func(p *Prediction) { snapshots++ })
	if snapshots == 0 || snapshots >= 11 {
		t.Errorf("%d snapshots", snapshots)
	}
	if !reflect.DeepEqual(got, want) {
		t.Error("snapshots change the result")
	}
	if other := run(Sampler{Seed: 2}, nil); reflect.DeepEqual(other.Mean, want.Mean) {
		t.Error("another seed gives the same map")
	}
}

func TestSnapshotsAreValuesOfTheirOwn(t *testing.T) {
	card := testCard(modelcard.Diagnosis)
	m, _, _ := fakeModel(t, card)
	var all []*Prediction
	var copies [][]float32
	s := Sampler{Model: m, Samples: 8, Seed: 3}
	last, err := s.Run(context.Background(), testExam(t, card), func(p *Prediction) {
		all = append(all, p)
		copies = append(copies, slices.Clone(p.Mean[1].Data()))
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 7 {
		t.Fatalf("%d snapshots of 8 samples without a clock, want one after each but the last", len(all))
	}
	for n, p := range all {
		if p.Samples != n+1 || p.Stop != Running || !slices.Equal(copies[n], p.Mean[1].Data()) {
			t.Errorf("snapshot %d: %d samples, %s, or changed later", n, p.Samples, p.Stop)
		}
		if stored := p.Samples >= storeAfter; stored != (p.Store != nil) || (stored && p.Store.Len() != p.Samples) {
			t.Errorf("snapshot of %d samples has store %+v", p.Samples, p.Store)
		}
	}
	if last.Samples != 8 || reflect.DeepEqual(last.Mean, all[0].Mean) {
		t.Error("the result is not that of all samples")
	}
}

func TestCancelKeepsTheSamplesSoFar(t *testing.T) {
	card := testCard(modelcard.Diagnosis)
	exam := testExam(t, card)
	whole, _, _ := fakeModel(t, card)
	want, err := (&Sampler{Model: whole, Samples: 3, Seed: 8}).Run(context.Background(), exam, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	m, _, _ := fakeModel(t, card)
	s := Sampler{Model: m, Samples: 50, Seed: 8, Progress: func(p Progress) {
		if p.Sample == 3 {
			cancel()
		}
	}}
	got, err := s.Run(ctx, exam, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.Stop != Cancelled || got.Samples != 3 || !strings.HasPrefix(got.StopNote, "stopped by the user after 3 of 50 samples") {
		t.Errorf("Stop = %s after %d: %s", got.Stop, got.Samples, got.StopNote)
	}
	if !reflect.DeepEqual(got.Mean, want.Mean) || !reflect.DeepEqual(got.Store, want.Store) {
		t.Error("three samples of a stopped run differ from three samples")
	}
	if _, err := s.Run(ctx, exam, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before the first sample: error = %v", err)
	}
}

func TestConvergenceStopsEarly(t *testing.T) {
	card := testCard(modelcard.Anatomy)
	m, _, suffix := fakeModel(t, card)
	steady := suffix.f
	suffix.f = func(run int, in map[string]*tensor.Tensor) (map[string]*tensor.Tensor, error) {
		in["drop"], in["z"] = tensor.NewBool(in["drop"].Shape...), tensor.NewFloat32(1, 2)
		return steady(run, in) // every sample is the same
	}
	limits := DefaultConvergence()
	s := Sampler{Model: m, Convergence: &limits}
	p, err := s.Run(context.Background(), testExam(t, card), nil)
	if err != nil || p.Stop != Converged || p.Samples != 8 || p.Requested != DefaultSamples {
		t.Fatalf("Stop = %v after %v samples, %v; want converged after 8", p.Stop, p.Samples, err)
	}
	if !strings.HasPrefix(p.StopNote, "converged after 8 of 100 samples: ") || p.Stability != (Stability{}) {
		t.Errorf("StopNote = %q, Stability = %+v", p.StopNote, p.Stability)
	}
	noisy, _, _ := fakeModel(t, card)
	limits.VolumeSE = 1e-9
	p, err = (&Sampler{Model: noisy, Samples: 20, Convergence: &limits}).Run(context.Background(), testExam(t, card), nil)
	if err != nil || p.Stop != Completed || p.Samples != 20 {
		t.Errorf("limits that cannot hold: Stop = %v after %v samples, %v", p.Stop, p.Samples, err)
	}
}

func TestTheNoteLeavesOutWhatIsNotMeasured(t *testing.T) {
	c, s := DefaultConvergence(), Stability{LesionSE: 0.5, VolumeSE: 0.25, Flips: 1}
	for _, want := range []struct {
		n              int
		lesions, flips bool
	}{{4, true, false}, {5, true, true}, {5, false, true}, {4, false, false}} {
		note := c.note(s, want.n, want.lesions)
		if strings.Contains(note, "lesion") != want.lesions || strings.Contains(note, "labels changed") != want.flips || !strings.Contains(note, "25.00 %") {
			t.Errorf("%+v: %s", want, note)
		}
	}
}

func TestConvergenceNeedsEveryLimit(t *testing.T) {
	c := DefaultConvergence()
	good := Stability{LesionSE: 0.019, VolumeSE: 0.009, Flips: 0.0049}
	if !c.holds(8, good) || c.holds(7, good) {
		t.Error("eight samples and good figures must do, seven not")
	}
	for _, bad := range []Stability{{0.02, 0.009, 0}, {0, 0.01, 0}, {0, 0, 0.005}, {math.Inf(1), 0, 0}, {0, math.NaN(), 0}} {
		if c.holds(100, bad) {
			t.Errorf("%+v was accepted", bad)
		}
	}
	h := labelHistory{window: 2}
	for n, labels := range [][]uint8{{0, 0, 1, 1}, {0, 1, 1, 1}, {0, 1, 1, 2}, {0, 1, 1, 2}} {
		want := []float64{1, 1, 2.0 / 3, 1.0 / 3}[n]
		if got := h.add(labels); got != want {
			t.Errorf("after %d label maps: %g, want %g", n+1, got, want)
		}
	}
	small := labelHistory{window: 1, least: 8}
	small.add([]uint8{0, 1, 0, 0})
	if got := small.add([]uint8{0, 0, 1, 0}); got != 0.25 {
		t.Errorf("two voxels where eight count: %g, want a quarter", got)
	}
	v := newVolumes([]string{"background", "csPCa"}, 1000)
	v.add([]uint8{1, 0, 0})
	v.add([]uint8{1, 1, 0})
	if got, want := v.relativeError(), 0.5/SmallZoneML; math.Abs(got-want) > 1e-12 {
		t.Errorf("1 and 2 mL have a standard error of 0.5 mL, %g of %d mL; got %g", want, SmallZoneML, got)
	}
}

func TestRunErrorsSayWhichSample(t *testing.T) {
	card := testCard(modelcard.Anatomy)
	broken := errors.New("device lost")
	m, _, suffix := fakeModel(t, card)
	right := suffix.f
	suffix.f = func(run int, in map[string]*tensor.Tensor) (map[string]*tensor.Tensor, error) {
		if run == 3 {
			return nil, broken
		}
		return right(run, in)
	}
	s := Sampler{Model: m, Samples: 9}
	p, err := s.Run(context.Background(), testExam(t, card), nil)
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "sample 3 of 9") {
		t.Errorf("error = %v", err)
	}
	if p == nil || p.Samples != 2 || p.Stop != Failed || p.Mean[1] == nil {
		t.Errorf("the two samples before the failure are lost: %+v", p)
	}
	suffix.f = func(int, map[string]*tensor.Tensor) (map[string]*tensor.Tensor, error) {
		return map[string]*tensor.Tensor{"q": tensor.NewFloat32(1)}, nil
	}
	if _, err := s.Run(context.Background(), testExam(t, card), nil); !errors.Is(err, ErrOutput) {
		t.Errorf("without the output: error = %v", err)
	}
	suffix.f = func(int, map[string]*tensor.Tensor) (map[string]*tensor.Tensor, error) {
		return map[string]*tensor.Tensor{"p": tensor.FromFloat32([]float32{float32(math.NaN())}, 1)}, nil
	}
	if _, err := s.Run(context.Background(), testExam(t, card), nil); !errors.Is(err, ErrOutput) {
		t.Errorf("wrong size: error = %v", err)
	}
	if _, err := s.Run(context.Background(), testExam(t, testCard(modelcard.Diagnosis)), nil); !errors.Is(err, ErrInput) {
		t.Errorf("an exam prepared for another model: error = %v", err)
	}
	if _, err := s.Run(context.Background(), nil, nil); !errors.Is(err, ErrInput) {
		t.Errorf("no exam: error = %v", err)
	}
}

func TestModelWithoutNoiseIsSampledOnce(t *testing.T) {
	card := testCard(modelcard.Anatomy)
	card.Noise = nil
	n := testSize[0] * testSize[1] * testSize[2]
	suffix := &fake{f: func(int, map[string]*tensor.Tensor) (map[string]*tensor.Tensor, error) {
		return map[string]*tensor.Tensor{"p": tensor.FromFloat32(slices.Repeat([]float32{0.25}, 3*n), 1, 3, testSize[2], testSize[1], testSize[0])}, nil
	}}
	m, err := NewModel(Parts{Card: card, Suffix: suffix, Carried: []string{"image"}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := (&Sampler{Model: m}).Run(context.Background(), testExam(t, card), nil)
	if err != nil || p.Samples != 1 || p.Requested != 1 || !strings.Contains(p.StopNote, "no random input") {
		t.Errorf("%+v, %v", p, err)
	}
	if err := m.Close(); err != nil || !suffix.closed {
		t.Error("Close does not reach the runner")
	}
}

func TestStoreLimits(t *testing.T) {
	card := testCard(modelcard.Anatomy)
	exam := testExam(t, card)
	m, _, _ := fakeModel(t, card)
	full, err := (&Sampler{Model: m, Samples: 10}).Run(context.Background(), exam, nil)
	if err != nil {
		t.Fatal(err)
	}
	size := int64(len(full.Store.samples[0]))
	for limit, want := range map[int64]int{7*size + 1: 7, 3 * size: 3, size - 1: 0} {
		p, err := (&Sampler{Model: m, Samples: 10, StoreBytes: limit}).Run(context.Background(), exam, nil)
		if err != nil || p.Store.Len() != want {
			t.Errorf("limit %d: %d samples, want %d (%v)", limit, p.Store.Len(), want, err)
		}
	}
	if p, err := (&Sampler{Model: m, Samples: 10, StoreBytes: -1}).Run(context.Background(), exam, nil); err != nil || p.Store != nil {
		t.Errorf("negative limit: store %+v, %v", p.Store, err)
	}
}

func TestStoredBox(t *testing.T) {
	g := testExam(t, testCard(modelcard.Anatomy)).Grid
	g.Size = [3]int{100, 100, 6} // at 2 × 2 × 5 mm
	s := NewStats(2, g.Voxels())
	p := slices.Concat(slices.Repeat([]float32{1}, g.Voxels()), make([]float32, g.Voxels()))
	if err := s.Add(p); err != nil {
		t.Fatal(err)
	}
	if lo, hi := expectedBox(g, s); lo != [3]int{30, 30, 0} || hi != [3]int{70, 70, 6} {
		t.Errorf("nothing expected: box %v–%v, want the middle 80 × 80 mm of all slices", lo, hi)
	}
	s = NewStats(2, g.Voxels())
	for _, v := range []int{g.Index(40, 3, 2), g.Index(45, 5, 3)} {
		p[v], p[g.Voxels()+v] = 0.8, 0.2
	}
	p[g.Index(90, 90, 5)] = 0.95 // below what counts as expected
	if err := s.Add(p); err != nil {
		t.Fatal(err)
	}
	if lo, hi := expectedBox(g, s); lo != [3]int{35, 0, 0} || hi != [3]int{51, 11, 6} {
		t.Errorf("box %v–%v, want the foreground with 10 mm", lo, hi)
	}
}

func TestVoxelAndSegmentQueries(t *testing.T) {
	card := testCard(modelcard.Anatomy)
	m, _, suffix := fakeModel(t, card)
	p, err := (&Sampler{Model: m, Samples: 20}).Run(context.Background(), testExam(t, card), nil)
	if err != nil {
		t.Fatal(err)
	}
	v, ok := p.AtVoxel(6, 5, 3)
	if !ok || len(v.Values) != 3 || len(v.Values[2]) != 20 || v.Mean[2] != float64(p.Mean[2].At(6, 5, 3)) || !(v.P5[2] < v.P95[2]) {
		t.Errorf("AtVoxel = %+v, %v", v, ok)
	}
	n := p.Grid.Voxels()
	if want := float64(suffix.kept[7][2*n+p.Grid.Index(6, 5, 3)]); math.Abs(v.Values[2][7]-want) > 0.002 {
		t.Errorf("sample 7 is %g, want %g", v.Values[2][7], want)
	}
	if _, ok := p.AtVoxel(-1, 0, 0); ok {
		t.Error("a voxel off the grid has a distribution")
	}
	sum := 0
	for class := range 3 {
		h, err := p.SegmentHistogram(class, 10)
		if err != nil {
			t.Fatal(err)
		}
		for b, c := range h {
			sum += c
			if b < 3 && c > 0 { // an arg max of three classes is at least 1/3
				t.Errorf("class %d: %d voxels in bin %d", class, c, b)
			}
		}
	}
	if sum != n {
		t.Errorf("the histograms hold %d voxels of %d", sum, n)
	}
	wg, err := p.ZoneHistogram("WG", 1)
	if err != nil {
		t.Fatal(err)
	}
	gland := 0
	for _, l := range p.Hard.Data() {
		if l != 0 {
			gland++
		}
	}
	if wg[0] != gland {
		t.Errorf("WG has %d voxels, want %d", wg[0], gland)
	}
	if _, err := p.SegmentHistogram(3, 10); err == nil {
		t.Error("a class that does not exist has a histogram")
	}
	if _, err := p.ZoneHistogram("csPCa", 10); err == nil {
		t.Error("a zone that does not exist has a histogram")
	}
}
