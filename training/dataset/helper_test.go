package dataset

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/phantom"
	"bayeslice/internal/prep"
	"bayeslice/internal/volume"
	"bayeslice/training"
)

// smallRecipe prepares examples of 12 × 12 × 6 voxels.
func smallRecipe(task modelcard.Task) prep.Recipe {
	r := prep.PaperRecipe(task == modelcard.Diagnosis)
	r.SpacingMM, r.Size = geom.Vec3{3.07, 3.07, 4}, [3]int{12, 12, 6} // no voxel centre half-way between two of the image
	return r
}

// testGrid is an oblique grid of 48 × 48 × 8 voxels, with pixels as small as those of T2W images.
func testGrid(t *testing.T) geom.Grid {
	t.Helper()
	s, c := math.Sincos(18.5 * math.Pi / 180)
	g, err := geom.NewGrid([3]int{48, 48, 8}, geom.Vec3{-23, -27, 9}, geom.Vec3{0.9, 0.9, 4}, [3]geom.Vec3{{1, 0, 0}, {0, c, s}, {0, -s, c}})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// image makes values of a usual T2W or ADC level, different for each seed.
func image(t *testing.T, g geom.Grid, seed uint64) *volume.Volume {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	data := make([]float32, g.Voxels())
	for i := range data {
		data[i] = float32(1000 + rng.IntN(500))
	}
	return mustVolume(t, g, data)
}

func mustVolume(t *testing.T, g geom.Grid, data []float32) *volume.Volume {
	t.Helper()
	v, err := volume.New(g, data, "")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// zones makes a mask with the value outer in a ball and inner in a smaller one, in the middle.
func zones(t *testing.T, g geom.Grid, inner, outer uint8) *volume.Mask {
	t.Helper()
	data := make([]uint8, g.Voxels())
	for k := range g.Size[2] {
		for j := range g.Size[1] {
			for i := range g.Size[0] {
				switch r := g.World(geom.Vec3{float64(i), float64(j), float64(k)}).Sub(g.Centre()).Norm(); {
				case r < 6:
					data[g.Index(i, j, k)] = inner
				case r < 12:
					data[g.Index(i, j, k)] = outer
				}
			}
		}
	}
	m, err := volume.NewMask(g, data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func save(t *testing.T, v *volume.Volume, elem ...string) {
	t.Helper()
	path := filepath.Join(elem...)
	makeFolder(t, filepath.Dir(path))
	if err := imageio.Write(path, v); err != nil {
		t.Fatal(err)
	}
}

func saveMask(t *testing.T, m *volume.Mask, elem ...string) {
	t.Helper()
	path := filepath.Join(elem...)
	makeFolder(t, filepath.Dir(path))
	if err := imageio.WriteMask(path, m); err != nil {
		t.Fatal(err)
	}
}

func saveText(t *testing.T, text string, elem ...string) {
	t.Helper()
	path := filepath.Join(elem...)
	makeFolder(t, filepath.Dir(path))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func makeFolder(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
}

const anatomyV2 = `{"channel_names": {"0": "T2W"}, "labels": {"background": 0, "TZ": 1, "PZ": 2}, "numTraining": 6, "file_ending": ".nii.gz"}`

const diagnosisV2 = `{"channel_names": {"0": "T2W", "1": "ADC", "2": "HBV"}, "labels": {"background": 0, "csPCa": 1}, "numTraining": 6, "file_ending": ".mha"}`

// writeAnatomy writes an nnU-Net dataset of T2W images and zone labels.
func writeAnatomy(t *testing.T, root string, cases ...string) {
	t.Helper()
	g := testGrid(t)
	saveText(t, anatomyV2, root, "dataset.json")
	for n, name := range cases {
		save(t, image(t, g, uint64(n+1)), root, "imagesTr", name+"_0000.nii.gz")
		saveMask(t, zones(t, g, 1, 2), root, "labelsTr", name+".nii.gz")
	}
}

// writeDiagnosis writes one of three channels; every second case has cancer.
func writeDiagnosis(t *testing.T, root string, cases ...string) {
	t.Helper()
	g := testGrid(t)
	saveText(t, diagnosisV2, root, "dataset.json")
	for n, name := range cases {
		for c, ending := range []string{"_0000.mha", "_0001.mha", "_0002.mha"} {
			save(t, image(t, g, uint64(10*n+c+1)), root, "imagesTr", name+ending)
		}
		saveMask(t, zones(t, g, uint8((n+1)%2), 0), root, "labelsTr", name+".mha")
	}
}

// options are those of a test: three folds, a cache of its own.
func options(t *testing.T, task modelcard.Task, path string) Options {
	t.Helper()
	return Options{Path: path, Task: task, Recipe: smallRecipe(task), Cache: t.TempDir(), Folds: 3, Runs: 2, SplitSeed: 1}
}

func open(t *testing.T, o Options) *Dataset {
	t.Helper()
	d, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// refused opens data that cannot be used and checks the kind of the error and what its text holds.
func refused(t *testing.T, o Options, kind error, words ...string) {
	t.Helper()
	_, err := Open(context.Background(), o)
	if !errors.Is(err, kind) {
		t.Fatalf("error = %v, want %v", err, kind)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}

// every returns the examples of all exams by name.
func every(t *testing.T, d *Dataset) map[string]*training.Example {
	t.Helper()
	out := map[string]*training.Example{}
	for f := range d.Splits().Folds {
		data, err := d.Fold(0, f, 1, training.Augmentation{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range data.Validation.Len() {
			x, err := data.Validation.Example(context.Background(), i)
			if err != nil {
				t.Fatal(err)
			}
			out[x.Exam] = x
		}
	}
	return out
}

// tinyPhantom is the configuration of a phantom that is made in a moment.
func tinyPhantom(seed uint64) phantom.Config {
	cfg := phantom.DefaultConfig(seed)
	cfg.Lesions, cfg.SubSamples, cfg.SubSamplesDiff = 1, 1, 1
	cfg.TiltDegrees = phantom.Range{Min: 10, Max: 10}
	cfg.VolumeML = phantom.Range{Min: 60, Max: 60}
	cfg.T2W = phantom.Protocol{Columns: 88, Rows: 88, Slices: 14, PixelMM: 0.95, SliceMM: 5}
	cfg.DWI = phantom.Protocol{Columns: 40, Rows: 40, Slices: 14, PixelMM: 3, SliceMM: 5}
	return cfg
}

// mustMask returns a mask of the same grid with other values.
func mustMask(t *testing.T, m *volume.Mask, data []uint8) *volume.Mask {
	t.Helper()
	out, err := volume.NewMask(m.Grid(), data)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
