package report

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"image/color"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/imageio"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/prep"
	"bayeslice/internal/volume"
	"bayeslice/render"
)

// Words that must not reach a file.
var secrets = []string{"DOE^JOHN", "PID-4711", "19500230", "Hospital of Somewhere", "free text of the scanner"}

// scene is a made-up exam and prediction: a gland of 46 × 36 × 30 mm with a TZ inside, or one lesion.
type scene struct {
	exam       *exam.Exam
	prediction *inference.Prediction
	reference  *volume.Mask
}

func newGrid(t *testing.T, size [3]int, spacing geom.Vec3, centre geom.Vec3) geom.Grid {
	t.Helper()
	s, c := math.Sincos(12 * math.Pi / 180)
	dir := [3]geom.Vec3{{1, 0, 0}, {0, c, s}, {0, -s, c}}
	origin := centre
	for a := range 3 {
		origin = origin.Sub(dir[a].Scale(float64(size[a]-1) / 2 * spacing[a]))
	}
	g, err := geom.NewGrid(size, origin, spacing, dir)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func fill(t *testing.T, g geom.Grid, unit string, f func(mm geom.Vec3) float64) *volume.Volume {
	t.Helper()
	data := make([]float32, g.Voxels())
	c := g.Centre()
	for k := range g.Size[2] {
		for j := range g.Size[1] {
			for i := range g.Size[0] {
				d := g.World(geom.Vec3{float64(i), float64(j), float64(k)}).Sub(c)
				data[g.Index(i, j, k)] = float32(f(geom.Vec3{d.Dot(g.Dir[0]), d.Dot(g.Dir[1]), d.Dot(g.Dir[2])}))
			}
		}
	}
	v, err := volume.New(g, data, unit)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// inside is the soft membership of an ellipsoid with half axes in mm.
func inside(mm, centre, half geom.Vec3, soft float64) float64 {
	d := mm.Sub(centre)
	r := math.Sqrt(d[0]*d[0]/half[0]/half[0] + d[1]*d[1]/half[1]/half[1] + d[2]*d[2]/half[2]/half[2])
	return 1 / (1 + math.Exp((r-1)/soft))
}

var (
	glandHalf  = geom.Vec3{23, 18, 15}
	zoneCentre = geom.Vec3{0, -4, 1}
	zoneHalf   = geom.Vec3{15, 11, 11}
	lesionAt   = geom.Vec3{-9, 9, 1}
	lesionHalf = geom.Vec3{5, 4, 6}
)

// newScene makes the exam and the prediction of a task on a smaller grid in the middle of the T2W.
func newScene(t *testing.T, task modelcard.Task) scene {
	t.Helper()
	centre := geom.Vec3{5, -20, 30}
	t2w := newGrid(t, [3]int{120, 120, 13}, geom.Vec3{0.75, 0.75, 3}, centre)
	model := newGrid(t, [3]int{64, 60, 11}, geom.Vec3{1, 1, 3}, centre)
	signal := fill(t, t2w, "", func(mm geom.Vec3) float64 {
		texture := 12 * math.Sin(mm[0]*1.9+2*math.Sin(mm[1]*1.3))
		return 180 + texture + 220*inside(mm, geom.Vec3{}, glandHalf, 0.03) - 150*inside(mm, zoneCentre, zoneHalf, 0.04) - 120*inside(mm, lesionAt, lesionHalf, 0.1)
	})
	series := &exam.Series{ID: "4", Number: 4, Description: "free text of the scanner", Volume: signal}
	e := &exam.Exam{Key: "4f2a", Name: "Study 4F2A", Series: []*exam.Series{series},
		Roles:    map[exam.Role]exam.Choice{exam.T2W: {Candidate: exam.Candidate{Series: series, Score: 0.9, Reason: "Axial fast spin echo, 0.75 mm."}}},
		Issues:   []exam.Issue{{Code: "uneven-gap", Severity: exam.Warning, Text: "Two slices are further apart than the others."}},
		Identity: exam.Identity{PatientName: secrets[0], PatientID: secrets[1], BirthDate: secrets[2], Institution: secrets[3], Path: "/data/DOE^JOHN"}}
	p := &inference.Prediction{
		Card: modelcard.Card{Format: modelcard.Version, Name: "M1 test", Task: task, Trained: true, TrainedOn: "made-up exams", Loss: "FL",
			Recipe: prep.PaperRecipe(task == modelcard.Diagnosis), IntendedUse: "tests"},
		ModelSHA: "0123456789abcdef", Seed: 7, Samples: 40, Requested: 100, Stop: inference.Converged,
		StopNote: "further samples change nothing that is read from the maps", Device: "CPU (test)", SecondsPerSample: 0.25, Grid: model,
		Issues: []exam.Issue{{Code: prep.IssueOutside, Severity: exam.Note, Text: "2.0 % of the model's grid lies outside the T2W image."}},
	}
	var probabilities func(mm geom.Vec3) []float64
	if task == modelcard.Anatomy {
		p.Card.Classes = []string{"background", "TZ", "PZ"}
		probabilities = func(mm geom.Vec3) []float64 {
			gland := inside(mm, geom.Vec3{}, glandHalf, 0.07)
			tz := gland * inside(mm, zoneCentre, zoneHalf, 0.09)
			return []float64{1 - gland, tz, gland - tz}
		}
		p.Volumes = []inference.ZoneVolume{{Zone: "WG", ML: inference.Interval{Mean: 26, P5: 24.8, P95: 27.3}},
			{Zone: "TZ", ML: inference.Interval{Mean: 7.6, P5: 7.1, P95: 8}}, {Zone: "PZ", ML: inference.Interval{Mean: 18.4, P5: 17.2, P95: 19.9}}}
	} else {
		p.Card.Classes = []string{"background", "csPCa"}
		probabilities = func(mm geom.Vec3) []float64 {
			l := 0.83 * inside(mm, lesionAt, lesionHalf, 0.2)
			return []float64{1 - l, l}
		}
		p.Volumes = []inference.ZoneVolume{{Zone: "csPCa", ML: inference.Interval{Mean: 0.45, P5: 0.3, P95: 0.7}}}
	}
	addMaps(t, p, probabilities)
	reference := make([]uint8, t2w.Voxels())
	truth := fill(t, t2w, "", func(mm geom.Vec3) float64 {
		if task == modelcard.Anatomy {
			gland := math.Round(inside(mm, geom.Vec3{1, 0, 0}, glandHalf, 0.01))
			return gland * (2 - math.Round(inside(mm, zoneCentre, zoneHalf, 0.01)))
		}
		return inside(mm, lesionAt.Add(geom.Vec3{1, 1, 0}), lesionHalf, 0.01)
	})
	for i, v := range truth.Data() {
		reference[i] = uint8(math.Round(float64(v)))
	}
	mask, err := volume.NewMask(t2w, reference)
	if err != nil {
		t.Fatal(err)
	}
	return scene{e, p, mask}
}

// addMaps fills the maps of a prediction from its probabilities.
func addMaps(t *testing.T, p *inference.Prediction, probabilities func(geom.Vec3) []float64) {
	t.Helper()
	for c := range p.Card.Classes {
		p.Mean = append(p.Mean, fill(t, p.Grid, "probability", func(mm geom.Vec3) float64 { return probabilities(mm)[c] }))
		p.SD = append(p.SD, fill(t, p.Grid, "probability", func(mm geom.Vec3) float64 { q := probabilities(mm)[c]; return 0.5 * q * (1 - q) }))
	}
	h := func(mm geom.Vec3) float64 {
		sum := 0.0
		for _, q := range probabilities(mm) {
			if q > 0 {
				sum -= q * math.Log(q)
			}
		}
		return sum
	}
	p.Entropy = fill(t, p.Grid, "nats", h)
	p.ExpectedEntropy = fill(t, p.Grid, "nats", func(mm geom.Vec3) float64 { return 0.8 * h(mm) })
	p.MutualInformation = fill(t, p.Grid, "nats", func(mm geom.Vec3) float64 { return 0.2 * h(mm) })
	var err error
	if p.Hard, err = prep.ArgMax(p.Mean); err != nil {
		t.Fatal(err)
	}
	if p.Card.Task == modelcard.Diagnosis {
		l := inference.Lesion{ID: 1, Confidence: 0.83, Present: 38, Samples: 40, VolumeML: 0.45, PeakWorld: p.Grid.Centre()}
		for i, label := range p.Hard.Data() {
			if label == 1 {
				l.Voxels = append(l.Voxels, int32(i))
			}
		}
		p.Lesions = []inference.Lesion{l}
	}
}

func TestWriteHoldsWhatWasPredicted(t *testing.T) {
	for task, names := range map[modelcard.Task][]string{
		modelcard.Anatomy:   {"probability_tz", "probability_pz", "sd_tz", "sd_pz", "probability_background", "sd_background", "entropy", "expected_entropy", "mutual_information", "zones", "model_region"},
		modelcard.Diagnosis: {"probability_cspca", "sd_cspca", "probability_background", "sd_background", "entropy", "expected_entropy", "mutual_information", "cspca", "lesions", "model_region"},
	} {
		s := newScene(t, task)
		dir := filepath.Join(t.TempDir(), "new", "result")
		if err := Write(context.Background(), dir, s.exam, s.prediction, Options{Program: "Bayeslice test", Reference: s.reference}); err != nil {
			t.Fatalf("%s: %v", task, err)
		}
		want := []string{PanelFile, ResultFile}
		for _, n := range names {
			want = append(want, n+".nii.gz")
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range entries {
			got = append(got, e.Name())
			searchSecrets(t, filepath.Join(dir, e.Name()))
		}
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: files %v, want %v", task, got, want)
		}
		checkMaps(t, dir, s)
		checkJSON(t, dir, s)
	}
}

// checkMaps compares with the analytic field at the T2W voxels.
func checkMaps(t *testing.T, dir string, s scene) {
	t.Helper()
	grid, _ := s.exam.ReferenceGrid()
	class := strings.ToLower(s.prediction.Card.Classes[1])
	image, err := imageio.Open(filepath.Join(dir, "probability_"+class+".nii.gz"))
	if err != nil {
		t.Fatal(err)
	}
	v := image.Volumes[0]
	if !v.Grid().SameAs(grid, 1e-3) {
		t.Errorf("%s lies on %+v, want the T2W grid", class, v.Grid())
	}
	middle := grid.Centre()
	at := middle.Add(grid.Dir[0].Scale(lesionAt[0])).Add(grid.Dir[1].Scale(lesionAt[1])).Add(grid.Dir[2].Scale(lesionAt[2]))
	want := 0.83 / (1 + math.Exp(-5))
	if s.prediction.Card.Task == modelcard.Anatomy {
		at, want = middle, 1/(1+math.Exp(-1/0.07))/(1+math.Exp((math.Hypot(4./11, 1./11)-1)/0.09))
	}
	c := grid.Voxel(at)
	got := v.At(int(math.Round(c[0])), int(math.Round(c[1])), int(math.Round(c[2])))
	if math.Abs(float64(got)-want) > 0.08 { // the nearest voxel lies up to 0.4 mm and half a slice away
		t.Errorf("probability of %s in its middle = %.3f, want about %.3f", class, got, want)
	}
	if corner := v.At(0, 0, 0); corner != 0 {
		t.Errorf("probability outside the model's grid = %g, want 0", corner)
	}
}

func checkJSON(t *testing.T, dir string, s scene) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, ResultFile))
	if err != nil {
		t.Fatal(err)
	}
	var r Result
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	p := s.prediction
	if r.Format != ResultFormat || r.Model.SHA256 != p.ModelSHA || r.Sampling.Samples != 40 || r.Sampling.Requested != 100 ||
		r.Sampling.Seed != 7 || r.Sampling.Stop != inference.Converged || r.Untrained || r.Synthetic || r.ResearchUse != Disclaimer || r.Program != "Bayeslice test" {
		t.Errorf("result.json says %+v", r)
	}
	if len(r.Exam.Issues) != 2 || len(r.Exam.Series) != 1 || r.Exam.Series[0].Reason == "" || len(r.Volumes) != len(p.Volumes) || len(r.Lesions) != len(p.Lesions) {
		t.Errorf("result.json: exam %+v, %d volumes, %d lesions", r.Exam, len(r.Volumes), len(r.Lesions))
	}
	if r.Exam.Issues[0].Severity != exam.Warning || !strings.Contains(string(data), `"severity": "warning"`) {
		t.Errorf("issues = %+v", r.Exam.Issues)
	}
	checkVolumes(t, dir, r)
	for _, f := range r.Files {
		if strings.Contains(f.Name, "entropy") && !strings.Contains(f.Meaning, "not recomputed from the interpolated probabilities") ||
			strings.HasPrefix(f.Name, "sd_") && !strings.Contains(f.Meaning, "interpolated") {
			t.Errorf("%s does not say that it is interpolated: %q", f.Name, f.Meaning)
		}
	}
	if !strings.Contains(string(data), `"recipe"`) || !strings.Contains(string(data), `"affineLPS"`) {
		t.Error("result.json lacks the recipe or the grids")
	}
}

// checkVolumes compares the masks' volumes with a count of the file, and with the ellipsoids' formula.
func checkVolumes(t *testing.T, dir string, r Result) {
	t.Helper()
	name := map[modelcard.Task]string{modelcard.Anatomy: "zones.nii.gz", modelcard.Diagnosis: "cspca.nii.gz"}[r.Model.Task]
	mask, err := imageio.OpenMask(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	counted := map[string]int{}
	for _, label := range mask.Data() {
		if label > 0 {
			counted[r.Model.Classes[label]]++
			counted["WG"]++
		}
	}
	for _, v := range r.Volumes {
		want := float64(counted[v.Zone]) * 0.75 * 0.75 * 3 / 1000
		if math.Abs(v.MaskML-want) > 1e-9 || v.MaskML == 0 || v.ML.P95 == 0 {
			t.Errorf("%s: the mask has %g mL, want %g; over the samples %+v", v.Zone, v.MaskML, want, v.ML)
		}
		if gland := 4 * math.Pi / 3 * 23 * 18 * 15 / 1000; v.Zone == "WG" && math.Abs(v.MaskML-gland) > 0.06*gland {
			t.Errorf("WG: the mask has %.1f mL, the ellipsoid %.1f", v.MaskML, gland)
		}
	}
}

func searchSecrets(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(path, ".gz") {
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if data, err = io.ReadAll(z); err != nil {
			t.Fatal(err)
		}
	}
	for _, secret := range secrets {
		if bytes.Contains(data, []byte(secret)) {
			t.Errorf("%s holds %q", filepath.Base(path), secret)
		}
	}
}

func TestWriteRefusesAndSaysWhatIsThere(t *testing.T) {
	ctx := context.Background()
	s := newScene(t, modelcard.Diagnosis)
	dir := t.TempDir()
	if err := Write(ctx, dir, s.exam, s.prediction, Options{}); err != nil {
		t.Fatal(err)
	}
	if err := Write(ctx, dir, s.exam, s.prediction, Options{}); !errors.Is(err, ErrExists) {
		t.Errorf("second write: error = %v, want ErrExists", err)
	}
	if err := Ready(dir, false); !errors.Is(err, ErrExists) {
		t.Errorf("Ready = %v, want ErrExists", err)
	}
	if err := Write(ctx, dir, s.exam, s.prediction, Options{Overwrite: true}); err != nil {
		t.Errorf("overwriting: %v", err)
	}

	blocked := t.TempDir() // a folder stands where a file must go
	if err := os.MkdirAll(filepath.Join(blocked, "entropy.nii.gz", "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	err := Write(ctx, blocked, s.exam, s.prediction, Options{})
	var partial *PartialError
	if !errors.As(err, &partial) || !slices.Contains(partial.Written, "sd_background.nii.gz") || slices.Contains(partial.Written, "entropy.nii.gz") ||
		!strings.Contains(err.Error(), "probability_cspca.nii.gz") {
		t.Errorf("blocked write: error = %v, want a PartialError that names the files", err)
	}
	if _, err := os.Stat(filepath.Join(blocked, ResultFile)); !errors.Is(err, os.ErrNotExist) {
		t.Error("an incomplete result has a result.json")
	}

	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Write(ctx, filepath.Join(file, "sub"), s.exam, s.prediction, Options{}); !errors.As(err, &partial) || len(partial.Written) != 0 {
		t.Errorf("write below a file: error = %v, want a PartialError without files", err)
	}
	s.prediction.Samples = 0
	if err := Write(ctx, t.TempDir(), s.exam, s.prediction, Options{}); !errors.Is(err, ErrNothing) {
		t.Errorf("without samples: error = %v, want ErrNothing", err)
	}
	delete(s.exam.Roles, exam.T2W)
	if err := Write(ctx, t.TempDir(), s.exam, s.prediction, Options{}); !errors.Is(err, prep.ErrMissingRole) {
		t.Errorf("without T2W: error = %v, want ErrMissingRole", err)
	}
}

// A diagnosis written over an anatomy leaves no map of the anatomy, and touches nothing else.
func TestOverwriteRemovesTheEarlierResultAndNothingElse(t *testing.T) {
	ctx := context.Background()
	dir := filepath.Join(t.TempDir(), "result")
	old, fresh := newScene(t, modelcard.Anatomy), newScene(t, modelcard.Diagnosis)
	if err := Write(ctx, dir, old.exam, old.prediction, Options{}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, ResultFile)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// A doctored list must not reach outside the folder, nor other people's files inside it.
	outside, notes := filepath.Join(filepath.Dir(dir), "zones.nii.gz"), filepath.Join(dir, "notes.txt")
	for _, file := range []string{outside, notes} {
		if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	doctored := strings.Replace(string(data), `"files": [`, `"files": [{"name": "../zones.nii.gz"}, {"name": "notes.txt"}, {"name": "."},`, 1)
	if err := os.WriteFile(path, []byte(doctored), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Write(ctx, dir, fresh.exam, fresh.prediction, Options{Overwrite: true}); err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{"zones.nii.gz", "probability_tz.nii.gz", "sd_pz.nii.gz"} {
		if _, err := os.Stat(filepath.Join(dir, gone)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s of the earlier result is still there (%v)", gone, err)
		}
	}
	for _, kept := range []string{outside, notes} {
		if _, err := os.Stat(kept); err != nil {
			t.Errorf("%s was removed: %v", kept, err)
		}
	}
	if err := os.WriteFile(path, []byte(`{"tests": "another program's"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Ready(dir, true); !errors.Is(err, ErrForeign) {
		t.Errorf("another program's result.json: Ready = %v, want ErrForeign", err)
	}
	if err := Write(ctx, dir, fresh.exam, fresh.prediction, Options{Overwrite: true}); !errors.Is(err, ErrForeign) {
		t.Errorf("another program's result.json: error = %v, want ErrForeign", err)
	}
}

func TestFilesWithoutAResultAreReplacedOnlyWhenAsked(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	s := newScene(t, modelcard.Anatomy)
	labels := filepath.Join(dir, "lesions.nii.gz") // as a reader's annotation may be named
	if err := os.WriteFile(labels, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Ready(dir, false); !errors.Is(err, ErrExists) || !strings.Contains(err.Error(), "lesions.nii.gz") {
		t.Errorf("Ready = %v, want ErrExists that names the file", err)
	}
	if err := Write(ctx, dir, s.exam, s.prediction, Options{Overwrite: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(labels); err != nil {
		t.Errorf("a file that is no result's was removed: %v", err)
	}

	stopped := t.TempDir() // a diagnosis of which two maps were written, then an anatomy
	for _, name := range []string{"probability_cspca.nii.gz", "sd_cspca.nii.gz"} {
		if err := os.WriteFile(filepath.Join(stopped, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := Write(ctx, stopped, s.exam, s.prediction, Options{Overwrite: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(stopped, "sd_cspca.nii.gz")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a map of the unfinished result is still there (%v)", err)
	}
}

// The bound holds for noise, which no compressor makes smaller, and refuses what is larger than any disk.
func TestRoomBoundsTheResult(t *testing.T) {
	for _, task := range []modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis} {
		s := newScene(t, task)
		random := rand.New(rand.NewPCG(1, 2))
		noise := func() *volume.Volume {
			return fill(t, s.prediction.Grid, "", func(geom.Vec3) float64 { return random.Float64() })
		}
		p := s.prediction
		for c := range p.Card.Classes {
			p.Mean[c], p.SD[c] = noise(), noise()
		}
		p.Entropy, p.ExpectedEntropy, p.MutualInformation = noise(), noise(), noise()
		dir := t.TempDir()
		if err := Write(context.Background(), dir, s.exam, p, Options{}); err != nil {
			t.Fatal(err)
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		total := uint64(0)
		for _, e := range entries {
			info, err := e.Info()
			if err != nil {
				t.Fatal(err)
			}
			total += uint64(info.Size())
		}
		grid, _ := s.exam.ReferenceGrid()
		region, err := prep.Region(p.Grid, grid)
		if err != nil {
			t.Fatal(err)
		}
		inside := uint64(bytes.Count(region.Data(), []byte{1}))
		bound := resultBytes(inside, uint64(grid.Voxels()), p.Card)
		t.Logf("%s: %.2f MB written, bound %.2f MB", task, float64(total)/1e6, float64(bound)/1e6)
		if total > bound || bound > 4*total {
			t.Errorf("%s: %d bytes written, bound %d", task, total, bound)
		}
		if err := Room(dir, s.exam, p.Grid, p.Card); err != nil {
			t.Errorf("%s: Room = %v where there is room", task, err)
		}
	}
}

// What is written has a name that may be removed again.
func TestOwnNamesAreThoseWritten(t *testing.T) {
	for _, task := range []modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis} {
		s := newScene(t, task)
		m, err := newMaps(context.Background(), s.exam, s.prediction)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range m.files() {
			if !slices.Contains(ownNames, f.Name) {
				t.Errorf("%s is written but would never be replaced", f.Name)
			}
		}
	}
}

func TestVerifyFindsAChangedFile(t *testing.T) {
	s := newScene(t, modelcard.Anatomy)
	dir := t.TempDir()
	f := file{Name: "x.nii.gz", scalar: s.prediction.Entropy}
	if err := f.write(dir); err != nil {
		t.Fatal(err)
	}
	f.scalar = s.prediction.ExpectedEntropy
	if err := f.verifyVolume(filepath.Join(dir, f.Name)); !errors.Is(err, ErrVerify) {
		t.Errorf("other values: error = %v, want ErrVerify", err)
	}
	m := file{Name: "m.nii.gz", mask: s.prediction.Hard}
	if err := m.write(dir); err != nil {
		t.Fatal(err)
	}
	m.mask = s.reference
	if err := m.verifyMask(filepath.Join(dir, m.Name)); !errors.Is(err, ErrVerify) {
		t.Errorf("another grid: error = %v, want ErrVerify", err)
	}
}

// Four voxels: background, TZ, PZ, PZ. Counted by hand.
func TestHistogramCountsThePredictedSegment(t *testing.T) {
	g := geom.Grid{Size: [3]int{4, 1, 1}, Spacing: geom.Vec3{1, 1, 1}, Dir: [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}}
	volumes := make([]*volume.Volume, 3)
	for c, values := range [][]float32{{0.9, 0.1, 0.3, 0}, {0.1, 0.8, 0.1, 0}, {0, 0.1, 0.6, 1}} {
		v, err := volume.New(g, values, "probability")
		if err != nil {
			t.Fatal(err)
		}
		volumes[c] = v
	}
	hard, err := prep.ArgMax(volumes)
	if err != nil {
		t.Fatal(err)
	}
	p := &inference.Prediction{Card: modelcard.Card{Task: modelcard.Anatomy, Classes: []string{"background", "TZ", "PZ"}}, Mean: volumes, Hard: hard}
	hs := histograms(p)
	if len(hs) != 3 || hs[0].structure != "WG" || hs[0].voxels != 3 || hs[1].voxels != 1 || hs[2].voxels != 2 {
		t.Fatalf("histograms = %+v", hs)
	}
	if hs[2].counts[12] != 1 || hs[2].counts[19] != 1 || math.Abs(hs[2].median-0.8) > 1e-6 {
		t.Errorf("PZ: %+v, want 0.6 in bin 12, 1.0 in the last, median 0.8", hs[2])
	}
	if math.Abs(hs[0].median-0.9) > 1e-6 {
		t.Errorf("WG median = %g, want that of 0.7, 0.9, 1.0", hs[0].median)
	}
}

// The panel must tell what is where; set BAYESLICE_PANELS to a folder to look at it.
func TestPanel(t *testing.T) {
	for _, task := range []modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis} {
		s := newScene(t, task)
		img, err := Panel(context.Background(), s.exam, s.prediction, Options{Program: "Bayeslice test", Reference: s.reference})
		if err != nil {
			t.Fatal(err)
		}
		if dir := os.Getenv("BAYESLICE_PANELS"); dir != "" {
			if err := writePNG(filepath.Join(dir, string(task)+".png"), img); err != nil {
				t.Fatal(err)
			}
		}
		if img.Bounds().Dx() != 1600 {
			t.Errorf("%s: width %d, want 1600", task, img.Bounds().Dx())
		}
		again, err := Panel(context.Background(), s.exam, s.prediction, Options{Program: "Bayeslice test", Reference: s.reference})
		if err != nil || !bytes.Equal(img.Pix, again.Pix) {
			t.Errorf("%s: a second panel differs, %v", task, err)
		}
		line := render.ZoneColor(s.prediction.Card.Classes[1])
		if n := count(img.Pix, line); n < 200 {
			t.Errorf("%s: only %d pixels have the colour of %s", task, n, s.prediction.Card.Classes[1])
		}
		if count(img.Pix, alarm) > 0 || count(img.Pix, notice) > 0 {
			t.Errorf("%s: a badge stands on a trained model and a real exam", task)
		}
		s.prediction.Card.Trained, s.exam.Synthetic = false, true
		marked, err := Panel(context.Background(), s.exam, s.prediction, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if count(marked.Pix, alarm) < 5000 || count(marked.Pix, notice) < 5000 {
			t.Errorf("%s: UNTRAINED or SYNTHETIC does not stand out", task)
		}
		s.prediction.Card.Trained, s.prediction.Card.Training = true, phantoms()
		if marked, err = Panel(context.Background(), s.exam, s.prediction, Options{}); err != nil {
			t.Fatal(err)
		}
		if dir := os.Getenv("BAYESLICE_PANELS"); dir != "" {
			if err := writePNG(filepath.Join(dir, string(task)+"-phantoms.png"), marked); err != nil {
				t.Fatal(err)
			}
		}
		s.exam.Synthetic = false
		alone, err := Panel(context.Background(), s.exam, s.prediction, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if n := count(alone.Pix, notice); n < 5000 || count(marked.Pix, notice) < n+5000 || count(marked.Pix, alarm) > 0 {
			t.Errorf("%s: that the model was trained on phantoms does not stand out", task)
		}
	}
}

// phantoms are the facts of a training on generated exams alone.
func phantoms() *modelcard.TrainingFacts {
	return &modelcard.TrainingFacts{Steps: 1, Batch: 1, Data: modelcard.DataFacts{Kind: "randomised phantoms", Synthetic: true}}
}

func TestTheResultSaysThatTheModelHasSeenNoPatient(t *testing.T) {
	s := newScene(t, modelcard.Anatomy)
	s.prediction.Card.Training = phantoms()
	m, err := newMaps(t.Context(), s.exam, s.prediction)
	if err != nil {
		t.Fatal(err)
	}
	for synthetic, sentence := range map[bool]string{true: "generated phantoms only", false: ""} {
		s.prediction.Card.Training.Data.Synthetic = synthetic
		r := newResult(s.exam, s.prediction, m, nil, Options{})
		if r.TrainedOnSyntheticOnly != synthetic || r.Untrained || !strings.Contains(r.Model.Notice, sentence) || (r.Model.Notice == "") != (sentence == "") || r.Model.Training == nil {
			t.Errorf("synthetic %v: %+v", synthetic, r.Model)
		}
	}
}

// count counts pixels of one colour.
func count(pix []uint8, c color.NRGBA) int {
	n := 0
	for i := 0; i+3 < len(pix); i += 4 {
		if pix[i] == c.R && pix[i+1] == c.G && pix[i+2] == c.B {
			n++
		}
	}
	return n
}

func TestPanelWithoutASegmentSaysSo(t *testing.T) {
	s := newScene(t, modelcard.Diagnosis)
	s.prediction.Mean, s.prediction.SD, s.prediction.Lesions, s.prediction.Volumes = nil, nil, nil, nil
	addMaps(t, s.prediction, func(mm geom.Vec3) []float64 {
		q := 0.2 * inside(mm, lesionAt, lesionHalf, 0.2)
		return []float64{1 - q, q}
	})
	s.prediction.Lesions = nil
	m, err := newMaps(context.Background(), s.exam, s.prediction)
	if err != nil {
		t.Fatal(err)
	}
	k, why := shownSlice(m, nil)
	if k != 6 || !strings.Contains(why, "nothing was predicted") {
		t.Errorf("slice %d because of %q, want the lesion's slice 6", k, why)
	}
	if _, err := Panel(context.Background(), s.exam, s.prediction, Options{}); err != nil {
		t.Error(err)
	}
}

func TestShownSliceHoldsPartOfTheReference(t *testing.T) {
	s := newScene(t, modelcard.Anatomy)
	m, err := newMaps(context.Background(), s.exam, s.prediction)
	if err != nil {
		t.Fatal(err)
	}
	g := s.reference.Grid()
	labels := make([]uint8, g.Voxels())
	labels[g.Index(60, 60, 3)], labels[g.Index(60, 60, 4)] = 1, 1
	reference, err := volume.NewMask(g, labels)
	if err != nil {
		t.Fatal(err)
	}
	if k, why := shownSlice(m, reference); k != 4 || !strings.Contains(why, "reference") { // the gland is larger there than in 3
		t.Errorf("slice %d because of %q, want 4", k, why)
	}
	if k, why := shownSlice(m, nil); k != 6 || strings.Contains(why, "reference") {
		t.Errorf("slice %d because of %q, want the middle, 6", k, why)
	}
}

func TestSlicePlaneIsRadiological(t *testing.T) {
	flipped, err := geom.NewGrid([3]int{10, 12, 4}, geom.Vec3{}, geom.Vec3{1, 1, 3}, [3]geom.Vec3{{0, -1, 0}, {-1, 0, 0}, {0, 0, -1}})
	if err != nil {
		t.Fatal(err)
	}
	p := slicePlane(flipped, flipped, 1, 100)
	if p.Right != (geom.Vec3{1, 0, 0}) || p.Down != (geom.Vec3{0, 1, 0}) {
		t.Errorf("right %v, down %v; want the patient's left and back", p.Right, p.Down)
	}
	if math.Abs(flipped.Voxel(p.Centre)[2]-1) > 1e-9 {
		t.Errorf("the plane lies on slice %g", flipped.Voxel(p.Centre)[2])
	}
}

func TestNiceTop(t *testing.T) {
	for v, want := range map[float64]float64{0: 1e-3, math.NaN(): 1e-3, 0.013: 0.02, 0.05: 0.05, 0.4: 0.5, 0.69: 1, 3: 5} {
		if got := niceTop(v); math.Abs(got-want) > 1e-12 {
			t.Errorf("niceTop(%g) = %g, want %g", v, got, want)
		}
	}
}
