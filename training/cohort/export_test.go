package cohort_test

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bayeslice/internal/imageio"
	"bayeslice/internal/imageio/nifti"
	"bayeslice/internal/modelcard"
	"bayeslice/training/cohort"
)

func TestExportWritesWhatIsLearntFrom(t *testing.T) {
	ctx, dir, c := context.Background(), t.TempDir(), ofReaders()
	c.Cache, c.Exams, c.Folds, c.Fold = filepath.Join(dir, "cache"), 2, 2, 0
	n := need(t, modelcard.Diagnosis)
	out := filepath.Join(dir, "out")
	if err := cohort.Export(ctx, c, n.Recipe, out, nil); err != nil {
		t.Fatal(err)
	}
	o, err := cohort.Open(ctx, c, n, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"exam-0000", "exam-0001"} {
		want, err := o.Readings.Example(ctx, i)
		if err != nil {
			t.Fatal(err)
		}
		m, err := imageio.OpenMask(filepath.Join(out, cohort.ExportLesions, name+".nii.gz"))
		if err != nil || !slices.Equal(m.Data(), want.Label) {
			t.Errorf("%s: another label was written (%v)", name, err)
		}
		voxels := len(want.Label)
		for ch, file := range []string{"t2w", "hbv", "adc"} {
			list, _, err := nifti.Open(filepath.Join(out, cohort.ExportExams, name, file+"_synthetic.nii.gz"))
			if err != nil {
				t.Fatal(err)
			}
			scale, shift := 80.0, 400.0
			if file == "adc" {
				scale, shift = 3000, 0
			}
			for at, v := range list[0].Data() {
				if math.Abs((float64(v)-shift)/scale-float64(want.Image.F32[ch*voxels+at])) > 1e-4 {
					t.Fatalf("%s: %s voxel %d is %g, of normalised %g", name, file, at, v, want.Image.F32[ch*voxels+at])
				}
			}
		}
		frequency, _, err := nifti.Open(filepath.Join(out, cohort.ExportFrequency, "lesions", name+"_probability_cspca.nii.gz"))
		if err != nil {
			t.Fatal(err)
		}
		f, err := o.Readings.Frequency(ctx, i, c.Readers)
		if err != nil || !slices.Equal(frequency[0].Data(), f[voxels:]) {
			t.Errorf("%s: other frequencies were written (%v)", name, err)
		}
	}
	table, err := os.ReadFile(filepath.Join(out, cohort.ExportTable))
	if err != nil || strings.Count(string(table), "\n") != 3 {
		t.Errorf("table %q (%v)", table, err)
	}
	if err := cohort.Export(ctx, ofPhantoms(), n.Recipe, out, nil); !errors.Is(err, cohort.ErrChoice) {
		t.Errorf("phantoms were written: %v", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	if err := cohort.Export(ctx, c, n.Recipe, out, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("after cancellation: %v", err)
	}
}
