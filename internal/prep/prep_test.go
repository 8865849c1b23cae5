package prep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// newVolume fills a grid with f of the voxel.
func newVolume(t *testing.T, g geom.Grid, unit string, f func(i, j, k int) float64) *volume.Volume {
	t.Helper()
	data := make([]float32, g.Voxels())
	for k := range g.Size[2] {
		for j := range g.Size[1] {
			for i := range g.Size[0] {
				data[g.Index(i, j, k)] = float32(f(i, j, k))
			}
		}
	}
	v, err := volume.New(g, data, unit)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// newExam puts volumes into roles; each series is called after its role.
func newExam(volumes map[exam.Role]*volume.Volume) *exam.Exam {
	e := &exam.Exam{Roles: map[exam.Role]exam.Choice{}}
	for role, v := range volumes {
		s := &exam.Series{ID: "series " + role.String(), Volume: v, FrameOfReference: "one"}
		e.Series = append(e.Series, s)
		e.Roles[role] = exam.Choice{Candidate: exam.Candidate{Series: s}}
	}
	return e
}

// tilted is an oblique grid as axial prostate series have them.
func tilted(t *testing.T, size [3]int, spacing geom.Vec3) geom.Grid {
	t.Helper()
	s, c := math.Sincos(18.5 * math.Pi / 180)
	g, err := geom.NewGrid(size, geom.Vec3{-20, -31, 12}, spacing, [3]geom.Vec3{{1, 0, 0}, {0, c, s}, {0, -s, c}})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestApplyEqualsSciPyOnAnObliqueGrid(t *testing.T) {
	var want struct {
		Axes              [3]geom.Vec3
		Centre            geom.Vec3
		Mean, SD, Outside float64
		Input             []float64
	}
	data, err := os.ReadFile("testdata/apply_golden.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	g, err := geom.NewGrid([3]int{22, 19, 9}, geom.Vec3{-13, 8.5, 21.25}, geom.Vec3{0.8, 1.1, 3}, want.Axes)
	if err != nil {
		t.Fatal(err)
	}
	image := newVolume(t, g, "", func(i, j, k int) float64 { return float64((7*i + 13*j + 29*k + 3*i*j + 5*j*k) % 101) })
	recipe := Recipe{Channels: []Channel{{Role: "T2W", Norm: ZScore}}, SpacingMM: geom.Vec3{1, 1.5, 2.5}, Size: [3]int{12, 10, 6}}
	got, err := recipe.Apply(context.Background(), newExam(map[exam.Role]*volume.Volume{exam.T2W: image}), Options{Centre: &want.Centre})
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got.Input.Shape) != "[1 1 6 10 12]" {
		t.Errorf("shape = %v", got.Input.Shape)
	}
	if d := got.Grid.Centre().Sub(want.Centre).Norm(); d > 1e-9 {
		t.Errorf("the grid's middle is %g mm from the centre asked for", d)
	}
	worst := 0.0
	for i, w := range want.Input {
		worst = max(worst, math.Abs(float64(got.Input.F32[i])-w))
	}
	if worst > 2e-4 {
		t.Errorf("input differs from SciPy by up to %g standard deviations", worst)
	}
	s := got.Scaling[0]
	if math.Abs(s.Shift-want.Mean) > 1e-3 || math.Abs(s.Scale-want.SD) > 1e-3 || math.Abs(got.Outside[0]-want.Outside) > 1e-12 {
		t.Errorf("mean %g, sd %g, outside %g; want %g, %g, %g", s.Shift, s.Scale, got.Outside[0], want.Mean, want.SD, want.Outside)
	}
	if len(got.Issues) != 1 || got.Issues[0].Code != IssueOutside {
		t.Errorf("issues = %+v, want the part outside the image", got.Issues)
	}
}

func TestApplyCropsExactlyWhereSpacingsAgree(t *testing.T) {
	g := tilted(t, [3]int{20, 22, 7}, geom.Vec3{0.5, 0.5, 3})
	value := func(i, j, k int) float64 { return float64((i*31 + j*17 + k*7) % 23) }
	e := newExam(map[exam.Role]*volume.Volume{exam.T2W: newVolume(t, g, "", value)})
	recipe := Recipe{Channels: []Channel{{Role: "T2W", Norm: Linear, High: 1}}, SpacingMM: g.Spacing, Size: [3]int{8, 7, 4}}
	p, err := recipe.Apply(context.Background(), e, Options{})
	if err != nil {
		t.Fatal(err)
	}
	start := g.Voxel(p.Grid.Origin)
	for a := range 3 {
		if math.Abs(start[a]-math.Round(start[a])) > 1e-9 {
			t.Fatalf("the crop starts between voxels: %v", start)
		}
	}
	if d := p.Grid.Centre().Sub(g.Centre()); math.Abs(d.Norm()) > 0.5*math.Sqrt(0.5*0.5+0.5*0.5+3*3)+1e-9 {
		t.Errorf("the crop is %g mm off the middle", d.Norm())
	}
	for k := range 4 {
		for j := range 7 {
			for i := range 8 {
				want := value(i+int(math.Round(start[0])), j+int(math.Round(start[1])), k+int(math.Round(start[2])))
				if got := float64(p.Input.F32[p.Grid.Index(i, j, k)]); math.Abs(got-want) > 1e-4 {
					t.Fatalf("voxel (%d, %d, %d) = %g, want %g", i, j, k, got, want)
				}
			}
		}
	}
}

// A ramp a·x + b·y + c·z is reproduced by every interpolation, so it tells whether positions are
// right: image → model grid → image must give it back.
func TestRampSurvivesTheRoundTrip(t *testing.T) {
	g := tilted(t, [3]int{40, 36, 12}, geom.Vec3{0.6, 0.6, 3.3})
	ramp := func(w geom.Vec3) float64 { return 0.7*w[0] - 1.3*w[1] + 0.4*w[2] + 5 }
	image := newVolume(t, g, "", func(i, j, k int) float64 { return ramp(g.World(geom.Vec3{float64(i), float64(j), float64(k)})) })
	back, p := roundTrip(t, image, Recipe{Channels: []Channel{{Role: "T2W", Norm: Linear, High: 1}}, SpacingMM: geom.Vec3{0.5, 0.7, 3}, Size: [3]int{24, 20, 6}})
	checked := 0
	forInner(p.Grid, g, func(i, j, k int) {
		checked++
		if got, want := float64(back.At(i, j, k)), float64(image.At(i, j, k)); math.Abs(got-want) > 2e-3 {
			t.Fatalf("voxel (%d, %d, %d) = %g after the round trip, was %g", i, j, k, got, want)
		}
	})
	if checked < 500 {
		t.Fatalf("only %d voxels were inside", checked)
	}
}

// Trilinear interpolation of a field with second derivatives up to m errs by at most h²·m/8 per axis;
// the spline on the way in adds its own, which is of higher order and covered by the factor.
func TestSmoothFieldRoundTripStaysWithinItsBound(t *testing.T) {
	g := tilted(t, [3]int{48, 48, 16}, geom.Vec3{0.5, 0.5, 3})
	const period = 30.0 // mm
	w := 2 * math.Pi / period
	field := func(p geom.Vec3) float64 { return math.Cos(w*p[0]) + math.Cos(w*p[1]) + math.Cos(w*p[2]) }
	image := newVolume(t, g, "", func(i, j, k int) float64 { return field(g.World(geom.Vec3{float64(i), float64(j), float64(k)})) })
	recipe := Recipe{Channels: []Channel{{Role: "T2W", Norm: Linear, High: 1}}, SpacingMM: geom.Vec3{0.8, 0.8, 2.5}, Size: [3]int{26, 26, 12}}
	back, p := roundTrip(t, image, recipe)
	bound := 0.0
	for a := range 3 {
		h := recipe.SpacingMM[a]
		bound += h * h / 8 * w * w * math.Sqrt2 // along an oblique axis two cosines bend at once
	}
	worst := 0.0
	forInner(p.Grid, g, func(i, j, k int) {
		worst = max(worst, math.Abs(float64(back.At(i, j, k)-image.At(i, j, k))))
	})
	if worst > 1.2*bound || worst == 0 {
		t.Errorf("largest error %g, bound %g", worst, bound)
	}
}

// roundTrip prepares an image and brings it back to its own grid.
func roundTrip(t *testing.T, image *volume.Volume, r Recipe) (*volume.Volume, *Prepared) {
	t.Helper()
	p, err := r.Apply(context.Background(), newExam(map[exam.Role]*volume.Volume{exam.T2W: image}), Options{})
	if err != nil {
		t.Fatal(err)
	}
	on, err := volume.New(p.Grid, p.Input.F32, "")
	if err != nil {
		t.Fatal(err)
	}
	back, err := ToGrid(context.Background(), on, image.Grid(), float32(math.NaN()))
	if err != nil {
		t.Fatal(err)
	}
	return back, p
}

// forInner visits the voxels of g whose centre lies between voxel centres of inner and at least two
// voxels from the image's border.
func forInner(inner, g geom.Grid, visit func(i, j, k int)) {
	for k := 2; k < g.Size[2]-2; k++ {
		for j := 2; j < g.Size[1]-2; j++ {
			for i := 2; i < g.Size[0]-2; i++ {
				v := inner.Voxel(g.World(geom.Vec3{float64(i), float64(j), float64(k)}))
				in := true
				for a := range 3 {
					in = in && v[a] >= 0 && v[a] <= float64(inner.Size[a]-1)
				}
				if in {
					visit(i, j, k)
				}
			}
		}
	}
}

// ADC 0…3000 ×10⁻⁶ mm²/s becomes 0…1, whatever unit the map is in.
func TestADCIsLinearInItsUnit(t *testing.T) {
	g := tilted(t, [3]int{10, 10, 5}, geom.Vec3{2, 2, 3})
	recipe := Recipe{Channels: []Channel{{Role: "ADC", Norm: Linear, High: 3000, Clip: true}}, SpacingMM: g.Spacing, Size: [3]int{4, 4, 3}}
	for unit, factor := range map[string]float64{"10⁻⁶ mm²/s": 1, "10⁻³ mm²/s": 1e-3, "mm²/s": 1e-6} {
		adc := newVolume(t, g, unit, func(i, j, _ int) float64 { return factor * float64(750*(i/5)+1500*(j/5)*3) })
		p, err := recipe.Apply(context.Background(), newExam(map[exam.Role]*volume.Volume{exam.T2W: adc, exam.ADC: adc}), Options{})
		if err != nil {
			t.Fatalf("%s: %v", unit, err)
		}
		// the crop is voxels 3…6 of 10 along i and j: 0, 750 (0.25), 4500 and 5250 (clipped to 1)
		for at, want := range map[[2]int]float64{{0, 0}: 0, {3, 0}: 0.25, {0, 3}: 1, {3, 3}: 1} {
			if got := p.Input.F32[p.Grid.Index(at[0], at[1], 1)]; math.Abs(float64(got)-want) > 1e-4 {
				t.Errorf("%s: voxel %v = %g, want %g", unit, at, got, want)
			}
		}
		if converted := len(p.Issues) > 0; converted != (factor != 1) {
			t.Errorf("%s: issues = %v", unit, p.Issues)
		}
	}
	unknown := newVolume(t, g, "", func(i, _, _ int) float64 { return float64(i) })
	_, err := recipe.Apply(context.Background(), newExam(map[exam.Role]*volume.Volume{exam.T2W: unknown, exam.ADC: unknown}), Options{})
	if !errors.Is(err, ErrUnits) {
		t.Errorf("error for a map without a unit = %v, want ErrUnits", err)
	}
}

func TestApplyRefusesWithTheRemedy(t *testing.T) {
	g := tilted(t, [3]int{16, 16, 6}, geom.Vec3{1, 1, 3})
	bumpy := newVolume(t, g, "", func(i, j, k int) float64 { return float64(i*j + k) })
	flat := newVolume(t, g, "", func(int, int, int) float64 { return 7 })
	missing := newVolume(t, g, "", func(int, int, int) float64 { return math.NaN() })
	far := g
	far.Origin = far.Origin.Add(geom.Vec3{500, 0, 0})
	away := newVolume(t, far, "", func(i, j, k int) float64 { return float64(i + j*k) })
	two := Recipe{Channels: []Channel{{Role: "T2W", Norm: ZScore}, {Role: "HBV", Norm: ZScore}}, SpacingMM: geom.Vec3{1, 1, 3}, Size: [3]int{8, 8, 4}}
	elsewhere := newExam(map[exam.Role]*volume.Volume{exam.T2W: bumpy, exam.HighB: away})
	elsewhere.Chosen(exam.HighB).FrameOfReference = "another"
	for name, c := range map[string]struct {
		exam *exam.Exam
		opts Options
		want error
		says string
	}{
		"no T2W":         {newExam(nil), Options{}, ErrMissingRole, "axial T2-weighted"},
		"no high b":      {newExam(map[exam.Role]*volume.Volume{exam.T2W: bumpy}), Options{}, ErrMissingRole, "anatomy model"},
		"constant":       {newExam(map[exam.Role]*volume.Volume{exam.T2W: flat, exam.HighB: bumpy}), Options{}, ErrIntensity, "needs contrast"},
		"no numbers":     {newExam(map[exam.Role]*volume.Volume{exam.T2W: bumpy, exam.HighB: missing}), Options{}, ErrIntensity, "choose another series"},
		"other place":    {newExam(map[exam.Role]*volume.Volume{exam.T2W: bumpy, exam.HighB: away}), Options{}, ErrGeometry, "give another centre"},
		"other frame":    {elsewhere, Options{}, ErrGeometry, "frame of reference"},
		"centre outside": {newExam(map[exam.Role]*volume.Volume{exam.T2W: bumpy, exam.HighB: bumpy}), Options{Centre: &geom.Vec3{900, 0, 0}}, ErrGeometry, "give another centre"},
		"centre not one": {newExam(map[exam.Role]*volume.Volume{exam.T2W: bumpy, exam.HighB: bumpy}), Options{Centre: &geom.Vec3{math.NaN(), 0, 0}}, ErrGeometry, "not a point"},
	} {
		_, err := two.Apply(context.Background(), c.exam, c.opts)
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error = %v, want %v saying %q", name, err, c.want, c.says)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := two.Apply(ctx, newExam(map[exam.Role]*volume.Volume{exam.T2W: bumpy, exam.HighB: bumpy}), Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error after cancelling = %v", err)
	}
}

// Voxels outside an image become the background, are counted, and are said.
func TestOutsideIsDeclared(t *testing.T) {
	g := tilted(t, [3]int{20, 20, 10}, geom.Vec3{1, 1, 3})
	image := newVolume(t, g, "", func(i, j, k int) float64 { return float64(100 + i*j + 9*k) })
	recipe := Recipe{Channels: []Channel{{Role: "T2W", Norm: ZScore}}, SpacingMM: geom.Vec3{1, 1, 3}, Size: [3]int{10, 10, 10}}
	for shift, want := range map[float64]struct {
		outside  float64
		severity exam.Severity
	}{6: {0.1, exam.Note}, 8: {0.3, exam.Warning}, 10: {0.5, exam.Warning}, 12: {0.7, exam.Severe}} {
		centre := g.Centre().Add(g.Dir[0].Scale(shift))
		p, err := recipe.Apply(context.Background(), newExam(map[exam.Role]*volume.Volume{exam.T2W: image}), Options{Centre: &centre})
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(p.Outside[0]-want.outside) > 1e-12 || len(p.Issues) != 1 || p.Issues[0].Severity != want.severity {
			t.Errorf("shift %g mm: outside %g, issues %+v; want %g, severity %d", shift, p.Outside[0], p.Issues, want.outside, want.severity)
		}
		if got := p.Input.F32[p.Grid.Index(9, 4, 4)]; got != 0 {
			t.Errorf("a voxel outside the image is %g, want the background 0", got)
		}
	}
	centre := g.Centre().Add(g.Dir[0].Scale(13))
	if _, err := recipe.Apply(context.Background(), newExam(map[exam.Role]*volume.Volume{exam.T2W: image}), Options{Centre: &centre}); !errors.Is(err, ErrGeometry) {
		t.Errorf("error with 80 %% outside = %v, want ErrGeometry", err)
	}
}

func TestVoxelsThatAreNoNumbersAreDeclared(t *testing.T) {
	g := tilted(t, [3]int{12, 12, 6}, geom.Vec3{1, 1, 3})
	image := newVolume(t, g, "", func(i, j, k int) float64 {
		if i == 5 && j == 5 {
			return math.NaN()
		}
		return float64(i + j*k)
	})
	recipe := Recipe{Channels: []Channel{{Role: "T2W", Norm: ZScore}}, SpacingMM: geom.Vec3{1, 1, 3}, Size: [3]int{8, 8, 4}}
	p, err := recipe.Apply(context.Background(), newExam(map[exam.Role]*volume.Volume{exam.T2W: image}), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range p.Input.F32 {
		if !isFinite(v) {
			t.Fatal("the input holds a value that is no number")
		}
	}
	if len(p.Issues) != 1 || p.Issues[0].Code != IssueNonFinite || !strings.Contains(p.Issues[0].Text, "6 of 864") {
		t.Errorf("issues = %+v", p.Issues)
	}
}

func TestProbabilitiesStayProbabilities(t *testing.T) {
	model := tilted(t, [3]int{8, 9, 5}, geom.Vec3{1.5, 1.5, 3})
	classes := make([]*volume.Volume, 3)
	for c := range classes {
		classes[c] = newVolume(t, model, "probability", func(i, j, k int) float64 {
			a, b := 1+float64((i*7+j)%5), 1+float64((j*3+k*11)%7)
			return [3]float64{a, b, 2}[c] / (a + b + 2)
		})
	}
	to, err := geom.NewGrid([3]int{30, 30, 9}, model.Origin.Sub(geom.Vec3{4, 4, 4}), geom.Vec3{0.7, 0.7, 2.6}, model.Dir)
	if err != nil {
		t.Fatal(err)
	}
	on, err := Probabilities(context.Background(), classes, to)
	if err != nil {
		t.Fatal(err)
	}
	labels, err := ArgMax(on)
	if err != nil {
		t.Fatal(err)
	}
	region, err := Region(model, to)
	if err != nil {
		t.Fatal(err)
	}
	outside := 0
	for i := range to.Voxels() {
		p := [3]float32{on[0].Data()[i], on[1].Data()[i], on[2].Data()[i]}
		if sum := p[0] + p[1] + p[2]; math.Abs(float64(sum)-1) > 1e-5 {
			t.Fatalf("voxel %d: probabilities %v sum to %g", i, p, sum)
		}
		if region.Data()[i] == 0 {
			outside++
			if p != [3]float32{1, 0, 0} || labels.Data()[i] != 0 {
				t.Fatalf("voxel %d outside the model's grid has %v and label %d", i, p, labels.Data()[i])
			}
		}
		for c := range p {
			if p[c] > p[labels.Data()[i]] {
				t.Fatalf("voxel %d: label %d of %v", i, labels.Data()[i], p)
			}
		}
	}
	if outside == 0 || outside == to.Voxels() {
		t.Fatalf("%d of %d voxels outside: the test shows nothing", outside, to.Voxels())
	}
}

func TestApplyMaskTakesTheNearestLabel(t *testing.T) {
	g := tilted(t, [3]int{4, 4, 2}, geom.Vec3{2, 2, 3})
	labels := make([]uint8, g.Voxels())
	labels[g.Index(1, 2, 0)] = 3
	m, err := volume.NewMask(g, labels)
	if err != nil {
		t.Fatal(err)
	}
	fine, err := geom.NewGrid([3]int{8, 8, 2}, g.World(geom.Vec3{-0.25, -0.25, 0}), geom.Vec3{1, 1, 3}, g.Dir)
	if err != nil {
		t.Fatal(err)
	}
	on, err := (&Prepared{Grid: fine}).ApplyMask(context.Background(), m)
	if err != nil {
		t.Fatal(err)
	}
	for k := range 2 {
		for j := range 8 {
			for i := range 8 { // fine voxel i covers a half of voxel i/2
				want := uint8(0)
				if i/2 == 1 && j/2 == 2 && k == 0 {
					want = 3
				}
				if got := on.At(i, j, k); got != want {
					t.Errorf("label at (%d, %d, %d) = %d, want %d", i, j, k, got, want)
				}
			}
		}
	}
}

func TestRecipeValidate(t *testing.T) {
	good := PaperRecipe(true)
	if err := good.Validate(); err != nil {
		t.Fatalf("the paper's recipe: %v", err)
	}
	for name, change := range map[string]func(*Recipe){
		"no channel":   func(r *Recipe) { r.Channels = nil },
		"unknown role": func(r *Recipe) { r.Channels[0].Role = "T1W" },
		"unknown norm": func(r *Recipe) { r.Channels[0].Norm = "max" },
		"empty range":  func(r *Recipe) { r.Channels[2].High = 0 },
		"no spacing":   func(r *Recipe) { r.SpacingMM[1] = 0 },
		"no size":      func(r *Recipe) { r.Size[2] = 0 },
		"huge":         func(r *Recipe) { r.Size[0] = 5000 },
	} {
		r := PaperRecipe(true)
		change(&r)
		if err := r.Validate(); !errors.Is(err, ErrRecipe) {
			t.Errorf("%s: error = %v, want ErrRecipe", name, err)
		}
	}
}
