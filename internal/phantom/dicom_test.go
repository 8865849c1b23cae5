package phantom_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"bayeslice/internal/exam"
	"bayeslice/internal/imageio"
	"bayeslice/internal/phantom"
	"bayeslice/internal/volume"
)

func written(t *testing.T, change func(*phantom.Config)) (*phantom.Exam, string) {
	t.Helper()
	c := phantom.DefaultConfig(21)
	c.T2W = phantom.Protocol{Columns: 160, Rows: 150, Slices: 8, PixelMM: 0.6, SliceMM: 3}
	c.DWI = phantom.Protocol{Columns: 64, Rows: 56, Slices: 8, PixelMM: 2, SliceMM: 3}
	c.SubSamples, c.SubSamplesDiff = 1, 1
	if change != nil {
		change(&c)
	}
	e, err := phantom.Generate(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "study")
	if err := e.WriteDICOM(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	return e, dir
}

func same(t *testing.T, what string, got, want *volume.Volume) {
	t.Helper()
	if !got.Grid().SameAs(want.Grid(), 1e-6) {
		t.Errorf("%s: grid %+v, want %+v", what, got.Grid(), want.Grid())
	}
	if !slices.Equal(got.Data(), want.Data()) {
		t.Errorf("%s: voxels differ", what)
	}
}

func TestWrittenExamOpensUnchanged(t *testing.T) {
	e, dir := written(t, nil)
	got, err := exam.Open(t.Context(), dir, exam.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !got.Synthetic {
		t.Error("the exam does not say that it is synthetic")
	}
	for _, i := range got.Issues {
		if i.Severity > exam.Note {
			t.Errorf("issue %s: %s", i.Code, i.Text)
		}
	}
	for role, want := range map[exam.Role]*volume.Volume{exam.T2W: e.T2W, exam.ADC: e.ADC, exam.HighB: e.HighB.Volume} {
		s := got.Chosen(role)
		if s == nil {
			t.Fatalf("no series is the %v", role)
		}
		if !s.Synthetic {
			t.Errorf("%v does not say that it is synthetic", role)
		}
		same(t, role.String(), s.Volume, want)
	}
	if h := got.Chosen(exam.HighB); h.B != 1400 || !h.Calculated {
		t.Errorf("high-b image: b = %g, calculated %v", h.B, h.Calculated)
	}
	acquired := 0
	for _, s := range got.Series {
		for _, d := range e.DWI {
			if s.HasB && s.B == d.B && !s.Calculated && s != got.Chosen(exam.ADC) {
				acquired++
				same(t, s.Description, s.Volume, d.Volume)
			}
		}
	}
	if acquired != len(e.DWI) {
		t.Errorf("%d acquired b-values found, want %d", acquired, len(e.DWI))
	}
}

func TestAcquiredHighBIsFoundAmongTheDiffusionImages(t *testing.T) {
	e, dir := written(t, func(c *phantom.Config) { c.BValues, c.HighB = []float64{0, 500, 1500}, 1500 })
	got, err := exam.Open(t.Context(), dir, exam.Options{})
	if err != nil {
		t.Fatal(err)
	}
	h := got.Chosen(exam.HighB)
	if h == nil || h.B != 1500 || h.Calculated {
		t.Fatalf("high-b image: %+v", h)
	}
	same(t, "high-b", h.Volume, e.HighB.Volume)
}

func TestLabelsOpenUnchanged(t *testing.T) {
	e, dir := written(t, func(c *phantom.Config) { c.Lesions = 1; c.T2W.Slices = 22 })
	if err := e.WriteLabels(dir); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]*volume.Mask{"zones.nii.gz": e.Labels.Zones, "lesions.nii.gz": e.Labels.Lesions} {
		got, err := imageio.OpenMask(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if !got.Grid().SameAs(want.Grid(), 1e-3) || !slices.Equal(got.Data(), want.Data()) {
			t.Errorf("%s changed on its way through the file", name)
		}
	}
}

func TestWritingTwiceGivesTheSameFiles(t *testing.T) {
	e, dir := written(t, nil)
	again := t.TempDir()
	if err := e.WriteDICOM(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join("t2_tse_tra", "IM00003.dcm")
	a, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(again, name))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(a, b) {
		t.Error("the same exam written twice differs")
	}
}

func TestAnExamNeedsAFolderOfItsOwn(t *testing.T) {
	e, dir := written(t, nil)
	if err := e.WriteDICOM(t.Context(), dir); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("writing over another exam: error = %v, want ErrExist", err)
	}
	foreign := []string{filepath.Join(dir, "t2_tse_tra", "IM90000.dcm"), filepath.Join(dir, "t2_tse_tra", "notes.txt"), filepath.Join(dir, "IM00001.dcm")}
	for _, path := range foreign {
		if err := os.WriteFile(path, []byte("another scanner's"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := phantom.ClearDICOM(dir); err != nil {
		t.Fatal(err)
	}
	for _, path := range foreign {
		if _, err := os.Stat(path); err != nil {
			t.Errorf("a file that is not the phantom's was removed: %v", err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("%v left (%v), want the T2W folder and the foreign file", entries, err)
	}
	if err := e.WriteDICOM(t.Context(), dir); !errors.Is(err, fs.ErrExist) {
		t.Errorf("writing among foreign files: error = %v, want ErrExist", err)
	}
	for _, path := range foreign {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	if err := phantom.ClearDICOM(dir); err != nil {
		t.Fatal(err)
	}
	if err := e.WriteDICOM(t.Context(), dir); err != nil {
		t.Errorf("writing into the cleared folder: %v", err)
	}
	if err := phantom.ClearDICOM(filepath.Join(dir, "nowhere")); err != nil {
		t.Errorf("a folder that does not exist: %v", err)
	}
}
