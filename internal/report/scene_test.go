package report

import (
	gomaps "maps"
	"math"
	"slices"
	"testing"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/prep"
	"bayeslice/internal/volume"
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

// scenes are made once per task: their images are immutable.
var scenes = map[modelcard.Task]scene{}

// newScene returns an exam and a prediction of a task that a test may change.
func newScene(t *testing.T, task modelcard.Task) scene {
	t.Helper()
	s, ok := scenes[task]
	if !ok {
		s = makeScene(t, task)
		scenes[task] = s
	}
	e, p := *s.exam, *s.prediction
	e.Roles, e.Issues = gomaps.Clone(e.Roles), slices.Clone(e.Issues)
	p.Mean, p.SD, p.Volumes, p.Lesions, p.Issues = slices.Clone(p.Mean), slices.Clone(p.SD), slices.Clone(p.Volumes), slices.Clone(p.Lesions), slices.Clone(p.Issues)
	return scene{&e, &p, s.reference}
}

// makeScene makes the exam and the prediction of a task on a smaller grid in the middle of the T2W.
func makeScene(t *testing.T, task modelcard.Task) scene {
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
