package imageio

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/testenv"
	"bayeslice/internal/volume"
)

// ramp is the analytic phantom of the conformance test: an oblique, left-handed lattice whose voxels
// hold 0.5·x + 2·y − 0.25·z of their own world position, so that a value tells where it is from.
func ramp(t *testing.T) *volume.Volume {
	t.Helper()
	a, b := 18.5*math.Pi/180, 7*math.Pi/180
	x := geom.Vec3{math.Cos(b), math.Sin(b), 0}
	y := geom.Vec3{-math.Sin(b) * math.Cos(a), math.Cos(b) * math.Cos(a), -math.Sin(a)}
	g, err := geom.NewGrid([3]int{13, 11, 5}, geom.Vec3{-83.2366, -113.287, 69.9675}, geom.Vec3{0.5, 0.625, 3.6}, [3]geom.Vec3{x, y, y.Cross(x)})
	if err != nil {
		t.Fatal(err)
	}
	data := make([]float32, 0, g.Voxels())
	for k := range g.Size[2] {
		for j := range g.Size[1] {
			for i := range g.Size[0] {
				data = append(data, float32(at(g.World(geom.Vec3{float64(i), float64(j), float64(k)}))))
			}
		}
	}
	v, err := volume.New(g, data, "")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func at(world geom.Vec3) float64 { return 0.5*world[0] + 2*world[1] - 0.25*world[2] }

func TestEveryFormatKeepsVoxelsAndPlaces(t *testing.T) {
	want := ramp(t)
	dir := t.TempDir()
	for name, format := range map[string]string{"a.nii": "NIfTI-1", "b.nii.gz": "NIfTI-1", "c.mha": "MetaImage", "d.mhd": "MetaImage", "E.NII.GZ": "NIfTI-1", "F.MHA": "MetaImage"} {
		path := filepath.Join(dir, name)
		if err := Write(path, want); err != nil {
			t.Fatal(err)
		}
		img, err := Open(path)
		if err != nil || img.Format != format || len(img.Volumes) != 1 || len(img.Warnings) != 0 {
			t.Fatalf("%s: %+v, %v", name, img, err)
		}
		v := img.Volumes[0]
		if !v.Grid().SameAs(want.Grid(), 1e-4) {
			t.Errorf("%s: grid %+v, want %+v", name, v.Grid(), want.Grid())
		}
		s := v.Sampler(volume.Linear)
		for i, x := range v.Data() {
			if x != want.Data()[i] {
				t.Fatalf("%s: voxel %d is %g, want %g", name, i, x, want.Data()[i])
			}
		}
		// Between the voxels, the file's own grid must lead to the same place in the patient.
		for _, voxel := range []geom.Vec3{{0.5, 0.25, 0.75}, {11.5, 9.5, 3.5}, {6.1, 5.2, 2.3}} {
			p := want.Grid().World(voxel)
			if x, inside := s.At(p); !inside || math.Abs(float64(x)-at(p)) > 1e-3 {
				t.Errorf("%s: %g at %v, want %g", name, x, p, at(p))
			}
		}
	}
}

func TestMasksKeepLabels(t *testing.T) {
	g := ramp(t).Grid()
	labels := make([]uint8, g.Voxels())
	for i := range labels {
		labels[i] = uint8(i)
	}
	want, err := volume.NewMask(g, labels)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a.nii", "a.nii.gz", "a.mha", "a.mhd"} {
		path := filepath.Join(t.TempDir(), name)
		if err := WriteMask(path, want); err != nil {
			t.Fatal(err)
		}
		m, err := OpenMask(path)
		if err != nil || !bytes.Equal(m.Data(), labels) || !m.Grid().SameAs(g, 1e-4) {
			t.Errorf("%s: read back otherwise than written, %v", name, err)
		}
	}
}

func TestOpenMaskRefusesOtherImages(t *testing.T) {
	g := ramp(t).Grid()
	for name, value := range map[string]float32{"fraction": 0.5, "negative": -1, "large": 256, "not finite": float32(math.NaN())} {
		data := make([]float32, g.Voxels())
		data[7] = value
		v, err := volume.New(g, data, "")
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "a.nii.gz")
		if err := Write(path, v); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenMask(path); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "probability map") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := OpenMask(testenv.Data(t, "nibabel", "functional.nii")); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "20 frames") {
		t.Errorf("frames: %v", err)
	}
}

func TestOpenGoesByContentBeforeName(t *testing.T) {
	want := ramp(t)
	dir := t.TempDir()
	for wrong, right := range map[string]string{"nifti.mha": "a.nii", "metaimage.nii": "b.mha", "plain.nii.gz": "c.nii", "gzip.nii": "d.nii.gz", "no extension": "e.nii.gz"} {
		if err := Write(filepath.Join(dir, right), want); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, right), filepath.Join(dir, wrong)); err != nil {
			t.Fatal(err)
		}
		img, err := Open(filepath.Join(dir, wrong))
		if err != nil || img.Volumes[0].Data()[5] != want.Data()[5] {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}

func TestOpenRefusesWithAReason(t *testing.T) {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := w.Write([]byte("NDims = 3\nElementDataFile = LOCAL\n")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	dicom := append(make([]byte, 128), "DICM...."...)
	for _, c := range []struct {
		name string
		raw  []byte
		want error
		says string
	}{
		{"a.nii", nil, ErrTruncated, "ends within its header"},
		{"a.mha", nil, ErrTruncated, "without ElementDataFile"},
		{"a", nil, ErrTruncated, "is empty"},
		{"a.txt", []byte("hello"), ErrFormat, "neither NIfTI"},
		{"a.dcm", dicom, ErrUnsupported, "open the folder"},
		{"a.nrrd", []byte("NRRD0004\n"), ErrFormat, "no type"},
		{"a.zip", []byte("PK\x03\x04...."), ErrUnsupported, "ZIP"},
		{"a.png", []byte("\x89PNG\r\n"), ErrUnsupported, "picture"},
		{"a.jpg", []byte("\xff\xd8\xff\xe0"), ErrUnsupported, "picture"},
		{"a.mha.gz", z.Bytes(), ErrUnsupported, "decompress it first"},
		{"a.nii.gz", []byte("\x1f\x8bbad"), ErrFormat, "gzip"},
		{"a.img", []byte("voxels"), ErrFormat, "half of a pair"},
	} {
		path := filepath.Join(t.TempDir(), c.name)
		if err := os.WriteFile(path, c.raw, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v; want %v with %q", c.name, err, c.want, c.says)
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none.nii")); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("missing: %v", err)
	}
	if err := Write(filepath.Join(t.TempDir(), "a.jpg"), ramp(t)); !errors.Is(err, ErrUnsupported) {
		t.Errorf("Write: %v", err)
	}
}

// Zones (PZ 1, TZ 2) by two methods and the expert's lesion of a real exam, on one grid.
func TestOpenMaskOnRealMasks(t *testing.T) {
	dir := testenv.Data(t, "picai_labels", "cases", "11373_1001396")
	var first geom.Grid
	for i, c := range []struct {
		name     string
		labels   int
		low, top float64 // plausible volume, mL
	}{
		{"zones_Yuan23_AI.nii.gz", 2, 15, 150}, {"zones_HeviAI23_AI.nii.gz", 2, 15, 150},
		{"whole_gland_Guerbet23_AI.nii.gz", 1, 15, 150}, {"lesion_expert_resampled.nii.gz", 1, 0.02, 20},
	} {
		m, err := OpenMask(filepath.Join(dir, c.name))
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = m.Grid()
		}
		r := m.Region()
		if len(m.Labels()) != c.labels || r.ML < c.low || r.ML > c.top || !m.Grid().SameAs(first, 0.2) {
			t.Errorf("%s: labels %v, %g mL, grid %+v", c.name, m.Labels(), r.ML, m.Grid())
		}
	}
}
