package phantom

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// small is a configuration that keeps the anatomy and coarsens the sampling.
func small(seed uint64) Config {
	c := DefaultConfig(seed)
	c.T2W = Protocol{Columns: 96, Rows: 80, Slices: 24, PixelMM: 1, SliceMM: 3}
	c.DWI = Protocol{Columns: 48, Rows: 40, Slices: 24, PixelMM: 2, SliceMM: 3}
	return c
}

func generate(t *testing.T, c Config) *Exam {
	t.Helper()
	e, err := Generate(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestOutlineVolumeEqualsItsIntegral(t *testing.T) {
	// Without square, dent and taper a slice at height t is an ellipse of area πab(1 − f(t)); f is
	// 0.6t² + 0.4t⁴ above the widest slice and 1.15t² − 0.3t⁴/(1+t⁴) below it, and the integral of
	// 1/(1+t⁴) over 0…1 is (π + 2 ln(1+√2))/(4√2).
	const mid = 0.15
	g := glandShape{half: geom.Vec3{26, 19, 22}, mid: mid}
	above, below := 1-0.6/3-0.4/5, 1-1.15/3+0.3*(1-(math.Pi+2*math.Log(1+math.Sqrt2))/(4*math.Sqrt2))
	want := math.Pi * 26 * 19 * 22 * ((1-mid)*above + (1+mid)*below)
	const n = 120
	in := 0
	for k := range n {
		for j := range n {
			for i := range n {
				at := func(a int, half float64) float64 { return (2*(float64(a)+0.5)/n - 1) * 1.4 * half }
				if g.level(geom.Vec3{at(i, 26), at(j, 19), at(k, 22)}) < 1 {
					in++
				}
			}
		}
	}
	const cell = 2.8 / n
	got := float64(in) * 26 * 19 * 22 * cell * cell * cell
	if math.Abs(got/want-1) > 0.001 {
		t.Fatalf("volume %.0f mm³, integral %.0f mm³", got, want)
	}
}

func TestLabelVolumesEqualMonteCarlo(t *testing.T) {
	for _, seed := range []uint64{4, 9} {
		c := small(seed)
		c.T2W = Protocol{Columns: 150, Rows: 130, Slices: 34, PixelMM: 0.6, SliceMM: 2}
		c.DWI.Slices, c.SubSamples, c.Lesions = 1, 1, 2
		e := generate(t, c)
		a := e.Anatomy
		var voxels [3]float64
		for _, z := range e.Labels.Zones.Data() {
			voxels[z] += e.T2W.Grid().VoxelVolume() / 1000
		}
		var monte [3]float64
		const n, box = 400_000, 90.0
		r := rand.New(rand.NewPCG(seed, 77))
		for range n {
			w := a.Centre().Add(geom.Vec3{box * (r.Float64() - 0.5), box * (r.Float64() - 0.5), box * (r.Float64() - 0.5)})
			monte[a.Zone(w)] += box * box * box / n / 1000
		}
		near(t, "TZ by voxels", voxels[LabelTZ], monte[LabelTZ], 0.025)
		near(t, "PZ by voxels", voxels[LabelPZ], monte[LabelPZ], 0.025)
		near(t, "gland as published", a.GlandML(), monte[LabelTZ]+monte[LabelPZ], 0.02)
		near(t, "TZ as published", a.TransitionML(), monte[LabelTZ], 0.025)
		for range 2000 {
			g := e.T2W.Grid()
			i, j, k := r.IntN(g.Size[0]), r.IntN(g.Size[1]), r.IntN(g.Size[2])
			if got, want := e.Labels.Zones.At(i, j, k), a.Zone(g.World(geom.Vec3{float64(i), float64(j), float64(k)})); got != want {
				t.Fatalf("seed %d: voxel (%d, %d, %d) has label %d, its centre lies in zone %d", seed, i, j, k, got, want)
			}
		}
		checkLesions(t, e, r)
	}
}

// checkLesions compares the published lesions with random points, and the mask with the zones.
func checkLesions(t *testing.T, e *Exam, r *rand.Rand) {
	t.Helper()
	a := e.Anatomy
	if len(e.Labels.List) != e.Config.Lesions {
		t.Fatalf("%d lesions listed, want %d", len(e.Labels.List), e.Config.Lesions)
	}
	var listed float64
	for i, l := range e.Labels.List {
		const n, box = 100_000, 44.0
		var ml float64
		for range n {
			w := l.Centre.Add(geom.Vec3{box * (r.Float64() - 0.5), box * (r.Float64() - 0.5), box * (r.Float64() - 0.5)})
			if a.Lesion(w) == i+1 {
				ml += box * box * box / n / 1000
			}
		}
		near(t, "lesion volume", l.VolumeML, ml, 0.12)
		listed += l.VolumeML
	}
	var masked float64
	zones := e.Labels.Zones.Data()
	for i, l := range e.Labels.Lesions.Data() {
		if l == 0 {
			continue
		}
		masked += e.T2W.Grid().VoxelVolume() / 1000
		if l != LabelLesion || zones[i] == 0 {
			t.Fatalf("voxel %d has lesion label %d and zone %d", i, l, zones[i])
		}
	}
	near(t, "lesions by voxels", masked, listed, 0.12)
}

func near(t *testing.T, what string, got, want, relative float64) {
	t.Helper()
	if !(math.Abs(got-want) <= relative*want) {
		t.Errorf("%s: %.3f mL, want %.3f mL within %g %%", what, got, want, 100*relative)
	}
}

func TestAnatomiesSpreadAsPublished(t *testing.T) {
	var volumes, fractions []float64
	lesions := map[int]int{}
	for seed := range uint64(30) {
		a, err := NewAnatomy(t.Context(), small(seed))
		if err != nil {
			t.Fatal(err)
		}
		v, f := a.GlandML(), a.TransitionML()/a.GlandML()
		if v < 19 || v > 101 || f < 0.29 || f > 0.71 {
			t.Errorf("seed %d: gland %.1f mL with TZ fraction %.2f", seed, v, f)
		}
		volumes, fractions = append(volumes, v), append(fractions, f)
		lesions[len(a.list)]++
		for i, l := range a.list {
			if a.Zone(l.Centre) == 0 || l.ADC < 600 || l.ADC > 900 || l.VolumeML < 0.05 || l.VolumeML > 6 {
				t.Errorf("seed %d: lesion %d is %+v in zone %d", seed, i, l, a.Zone(l.Centre))
			}
		}
	}
	slices.Sort(volumes)
	if m := volumes[15]; m < 38 || m > 60 || volumes[0] > 35 || volumes[29] < 65 {
		t.Errorf("gland volumes spread %.0f … %.0f … %.0f mL", volumes[0], m, volumes[29])
	}
	slices.Sort(fractions)
	if fractions[29]-fractions[0] < 0.15 {
		t.Errorf("TZ fractions spread only %.2f … %.2f", fractions[0], fractions[29])
	}
	if len(lesions) < 3 {
		t.Errorf("numbers of lesions drawn: %v", lesions)
	}
}

func TestFitRecoversADC(t *testing.T) {
	for _, bs := range [][]float64{{50, 400, 800}, {0, 1000}, {0, 100, 400, 800, 1500}} {
		f := newFit(bs)
		for _, adc := range []float64{0, 0.4e-3, 1.1e-3, 3e-3} {
			var logs []float64
			for _, b := range bs {
				logs = append(logs, math.Log(731*math.Exp(-b*adc)))
			}
			got, s0 := f.solve(logs)
			if math.Abs(got-adc) > 1e-12 || math.Abs(s0-math.Log(731)) > 1e-9 {
				t.Errorf("b = %v: ADC %g and ln S0 %g, want %g and %g", bs, got, s0, adc, math.Log(731))
			}
		}
	}
	// A hand-worked regression on points off the line: ln S = 6, 5, 5 at b = 0, 500, 1000 has slope −0.001.
	f := newFit([]float64{0, 500, 1000})
	if adc, s0 := f.solve([]float64{6, 5, 5}); math.Abs(adc-0.001) > 1e-15 || math.Abs(s0-35.0/6) > 1e-12 {
		t.Errorf("least squares gave ADC %g and ln S0 %g, want 0.001 and %g", adc, s0, 35.0/6)
	}
}

func TestNoiselessMapEqualsTissueADC(t *testing.T) {
	c := small(6)
	c.T2W.Slices, c.NoiseDWI, c.SubSamplesDiff, c.Lesions = 1, 0, 1, 1
	e := generate(t, c)
	g, n, worst := e.ADC.Grid(), 0, 0.0
	for at, v := range e.ADC.Data() {
		w := g.World(geom.Vec3{float64(at % g.Size[0]), float64(at / g.Size[0] % g.Size[1]), float64(at / g.Size[0] / g.Size[1])})
		if e.Anatomy.Zone(w) == 0 {
			continue
		}
		n++
		worst = max(worst, math.Abs(float64(v)/(1000*e.Anatomy.at(w).adc)-1))
	}
	if n < 500 || worst > 0.01 {
		t.Fatalf("over %d gland voxels the map is off by up to %.2f %%", n, 100*worst)
	}
}

func TestSamplerFollowsTheDeformationExactly(t *testing.T) {
	a, err := NewAnatomy(t.Context(), small(3))
	if err != nil {
		t.Fatal(err)
	}
	g, err := small(3).T2W.grid(a.Centre(), obliqueAxes(0.3, 0.1, 0.05))
	if err != nil {
		t.Fatal(err)
	}
	points := newSampler(a, g, 5)
	tested := 0
	for k := range g.Size[2] {
		v := geom.Vec3{48, 41, float64(k)}
		got := points.voxel(g.World(v))
		for i, o := range subVoxel(5) {
			w := g.World(v.Add(o))
			if a.Zone(w) == 0 {
				continue
			}
			tested++
			want := a.at(w)
			if math.Abs(got[i].t2-want.t2) > 1e-6 || math.Abs(got[i].adc-want.adc) > 1e-9 {
				t.Fatalf("slice %d, point %d: %+v, want %+v", k, i, got[i], want)
			}
		}
	}
	if tested < 20 {
		t.Fatalf("only %d points lay in the gland", tested)
	}
}

func TestContrastsAreThoseOfProstateMRI(t *testing.T) {
	c := small(8)
	c.Lesions, c.Mimics, c.SubSamples = 2, false, 2
	c.T2W.Columns, c.T2W.Rows = 72, 64
	e := generate(t, c)
	t2w := medians(e, e.T2W)
	if !(t2w["PZ"] > 1.3*t2w["TZ"] && t2w["TZ"] > 1.05*t2w["lesion"] && t2w["lesion"] > 1.5*t2w["muscle"]) {
		t.Errorf("T2W medians: %v", t2w)
	}
	adc := medians(e, e.ADC)
	if !(adc["PZ"] > 1500 && adc["PZ"] < 1950 && adc["TZ"] > 1100 && adc["TZ"] < 1550 && adc["lesion"] > 550 && adc["lesion"] < 1050) {
		t.Errorf("ADC medians: %v", adc)
	}
	high := medians(e, e.HighB.Volume)
	if !(high["lesion"] > 1.4*high["PZ"] && high["lesion"] > 1.3*high["TZ"]) {
		t.Errorf("high-b medians: %v", high)
	}
	if !e.HighB.Calculated || e.HighB.B != 1400 {
		t.Errorf("high-b image: %+v", e.HighB)
	}
}

// medians returns the median of a volume by material, at voxels whose neighbours are alike.
func medians(e *Exam, v *volume.Volume) map[string]float32 {
	values := map[string][]float32{}
	g, a := v.Grid(), e.Anatomy
	for at, x := range v.Data() {
		c := geom.Vec3{float64(at % g.Size[0]), float64(at / g.Size[0] % g.Size[1]), float64(at / g.Size[0] / g.Size[1])}
		kind := material(a, g.World(c))
		for _, o := range []geom.Vec3{{0.5, 0.5, 0.5}, {-0.5, -0.5, 0.5}, {0.5, -0.5, -0.5}, {-0.5, 0.5, -0.5}} {
			if kind != "other" && material(a, g.World(c.Add(o))) != kind {
				kind = ""
			}
		}
		values[kind] = append(values[kind], x)
	}
	out := map[string]float32{}
	for kind, v := range values {
		slices.Sort(v)
		out[kind] = v[len(v)/2]
	}
	return out
}

func material(a *Anatomy, w geom.Vec3) string {
	switch {
	case a.Lesion(w) > 0:
		return "lesion"
	case a.Zone(w) == LabelTZ:
		return "TZ"
	case a.Zone(w) == LabelPZ:
		return "PZ"
	}
	if p := a.at(w); p.pd == table[TissueMuscle].pd && p.adc == table[TissueMuscle].adc {
		return "muscle"
	}
	return "other"
}

func TestSameSeedGivesTheSameBytesOnAnyNumberOfProcessors(t *testing.T) {
	c := small(12)
	c.T2W.Slices, c.DWI.Slices = 6, 6
	before := runtime.GOMAXPROCS(1)
	one := digest(generate(t, c))
	runtime.GOMAXPROCS(4)
	four := digest(generate(t, c))
	runtime.GOMAXPROCS(before)
	if one != four {
		t.Error("one and four processors give different exams")
	}
	c.Seed++
	if digest(generate(t, c)) == one {
		t.Error("another seed gives the same exam")
	}
}

func digest(e *Exam) (sum [32]byte) {
	h := sha256.New()
	volumes := []*volume.Volume{e.T2W, e.ADC, e.HighB.Volume}
	for _, d := range e.DWI {
		volumes = append(volumes, d.Volume)
	}
	for _, v := range volumes {
		for _, x := range v.Data() {
			h.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(x)))
		}
	}
	h.Write(e.Labels.Zones.Data())
	h.Write(e.Labels.Lesions.Data())
	return [32]byte(h.Sum(nil))
}

func TestStacksAreObliqueCoplanarAndWithinTheTilt(t *testing.T) {
	for seed := range uint64(5) {
		c := small(seed)
		c.T2W.Slices, c.DWI.Slices, c.DWI.Columns, c.DWI.Rows = 2, 2, 8, 8
		c.SubSamples = 1
		e := generate(t, c)
		a, b := e.T2W.Grid(), e.ADC.Grid()
		if tilt := a.TiltDegrees(); tilt < 5-1e-6 || tilt > 25+1e-6 {
			t.Errorf("seed %d: tilt %.2f degrees", seed, tilt)
		}
		for i := range 3 {
			if a.Dir[i].Sub(b.Dir[i]).Norm() > 1e-12 {
				t.Errorf("seed %d: axis %d differs between T2W and diffusion", seed, i)
			}
		}
		if d := b.Origin.Sub(a.Origin).Dot(a.Normal()); math.Abs(d) > 1e-5 {
			t.Errorf("seed %d: the first slices are %g mm apart", seed, d)
		}
	}
}

func TestCancelAndProgress(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := small(1)
	c.Progress = func(done, _ int) {
		if done == 2 {
			cancel()
		}
	}
	if _, err := Generate(ctx, c); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled generation returned %v", err)
	}
	c = small(1)
	c.T2W.Slices, c.DWI.Slices = 3, 2
	var last, calls int
	c.Progress = func(done, total int) {
		calls++
		if total != 5 || done != last+1 {
			t.Errorf("progress %d of %d after %d", done, total, last)
		}
		last = done
	}
	generate(t, c)
	if calls != 5 {
		t.Errorf("%d progress calls, want 5", calls)
	}
}

func TestBadConfigurationsAreRefused(t *testing.T) {
	for name, spoil := range map[string]func(*Config){
		"zero value":     func(c *Config) { *c = Config{Seed: 1} },
		"lesions":        func(c *Config) { c.Lesions = 9 },
		"volume":         func(c *Config) { c.VolumeML = Range{50, 20} },
		"volume NaN":     func(c *Config) { c.VolumeML.Max = math.NaN() },
		"one b-value":    func(c *Config) { c.BValues = []float64{800} },
		"falling b":      func(c *Config) { c.BValues = []float64{800, 50} },
		"equal b":        func(c *Config) { c.BValues = []float64{50, 50, 800} },
		"many b":         func(c *Config) { c.BValues = make([]float64, 100) },
		"noise NaN":      func(c *Config) { c.NoiseT2W = math.NaN() },
		"huge matrix":    func(c *Config) { c.T2W.Columns = 1 << 30 },
		"warp folds":     func(c *Config) { c.WarpMM = 50 },
		"no sub-samples": func(c *Config) { c.SubSamples = 0 },
		"tilt":           func(c *Config) { c.TiltDegrees.Max = 90 },
	} {
		c := DefaultConfig(1)
		spoil(&c)
		if _, err := Generate(t.Context(), c); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: error = %v, want ErrConfig", name, err)
		}
	}
}

func TestKurtosisRaisesHighB(t *testing.T) {
	p := table[TissueLesion]
	for _, b := range []float64{0, 400, 800, 1400, 3000, 5000} {
		mono, kurt := diffusionSignal(&p, b, false), diffusionSignal(&p, b, true)
		if b == 0 && mono != kurt || b > 0 && kurt <= mono {
			t.Errorf("b = %g: %g with kurtosis, %g without", b, kurt, mono)
		}
	}
	// S(1000)/S(0) = exp(−0.75 + 0.75²/6) for D = 0.75 µm²/ms and K = 1.
	if got, want := diffusionSignal(&p, 1000, true)/diffusionSignal(&p, 0, true), math.Exp(-0.75+0.5625/6); math.Abs(got-want) > 1e-12 {
		t.Errorf("S(1000)/S(0) = %g, want %g", got, want)
	}
}

func TestRicianNoiseHasItsMoments(t *testing.T) {
	// E[M²] = S² + 2σ²; with S = 0 the mean is σ·√(π/2).
	r := rand.New(rand.NewPCG(5, 6))
	const n = 200_000
	var square, mean float64
	for range n {
		m := rician(r, 3, 0.5)
		square += m * m / n
		mean += rician(r, 0, 0.5) / n
	}
	if math.Abs(square-9.5) > 0.03 || math.Abs(mean-0.5*math.Sqrt(math.Pi/2)) > 0.005 {
		t.Errorf("mean square %.4f (want 9.5), mean of pure noise %.4f (want %.4f)", square, mean, 0.5*math.Sqrt(math.Pi/2))
	}
}
