package dicomout

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/suyashkumar/dicom"
	"github.com/suyashkumar/dicom/pkg/tag"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// ramp is a small oblique volume whose voxels all differ.
func ramp(t *testing.T) *volume.Volume {
	t.Helper()
	s, c := math.Sincos(0.3)
	g, err := geom.NewGrid([3]int{5, 3, 2}, geom.Vec3{-12.25, 3.5, 7}, geom.Vec3{0.5, 0.75, 3.3},
		[3]geom.Vec3{{1, 0, 0}, {0, c, -s}, {0, s, c}})
	if err != nil {
		t.Fatal(err)
	}
	data := make([]float32, g.Voxels())
	for i := range data {
		data[i] = float32(i * 2184) // up to 63336
	}
	v, err := volume.New(g, data, "")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func study() Study {
	return Study{Key: "k", PatientName: "PHANTOM^SYNTHETIC", PatientID: "SYNTHETIC-1", PatientSex: "M", Manufacturer: "m", Qualification: "RESEARCH"}
}

func series() Series {
	return Series{Number: 7, Description: "d", ImageType: []string{"ORIGINAL", "PRIMARY"}, Scanning: "EP", Variant: "SK", Acquisition: "2D",
		TR: 4800, TE: 68, HasB: true, B: 800, FirstInstance: 11, Unit: Unit{Code: "um2/s", Meaning: "m", Label: "ADC"}}
}

func text(t *testing.T, ds dicom.Dataset, tg tag.Tag) string {
	t.Helper()
	e, err := ds.FindElementByTag(tg)
	if err != nil {
		t.Fatalf("%v: %v", tg, err)
	}
	return strings.Trim(fmt.Sprint(e.Value.GetValue()), "[]")
}

func TestWrittenSliceHoldsGeometryAndPixels(t *testing.T) {
	dir, v := t.TempDir(), ramp(t)
	if err := WriteSeries(t.Context(), dir, study(), series(), v); err != nil {
		t.Fatal(err)
	}
	ds, err := dicom.ParseFile(filepath.Join(dir, "IM00012.dcm"), nil)
	if err != nil {
		t.Fatal(err)
	}
	// Slice 1 lies 3.3 mm along (0, sin 0.3, cos 0.3) from (−12.25, 3.5, 7).
	for tg, want := range map[tag.Tag]string{
		tag.Rows: "3", tag.Columns: "5", tag.PixelSpacing: "0.75 0.5", tag.SliceThickness: "3.3", tag.SpacingBetweenSlices: "3.3",
		tag.DiffusionBValue: "800", tag.InstanceNumber: "12", tag.SeriesNumber: "7", tag.Modality: "MR", tag.ContentQualification: "RESEARCH",
		tag.SOPClassUID: mrImageStorage, tag.ImageType: "ORIGINAL PRIMARY", tag.RepetitionTime: "4800", tag.StudyDate: "",
	} {
		if got := text(t, ds, tg); got != want {
			t.Errorf("%v = %q, want %q", tg, got, want)
		}
	}
	position := strings.Fields(text(t, ds, tag.ImagePositionPatient))
	for i, want := range []float64{-12.25, 3.5 + 3.3*math.Sin(0.3), 7 + 3.3*math.Cos(0.3)} {
		if got, err := strconv.ParseFloat(position[i], 64); err != nil || math.Abs(got-want) > 1e-10 {
			t.Errorf("position %d = %s, want %.12f", i, position[i], want)
		}
	}
	e, err := ds.FindElementByTag(tag.PixelData)
	if err != nil {
		t.Fatal(err)
	}
	frame, err := dicom.MustGetPixelDataInfo(e.Value).Frames[0].GetNativeFrame()
	if err != nil {
		t.Fatal(err)
	}
	for j := range 3 {
		for i := range 5 {
			if p, err := frame.GetPixel(i, j); err != nil || float32(p[0]) != v.At(i, j, 1) {
				t.Errorf("pixel (%d, %d) = %v, %v, want %g", i, j, p, err, v.At(i, j, 1))
			}
		}
	}
}

func TestUIDsTellStudiesSeriesAndImagesApart(t *testing.T) {
	seen := map[string]bool{}
	for _, u := range []string{study().uid(), Study{Key: "l"}.uid(), study().seriesUID(1), study().seriesUID(11), study().instanceUID(1, 1),
		study().instanceUID(1, 11), study().instanceUID(11, 1), UID("a", "b"), UID("ab")} {
		if seen[u] {
			t.Errorf("UID %s given twice", u)
		}
		seen[u] = true
		rest, ok := strings.CutPrefix(u, "2.25.")
		if !ok || len(u) > 64 || strings.HasPrefix(rest, "0") || strings.Trim(rest, "0123456789") != "" {
			t.Errorf("%s is no DICOM UID", u)
		}
	}
}

func TestDecimalKeepsWhatSixteenBytesHold(t *testing.T) {
	for in, want := range map[float64]string{0: "0", 0.5625: "0.5625", -130.626441: "-130.626441", 1.0 / 3: "0.33333333333333", -1.0 / 3: "-0.3333333333333",
		1e-12 / 3: "3.3333333333e-13", 42.577478518 * 3: "127.732435554"} {
		got := Decimal(in)
		back, err := strconv.ParseFloat(got, 64)
		if len(got) > 16 || err != nil || math.Abs(back-in) > 1e-9*math.Abs(in) || got != want {
			t.Errorf("Decimal(%v) = %q (%d bytes), want %q", in, got, len(got), want)
		}
	}
}

func TestValuesThatDoNotFitAreRefused(t *testing.T) {
	g := ramp(t).Grid()
	for name, bad := range map[string]float32{"fraction": 0.5, "negative": -1, "large": 65536, "NaN": float32(math.NaN()), "infinite": float32(math.Inf(1))} {
		data := make([]float32, g.Voxels())
		data[7] = bad
		v, err := volume.New(g, data, "")
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := WriteSeries(t.Context(), dir, study(), series(), v); !errors.Is(err, ErrValue) {
			t.Errorf("%s: error = %v, want ErrValue", name, err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s: files left: %v, %v", name, left, err)
		}
	}
	half := series()
	half.Slope = 0.5
	pixels, err := encode([]float32{0, 0.5, 3}, half.Slope)
	if err != nil || string(pixels) != "\x00\x00\x01\x00\x06\x00" {
		t.Errorf("with slope 0.5: %v, %v", pixels, err)
	}
}

func TestFailuresAreSentences(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := WriteSeries(t.Context(), filepath.Join(file, "sub"), study(), series(), ramp(t)); err == nil || !strings.Contains(err.Error(), "cannot be made") {
		t.Errorf("a file in the way: %v", err)
	}
	taken := t.TempDir()
	if err := os.MkdirAll(filepath.Join(taken, "IM00011.dcm"), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := WriteSeries(t.Context(), taken, study(), series(), ramp(t)); err == nil || !strings.Contains(err.Error(), "cannot write") {
		t.Errorf("a folder in the place of a file: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := WriteSeries(ctx, t.TempDir(), study(), series(), ramp(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
