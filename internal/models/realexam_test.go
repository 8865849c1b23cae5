package models

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"bayeslice/inference"
	"bayeslice/internal/devices"
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/imageio"
	"bayeslice/internal/metrics"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/ort"
	"bayeslice/internal/prep"
	"bayeslice/internal/testenv"
	"bayeslice/internal/volume"
)

// The real-exam check judges an anatomy model on patients' exams, through the whole path that `bayeslice
// infer` takes. Without the first of these variables it
// holds the bundled model that is used unasked to what is promised of it.
//
//	BAYESLICE_CHECK_MODEL=a.onnx,b.onnx go test -run RealExams -v ./internal/models
const (
	checkModels  = "BAYESLICE_CHECK_MODEL"   // model files or names of bundled models, separated by commas: judged, and nothing is asserted
	checkSamples = "BAYESLICE_CHECK_SAMPLES" // number of samples
	checkSeed    = "BAYESLICE_CHECK_SEED"    // of the noise
	checkSheets  = "BAYESLICE_CHECK_PNG"     // a folder that gets one picture per model and exam
)

// What the bundled anatomy model must reach on each exam, against each zone mask.
const (
	leastWG, leastTZ, leastPZ = 0.80, 0.70, 0.50
	mostCentreMM              = 8.0
)

// realExam is a patient's exam with zone masks of others.
type realExam struct {
	name     string
	image    []string   // below the shared data: what is opened
	masks    [][]string // zones on the T2W grid
	tz, pz   uint8      // labels in the masks; 0 where they have none
	upright  bool       // false: the file has front and back confused, and is turned
	asserted bool
}

// realExams are those of the shared data that have a T2W image and zones on it. The masks of the first two
// are two networks' (picai_labels), which is as near to a reader as public zones come. Nothing is known of
// the third but its look: a large transition zone before an endorectal coil, in a file that says front is
// back, with a mask of about that zone. It is only shown.
var realExams = []realExam{
	{"ProstateX-0000", []string{"picai_prep", "ProstateX-0000"}, [][]string{
		{"picai_labels", "cases", "11373_1001396", "zones_HeviAI23_AI.nii.gz"},
		{"picai_labels", "cases", "11373_1001396", "zones_Yuan23_AI.nii.gz"},
	}, 2, 1, true, true},
	{"PI-CAI 10000", []string{"jiang-cw_PI-CAI_10000", "t2w.nii.gz"}, [][]string{
		{"jiang-cw_PI-CAI_10000", "derived", "zones_HeviAI23_AI.nii.gz"},
		{"jiang-cw_PI-CAI_10000", "derived", "zones_Yuan23_AI.nii.gz"},
	}, 2, 1, true, true},
	{"endorectal coil", []string{"autoradiomics", "nifti_prostate", "img.nii.gz"}, [][]string{
		{"autoradiomics", "nifti_prostate", "seg_one_label.nii.gz"},
	}, 1, 0, false, false},
}

func TestRealExams(t *testing.T) {
	library := BuiltIn()
	var list []string
	if named := os.Getenv(checkModels); named != "" {
		list = strings.Split(named, ",")
	}
	asserted := list == nil
	if asserted {
		best, ok := library.Best(modelcard.Anatomy)
		if !ok {
			t.Skipf("there is no bundled anatomy model; %s names others", checkModels)
		}
		list = []string{best.Name}
	}
	env, err := ort.Open(ort.Options{})
	if err != nil {
		testenv.SkipOrFail(t, "ort", err.Error())
	}
	for _, name := range list {
		m, err := library.Open(t.Context(), devices.New(env, devices.Options{}), name, devices.Use{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if m.Card().Task != modelcard.Anatomy {
			t.Logf("%s is a model of %s, and left out; the check is of anatomy", name, m.Card().Task)
		} else {
			for _, r := range realExams {
				t.Run(strings.TrimSuffix(filepath.Base(name), ".onnx")+"/"+r.name, func(t *testing.T) { r.judge(t, m, asserted && r.asserted) })
			}
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}

// judge samples a model on the exam and compares the zones with every mask. Two rows say what that is worth: a
// guess without an image, and the model where its grid is not centred near the gland.
func (r realExam) judge(t *testing.T, m *inference.Model, asserted bool) {
	e, err := exam.Open(t.Context(), r.path(t), exam.Options{})
	if err != nil {
		t.Fatal(err)
	}
	zones, prepared := zonesOf(t, m, e, nil)
	for _, i := range append(e.Issues, prepared.Issues...) {
		if i.Severity > exam.Note {
			t.Logf("%s: %s", i.Severity, i.Text)
		}
	}
	table := []string{fmt.Sprintf("%s (%s) on %s", m.Card().Name, m.SHA256()[:8], r.name), header}
	var masks []*volume.Mask
	for _, path := range r.masks {
		mask := r.zones(t, path)
		masks = append(masks, mask)
		row := compareZones(t, zones, mask)
		name := strings.TrimSuffix(filepath.Base(path[len(path)-1]), ".nii.gz")
		table = append(table, row.line("model : "+name))
		if asserted {
			row.demand(t, name)
		}
	}
	away := prepared.Grid.Centre()
	for a, mm := range moved {
		away = away.Add(prepared.Grid.Dir[a].Scale(mm))
	}
	elsewhere, _ := zonesOf(t, m, e, &away)
	table = append(table, compareZones(t, elsewhere, masks[0]).line("model, grid moved : mask 1"),
		compareZones(t, blindGuess(t, zones.Grid(), prepared.Grid.Centre()), masks[0]).line("blind guess : mask 1"),
		compareZones(t, blindGuess(t, zones.Grid(), away), masks[0]).line("blind guess, moved : mask 1"))
	for i := 1; i < len(masks); i++ {
		table = append(table, compareZones(t, masks[0], masks[i]).line(fmt.Sprintf("mask 1 : mask %d", i+1)))
	}
	t.Log(strings.Join(table, "\n"))
	if dir := os.Getenv(checkSheets); dir != "" {
		path := filepath.Join(dir, strings.ReplaceAll(strings.TrimPrefix(t.Name(), "TestRealExams/"), "/", "-")+".png")
		if err := writeContactSheet(t.Context(), path, table, e.Chosen(exam.T2W).Volume, zones, masks); err != nil {
			t.Fatal(err)
		}
		t.Log(path)
	}
}

// moved is how far the model's grid is put to the left, the back and the head to see whether the model looks for
// the gland, or knows that it is in the middle: 14 mm.
var moved = [3]float64{10, 8, 6}

// zonesOf is the mask that `bayeslice infer` writes as zones.nii.gz: 1 = TZ, 2 = PZ. centre is as of [prep.Options].
func zonesOf(t *testing.T, m *inference.Model, e *exam.Exam, centre *geom.Vec3) (*volume.Mask, *prep.Prepared) {
	prepared, err := m.Card().Recipe.Apply(t.Context(), e, prep.Options{Centre: centre})
	if err != nil {
		t.Fatal(err)
	}
	sampler := inference.Sampler{Model: m, Samples: checkNumber(t, checkSamples, 20), Seed: uint64(checkNumber(t, checkSeed, 1)), StoreBytes: -1, SnapshotEvery: time.Hour, Clock: time.Now}
	p, err := sampler.Run(t.Context(), prepared, nil)
	if err != nil {
		t.Fatal(err)
	}
	grid, ok := e.ReferenceGrid()
	if !ok {
		t.Fatal("the exam has no T2W image")
	}
	mean, err := prep.Probabilities(t.Context(), p.Mean, grid)
	if err != nil {
		t.Fatal(err)
	}
	zones, err := prep.ArgMax(mean)
	if err != nil {
		t.Fatal(err)
	}
	return zones, prepared
}

// path is what is opened: the exam's files, or a turned copy.
func (r realExam) path(t *testing.T) string {
	path := testenv.Data(t, r.image...)
	if r.upright {
		return path
	}
	image, err := imageio.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	v, err := volume.New(turned(t, image.Volumes[0].Grid()), image.Volumes[0].Data(), "")
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "t2w.nii.gz")
	if err := imageio.Write(path, v); err != nil {
		t.Fatal(err)
	}
	return path
}

// turned is the grid with its rows in the opposite direction, which turns what lies on it.
func turned(t *testing.T, g geom.Grid) geom.Grid {
	g.Dir[1] = g.Dir[1].Scale(-1)
	g, err := geom.NewGrid(g.Size, g.Origin, g.Spacing, g.Dir)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// checkNumber reads a whole number from the environment.
func checkNumber(t *testing.T, name string, otherwise int) int {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s is %q, not a number of 1 or more", name, text)
	}
	return n
}

// zones reads a mask with our labels.
func (r realExam) zones(t *testing.T, path []string) *volume.Mask {
	m, err := imageio.OpenMask(testenv.Data(t, path...))
	if err != nil {
		t.Fatal(err)
	}
	var to [256]uint8
	to[r.pz], to[r.tz], to[0] = 2, 1, 0
	labels := make([]uint8, len(m.Data()))
	for i, l := range m.Data() {
		labels[i] = to[l]
	}
	grid := m.Grid()
	if !r.upright {
		grid = turned(t, grid)
	}
	out, err := volume.NewMask(grid, labels)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// blindGuess is what somebody says who has not seen the image: a gland of 41 mL in the middle of the model's
// grid, its transition zone of 17 mL 4 mm further to the front. What a model has learnt is what it has over this.
func blindGuess(t *testing.T, grid geom.Grid, middle geom.Vec3) *volume.Mask {
	axes := grid.Anatomical().Dir // left, back, head
	half := geom.Vec3{25, 17.5, 22.5}
	const zone, forward = 0.75, 4.0
	labels := make([]uint8, grid.Voxels())
	for i := range labels {
		v := geom.Vec3{float64(i % grid.Size[0]), float64(i / grid.Size[0] % grid.Size[1]), float64(i / grid.Size[0] / grid.Size[1])}
		d, inGland, inZone := grid.World(v).Sub(middle), 0.0, 0.0
		for a := range 3 {
			x := d.Dot(axes[a])
			inGland += x * x / (half[a] * half[a])
			if a == 1 {
				x += forward
			}
			inZone += x * x / (zone * zone * half[a] * half[a])
		}
		switch {
		case inGland <= 1 && inZone <= 1:
			labels[i] = 1
		case inGland <= 1:
			labels[i] = 2
		}
	}
	m, err := volume.NewMask(grid, labels)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// comparison is what two segmentations of the zones have in common: WG, TZ, PZ.
type comparison struct {
	dice             [3]float64
	centreMM         [3]float64
	ml, mlOfTheOther [3]float64
}

const header = "                                    Dice WG   TZ    PZ    centre mm WG   TZ    PZ    volume mL WG           TZ           PZ"

func compareZones(t *testing.T, a, b *volume.Mask) comparison {
	if !a.Grid().SameAs(b.Grid(), 0.1) {
		t.Fatal("the mask does not lie on the image's grid")
	}
	var c comparison
	for z, classes := range [][]uint8{{1, 2}, {1}, {2}} {
		var err error
		if c.dice[z], err = metrics.HardDice(a.Data(), b.Data(), classes...); err != nil {
			t.Fatal(err)
		}
		c.centreMM[z], err = metrics.CentreDistance(a, b, classes...)
		if errors.Is(err, metrics.ErrUndefined) {
			c.centreMM[z] = math.Inf(1)
		} else if err != nil {
			t.Fatal(err)
		}
		c.ml[z], c.mlOfTheOther[z] = a.Region(classes...).ML, b.Region(classes...).ML
	}
	return c
}

// line writes the comparison under [header].
func (c comparison) line(name string) string {
	text := fmt.Sprintf("%-36s  %.3f %.3f %.3f        %5.1f %5.1f %5.1f ", name, c.dice[0], c.dice[1], c.dice[2], c.centreMM[0], c.centreMM[1], c.centreMM[2])
	for z := range c.ml {
		text += fmt.Sprintf("  %5.1f:%5.1f", c.ml[z], c.mlOfTheOther[z])
	}
	return text
}

// demand holds the comparison to what is promised of the bundled model.
func (c comparison) demand(t *testing.T, mask string) {
	for z, least := range [3]float64{leastWG, leastTZ, leastPZ} {
		if !(c.dice[z] >= least) {
			t.Errorf("Dice of %s against %s is %.3f, promised are %.2f", [...]string{"WG", "TZ", "PZ"}[z], mask, c.dice[z], least)
		}
	}
	if !(c.centreMM[0] <= mostCentreMM) {
		t.Errorf("the gland's centre is %.1f mm from that of %s, promised are %g", c.centreMM[0], mask, mostCentreMM)
	}
}
