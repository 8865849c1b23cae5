package synth

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/nets"
	"bayeslice/internal/phantom"
	"bayeslice/internal/prep"
	"bayeslice/training"
)

// folder is shared by the tests, so that each anatomy is made once.
var folder = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "synth-test-*") })

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := folder(); err == nil {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

func preset(t *testing.T, task modelcard.Task) (prep.Recipe, training.Shape) {
	t.Helper()
	p, err := nets.FindPreset("compact", task)
	if err != nil {
		t.Fatal(err)
	}
	return p.Recipe, training.Shape{Channels: p.Config.Channels, Classes: p.Config.Classes, Size: p.Config.Size, NeedsLabel: task == modelcard.Anatomy}
}

// generator makes a pool of three anatomies.
func generator(t *testing.T, task modelcard.Task) *Generator {
	t.Helper()
	dir, err := folder()
	if err != nil {
		t.Fatal(err)
	}
	recipe, _ := preset(t, task)
	g, err := New(t.Context(), Config{Task: task, Recipe: recipe, Seed: 11, Anatomies: 3, Cache: dir})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func draw(t *testing.T, g *Generator, n uint64) *training.Example {
	t.Helper()
	e, err := g.Draw(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func same(a, b *training.Example) bool {
	return slices.Equal(a.Image.F32, b.Image.F32) && slices.Equal(a.Label, b.Label) && a.Exam == b.Exam
}

func TestDrawDependsOnItsNumberAlone(t *testing.T) {
	for _, task := range []modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis} {
		g := generator(t, task)
		alone := make([]*training.Example, 4)
		for n := range alone {
			alone[n] = draw(t, g, uint64(n))
		}
		again := make([]*training.Example, len(alone))
		var wg sync.WaitGroup
		for n := len(alone) - 1; n >= 0; n-- {
			wg.Go(func() { again[n], _ = g.Draw(context.Background(), uint64(n)) })
		}
		wg.Wait()
		for n := range alone {
			if again[n] == nil || !same(alone[n], again[n]) {
				t.Errorf("%s: draw %d differs among four goroutines", task, n)
			}
			if n > 0 && slices.Equal(alone[n].Image.F32, alone[n-1].Image.F32) {
				t.Errorf("%s: draws %d and %d are alike", task, n-1, n)
			}
		}
	}
}

func TestDrawsAreUsableAndNormalised(t *testing.T) {
	for _, task := range []modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis} {
		g := generator(t, task)
		recipe, shape := preset(t, task)
		voxels := recipe.Size[0] * recipe.Size[1] * recipe.Size[2]
		cancers, cut := 0, 0
		const draws = 25
		for n := range uint64(draws) {
			e := draw(t, g, n)
			if err := e.Check(shape); err != nil {
				t.Fatal(err)
			}
			if slices.Contains(e.Label, phantom.LabelLesion) {
				cancers++
			}
			for c, channel := range recipe.Channels {
				values := e.Image.F32[c*voxels : (c+1)*voxels]
				if channel.Norm == prep.ZScore {
					cut += checkZScore(t, values)
				} else {
					checkADC(t, values)
				}
			}
		}
		if cut == 0 {
			t.Errorf("%s: no draw has an image that ends inside the model's grid", task)
		}
		if task == modelcard.Diagnosis && (cancers < draws/4 || cancers > 4*draws/5) {
			t.Errorf("%d of %d draws have csPCa, want about %.0f %%", cancers, draws, 100*cancerShare)
		}
	}
}

// checkZScore verifies mean 0 and variance 1 inside the image, which is where values are not the
// background's exact 0, and returns 1 where some of the grid lies outside.
func checkZScore(t *testing.T, values []float32) int {
	t.Helper()
	var sum, squares float64
	n := 0
	for _, v := range values {
		if v != 0 {
			sum += float64(v)
			squares += float64(v) * float64(v)
			n++
		}
	}
	mean := sum / float64(n)
	if variance := squares / float64(n); math.Abs(mean) > 1e-4 || math.Abs(variance-1) > 1e-3 {
		t.Errorf("mean %g and mean square %g inside the image, want 0 and 1", mean, variance)
	}
	if n < len(values)-50 {
		return 1
	}
	return 0
}

// checkADC verifies that most of the gland's values are those of tissue on the recipe's scale of 0–3000.
func checkADC(t *testing.T, values []float32) {
	t.Helper()
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	if high := sorted[len(sorted)*9/10]; high < 0.25 || high > 1.3 {
		t.Errorf("the 90th percentile of ADC is %.0f × 10⁻⁶ mm²/s", 3000*high)
	}
}

func TestAnatomiesSpreadAsPublished(t *testing.T) {
	const count = 60
	var volumes, peripheral, fractions, width, depth, height []float64
	for n := range uint64(count) {
		a, err := drawAnatomy(t.Context(), 3, forPool, n)
		if err != nil {
			t.Fatal(err)
		}
		v, f := a.GlandML(), a.TransitionML()/a.GlandML()
		if v < 17.5 || v > 116 || f < 0.28 || f > 0.77 {
			t.Errorf("anatomy %d: %.1f mL with a TZ fraction of %.2f", n, v, f)
		}
		volumes, fractions, peripheral = append(volumes, v), append(fractions, f), append(peripheral, v*(1-f))
		e := extent(a)
		width, depth, height = append(width, e[0]), append(depth, e[1]), append(height, e[2])
	}
	middle := func(what string, values []float64, median, spread [2]float64) {
		slices.Sort(values)
		m, lo, hi := values[count/2], values[count/20], values[count-1-count/20]
		t.Logf("%s: median %.2f, 5–95 %% %.2f–%.2f", what, m, lo, hi)
		if m < median[0] || m > median[1] || lo < spread[0] || hi > spread[1] {
			t.Errorf("%s: median %.2f, 5–95 %% %.2f–%.2f; want a median in %v and the rest in %v", what, m, lo, hi, median, spread)
		}
	}
	// Median and 5th to 95th percentile, with room for 60 draws.
	middle("volume in mL", volumes, [2]float64{38, 56}, [2]float64{17, 112})
	middle("PZ in mL", peripheral, [2]float64{16, 26}, [2]float64{7, 52})
	middle("TZ fraction", fractions, [2]float64{0.42, 0.6}, [2]float64{0.28, 0.76})
	middle("left to right in mm", width, [2]float64{44, 56}, [2]float64{33, 72})
	middle("front to back in mm", depth, [2]float64{32, 46}, [2]float64{23, 60})
	middle("apex to base in mm", height, [2]float64{33, 47}, [2]float64{24, 62})
}

// extent measures the gland's bounding box on a lattice of 1.5 mm.
func extent(a *phantom.Anatomy) (mm geom.Vec3) {
	const reach, step = 48, 1.5
	lo, hi := geom.Vec3{99, 99, 99}, geom.Vec3{-99, -99, -99}
	for z := -reach / step; z <= reach/step; z++ {
		for y := -reach / step; y <= reach/step; y++ {
			for x := -reach / step; x <= reach/step; x++ {
				v := geom.Vec3{x * step, y * step, z * step}
				if a.Zone(a.Centre().Add(v)) != 0 {
					for i := range 3 {
						lo[i], hi[i] = min(lo[i], v[i]), max(hi[i], v[i])
					}
				}
			}
		}
	}
	return hi.Sub(lo).Add(geom.Vec3{step, step, step})
}

func TestLatticeShowsTheAnatomy(t *testing.T) {
	a, err := drawAnatomy(t.Context(), 11, forPool, 0)
	if err != nil {
		t.Fatal(err)
	}
	p := generator(t, modelcard.Anatomy).pool[0]
	cell := latticeMM[0] * latticeMM[1] * latticeMM[2] / 1000
	var gland, tz float64
	for at := range latticePoints {
		switch p.zone(at) {
		case phantom.LabelTZ:
			tz += cell
			gland += cell
		case phantom.LabelPZ:
			gland += cell
		}
	}
	if math.Abs(gland/a.GlandML()-1) > 0.02 || math.Abs(tz/a.TransitionML()-1) > 0.03 {
		t.Errorf("%.2f mL gland and %.2f mL TZ on the lattice, %.2f and %.2f in the anatomy", gland, tz, a.GlandML(), a.TransitionML())
	}
	r := stream(1, forDraw, 0)
	differ := 0
	const points = 4000
	for range points {
		v := geom.Vec3{uniform(r, -35, 35), uniform(r, -30, 30), uniform(r, -30, 30)}
		if p.zoneAt(lattice(v)) != a.Zone(a.Centre().Add(v)) {
			differ++
		}
	}
	if differ > points*4/100 {
		t.Errorf("%d of %d points have another zone on the lattice than in the anatomy", differ, points)
	}
}

func TestHeldOutAnatomiesAreOthers(t *testing.T) {
	g := generator(t, modelcard.Diagnosis)
	_, shape := preset(t, modelcard.Diagnosis)
	set := g.Held(4)
	if set.Len() != 4 {
		t.Fatalf("%d held-out examples, want 4", set.Len())
	}
	cancers := 0
	for i := range 4 {
		e, err := set.Example(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Check(shape); err != nil {
			t.Fatal(err)
		}
		again, err := g.Held(9).Example(t.Context(), i)
		if err != nil || !same(e, again) {
			t.Errorf("held-out example %d differs between sets: %v", i, err)
		}
		if slices.Contains(e.Label, phantom.LabelLesion) {
			cancers++
		}
		p, _, err := cached(t.Context(), g.config.Cache, g.config.Seed, forHeldPool, uint64(i))
		if err != nil {
			t.Fatal(err)
		}
		for n, q := range g.pool {
			if slices.Equal(p.first, q.first) {
				t.Errorf("held-out anatomy %d is anatomy %d of the pool", i, n)
			}
		}
	}
	if cancers != 2 {
		t.Errorf("%d of 4 held-out examples have csPCa, want 2", cancers)
	}
	if _, err := set.Example(t.Context(), 4); err == nil {
		t.Error("an example beyond the set was given")
	}
	if n := g.Held(-1).Len(); n != 0 {
		t.Errorf("Held(-1) has %d examples", n)
	}
}

func TestCacheGivesWhatWasMade(t *testing.T) {
	recipe, _ := preset(t, modelcard.Anatomy)
	dir := filepath.Join(t.TempDir(), "new", "folder")
	c := Config{Task: modelcard.Anatomy, Recipe: recipe, Seed: 2, Anatomies: 1, Cache: dir}
	calls := 0
	c.Progress = func(done, total int) {
		if calls++; done != calls || total != 1 {
			t.Errorf("progress %d of %d at call %d", done, total, calls)
		}
	}
	fresh, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	c.Progress = nil
	want := draw(t, fresh, 5)
	hit, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if len(hit.Notes()) != 0 || !same(want, draw(t, hit, 5)) {
		t.Errorf("the cache gave another example; notes %v", hit.Notes())
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.anatomy"))
	if err != nil || len(files) != 1 {
		t.Fatalf("cache holds %v (%v), want one file", files, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 4
	if err := os.WriteFile(files[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	repaired, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if notes := repaired.Notes(); len(notes) != 1 || !strings.Contains(notes[0], "made anew") {
		t.Errorf("a damaged file was passed over in silence: %v", notes)
	}
	if !same(want, draw(t, repaired, 5)) {
		t.Error("the repaired anatomy gives another example")
	}
	if p, err := readPlate(files[0], plateKey(2, forPool, 0)); err != nil || p == nil {
		t.Errorf("the damaged file was not replaced: %v", err)
	}
}

func TestFingerprintFollowsTheSettings(t *testing.T) {
	g := generator(t, modelcard.Anatomy)
	o := g.Origin()
	if !o.Synthetic || o.Kind != "randomised phantoms" || len(o.Fingerprint) != 64 {
		t.Errorf("origin %+v", o)
	}
	other := *g
	other.config.Seed++
	if other.fingerprint() == o.Fingerprint {
		t.Error("another seed has the same fingerprint")
	}
	if generator(t, modelcard.Anatomy).fingerprint() != o.Fingerprint {
		t.Error("the same settings have another fingerprint")
	}
}

func TestStopsWhenCancelled(t *testing.T) {
	recipe, _ := preset(t, modelcard.Anatomy)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := New(ctx, Config{Task: modelcard.Anatomy, Recipe: recipe, Anatomies: 50}); !errors.Is(err, context.Canceled) {
		t.Errorf("New after cancellation: %v", err)
	}
	if _, err := generator(t, modelcard.Anatomy).Draw(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("Draw after cancellation: %v", err)
	}
}

func TestRefusesSettings(t *testing.T) {
	recipe, _ := preset(t, modelcard.Anatomy)
	for name, c := range map[string]Config{
		"no task":       {Recipe: recipe, Anatomies: 1},
		"no anatomies":  {Task: modelcard.Anatomy, Recipe: recipe},
		"too many":      {Task: modelcard.Anatomy, Recipe: recipe, Anatomies: MaxAnatomies + 1},
		"empty recipe":  {Task: modelcard.Anatomy, Anatomies: 1},
		"negative pool": {Task: modelcard.Anatomy, Recipe: recipe, Anatomies: -4},
	} {
		if _, err := New(t.Context(), c); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v, want ErrConfig", name, err)
		}
	}
}

func TestSuspicionTellsCancerWithoutCertainty(t *testing.T) {
	// The most suspicious spot of an exam, as the generator itself rates it, is the best that any reader can go by:
	// it must tell exams with csPCa well and yet not perfectly.
	p := generator(t, modelcard.Diagnosis).pool[0]
	r := stream(4, forDraw, 0)
	var scores [2][]float64
	for n := range 400 {
		var most float64
		for _, f := range drawFoci(r, p, n%2 == 1) {
			most = max(most, f.suspicion())
		}
		scores[n%2] = append(scores[n%2], most)
	}
	var auc float64
	for _, positive := range scores[1] {
		for _, negative := range scores[0] {
			switch {
			case positive > negative:
				auc++
			case positive == negative:
				auc += 0.5
			}
		}
	}
	auc /= float64(len(scores[0]) * len(scores[1]))
	t.Logf("area under the curve of an ideal reader: %.3f", auc)
	if auc < 0.9 || auc > 0.99 {
		t.Errorf("an ideal reader reaches an area of %.3f, want 0.90–0.99", auc)
	}
}
