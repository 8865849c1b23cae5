package nifti

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio/codec"
	"bayeslice/internal/testenv"
	"bayeslice/internal/volume"
)

// facts is what testdata/golden.py found with nibabel.
type facts struct {
	Size          [3]int
	Frames        int
	Affine        [3][4]float64 // LPS mm
	Tolerance     float64       // of the grid, mm
	Sum, Weighted float64
	Min, Max      float64
	At            []int
	Values        []float64
}

func readJSON(t *testing.T, name string, into any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatal(err)
	}
}

// check compares volumes with what nibabel read from the same file.
func (f facts) check(volumes []*volume.Volume) error {
	if len(volumes) != f.Frames {
		return fmt.Errorf("%d frames, nibabel %d", len(volumes), f.Frames)
	}
	want, err := geom.GridFromAffine(f.Size, f.Affine)
	if err != nil {
		return err
	}
	var all []float32
	for _, v := range volumes {
		if !v.Grid().SameAs(want, f.Tolerance) {
			return fmt.Errorf("grid %+v, nibabel %+v", v.Grid(), want)
		}
		all = append(all, v.Data()...)
	}
	sum, weighted, low, high := 0.0, 0.0, math.Inf(1), math.Inf(-1)
	for i, x := range all {
		v := float64(x)
		sum += v
		weighted += v * float64(i%101)
		low, high = min(low, v), max(high, v)
	}
	near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Max(1, math.Abs(b)) }
	if !near(sum, f.Sum) || !near(weighted, f.Weighted) || !near(low, f.Min) || !near(high, f.Max) {
		return fmt.Errorf("sum %g weighted %g range %g…%g, nibabel %g %g %g…%g", sum, weighted, low, high, f.Sum, f.Weighted, f.Min, f.Max)
	}
	for n, at := range f.At {
		if !near(float64(all[at]), f.Values[n]) {
			return fmt.Errorf("voxel %d is %g, nibabel %g", at, all[at], f.Values[n])
		}
	}
	return nil
}

func TestOpenAgreesWithNibabelOnRealFiles(t *testing.T) {
	var want map[string]facts
	readJSON(t, "golden.json", &want)
	root := testenv.Data(t)
	for name, f := range want {
		path := filepath.Join(root, filepath.FromSlash(name))
		if _, err := os.Stat(path); err != nil {
			t.Errorf("the test data lack %s", name)
			continue
		}
		volumes, info, err := Open(path)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := f.check(volumes); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, w := range info.Warnings {
			if name != "nibabel/resampled_anat_moved.nii" { // it holds NaN beyond the edge of its source
				t.Errorf("%s: warning on a sound file: %s", name, w)
			}
		}
	}
}

// fixture returns the bytes of a file that nibabel wrote.
func fixture(t testing.TB, name string) ([]byte, facts) {
	t.Helper()
	var all map[string]struct {
		Facts facts
		File  string
	}
	b, err := os.ReadFile("testdata/fixtures.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	packed, err := base64.StdEncoding.DecodeString(all[name].File)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatalf("fixture %q: %v", name, err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return raw, all[name].Facts
}

func decode(raw []byte) ([]*volume.Volume, codec.Info, error) {
	return read(bytes.NewReader(raw), int64(len(raw)), func() (io.ReadCloser, int64, error) {
		return nil, 0, codec.ErrFormat
	})
}

func TestReadAgreesWithNibabelOnEveryProperty(t *testing.T) {
	var names map[string]json.RawMessage
	readJSON(t, "fixtures.json", &names)
	if len(names) != 31 {
		t.Errorf("%d fixtures, want 31", len(names))
	}
	for name := range names {
		raw, f := fixture(t, name)
		volumes, info, err := decode(raw)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := f.check(volumes); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if len(info.Warnings) != 0 {
			t.Errorf("%s: warnings %q", name, info.Warnings)
		}
	}
}

// Both files of a pair lead to the same image; nibabel's single file is split for it.
func TestOpenReadsPairs(t *testing.T) {
	raw, f := fixture(t, "int16 little")
	dir := t.TempDir()
	head := bytes.Clone(raw[:headerSize1])
	copy(head[344:], "ni1\x00")
	copy(head[108:112], []byte{0, 0, 0, 0}) // vox_offset
	for name, b := range map[string][]byte{"scan.hdr": head, "scan.img": raw[352:]} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"scan.hdr", "scan.img"} {
		volumes, _, err := Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := f.check(volumes); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.Remove(filepath.Join(dir, "scan.img")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(filepath.Join(dir, "scan.hdr")); err == nil {
		t.Error("a header without its voxels was read")
	}
}
