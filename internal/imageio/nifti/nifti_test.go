package nifti

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio/codec"
	"bayeslice/internal/testenv"
	"bayeslice/internal/volume"
)

// patch returns raw with some bytes replaced.
func patch(raw []byte, at int, b ...byte) []byte {
	raw = bytes.Clone(raw)
	copy(raw[at:], b)
	return raw
}

func f32(x float64) []byte {
	return binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(x)))
}

func packed(t testing.TB, raw []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReadRefusesWithAReason(t *testing.T) {
	raw, _ := fixture(t, "int16 little")
	sound, _ := fixture(t, "sform only")
	two, _ := fixture(t, "nifti2")
	z := packed(t, raw)
	damaged := bytes.Clone(z)
	damaged[len(z)-6] ^= 0xff // within the checksum
	for _, c := range []struct {
		name string
		raw  []byte
		want error
		says string
	}{
		{"empty", nil, codec.ErrTruncated, "ends within its header"},
		{"short header", raw[:200], codec.ErrTruncated, "ends within its header"},
		{"text", bytes.Repeat([]byte("hello "), 100), codec.ErrFormat, "does not begin as NIfTI"},
		{"analyze", patch(raw, 344, 0, 0, 0, 0), codec.ErrUnsupported, "Analyze 7.5"},
		{"short nifti2", two[:400], codec.ErrTruncated, "ends within its header"},
		{"nifti2 as text", patch(two, 8, '\n'), codec.ErrFormat, "binary mode"},
		{"nifti2 magic", patch(two, 4, 'x'), codec.ErrFormat, "magic"},
		{"RGB", patch(raw, 70, 128, 0), codec.ErrUnsupported, "RGB"},
		{"complex", patch(raw, 70, 32, 0), codec.ErrUnsupported, "complex"},
		{"unknown type", patch(raw, 70, 77, 0), codec.ErrFormat, "datatype code 77"},
		{"no dimensions", patch(raw, 40, 0, 0), codec.ErrFormat, "0 dimensions"},
		{"negative dimension", patch(raw, 42, 0xff, 0xff), codec.ErrFormat, "dimension 1"},
		{"zero dimension", patch(raw, 42, 0, 0), codec.ErrFormat, "0 voxels"},
		{"vector", patch(raw, 40, 5, 0, 4, 0, 3, 0, 1, 0, 1, 0, 2, 0), codec.ErrUnsupported, "vector image"},
		{"truncated", raw[:len(raw)-1], codec.ErrTruncated, "has room for"},
		{"huge", patch(raw, 42, 0xff, 0x7f, 0xff, 0x7f, 0xff, 0x7f), codec.ErrTooLarge, "crop it"},
		{"larger than the file", patch(raw, 42, 0xff, 0x0f, 0xff, 0x0f, 0x08, 0), codec.ErrTruncated, "room for"},
		{"gzip, larger than it can hold", packed(t, patch(raw, 42, 0xff, 0x0f, 0xff, 0x0f, 0x08, 0)), codec.ErrTruncated, "room for"},
		{"gzip, truncated inside", packed(t, raw[:len(raw)-1]), codec.ErrTruncated, "of 24 voxels"},
		{"gzip, cut", z[:len(z)/2], codec.ErrTruncated, "it ends"},
		{"gzip, checksum", damaged, codec.ErrFormat, "checksum"},
		{"gzip header", []byte{0x1f, 0x8b, 99, 0, 0, 0, 0, 0, 0, 0, 0}, codec.ErrFormat, "gzip"},
		{"offset within the header", patch(raw, 108, f32(100)...), codec.ErrFormat, "begin at byte"},
		{"offset not a number", patch(raw, 108, f32(math.NaN())...), codec.ErrFormat, "begin at byte"},
		{"offset beyond the file", patch(raw, 108, f32(1e6)...), codec.ErrTruncated, "before its voxels begin"},
		{"sheared sform alone", patch(sound, 284, f32(0.4)...), codec.ErrFormat, "orthogonal"},
		{"sform of zeros alone", patch(sound, 280, make([]byte, 48)...), codec.ErrFormat, "orientation cannot be used"},
		{"pair in one file", patch(raw, 344, 'n', 'i', '1'), codec.ErrFormat, ""},
	} {
		_, _, err := decode(c.raw)
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v; want %v with %q", c.name, err, c.want, c.says)
		}
	}
}

func TestReadWarnsOfWhatItAssumes(t *testing.T) {
	raw, f := fixture(t, "int16 little")
	float, _ := fixture(t, "float32 little")
	for _, c := range []struct {
		name string
		raw  []byte
		says string
		same bool // the grid must be that of the sound file
	}{
		{"sheared sform", patch(raw, 284, f32(0.4)...), "the qform is used", true},
		{"orientations differ", patch(raw, 268, f32(50)...), "differ by more than 1 mm", true},
		{"no orientation", patch(raw, 252, 0, 0, 0, 0), "left and right cannot be trusted", false},
		{"unknown unit", patch(raw, 123, 7), "millimetres are assumed", true},
		{"wrong bits", patch(raw, 72, 8), "the type is believed", true},
		{"slope without intercept", patch(raw, 112, append(f32(1), f32(math.NaN())...)...), "no valid intercept", true},
		{"not finite", patch(float, 352, f32(math.NaN())...), "1 voxels were not finite", true},
	} {
		volumes, info, err := decode(c.raw)
		if err != nil || len(info.Warnings) != 1 || !strings.Contains(info.Warnings[0], c.says) {
			t.Errorf("%s: warnings %q, error %v; want %q", c.name, info.Warnings, err, c.says)
			continue
		}
		want, err := geom.GridFromAffine(f.Size, f.Affine)
		if err != nil {
			t.Fatal(err)
		}
		if got := volumes[0].Grid(); got.SameAs(want, 1e-3) != c.same {
			t.Errorf("%s: grid %+v", c.name, got)
		}
		if !volumesFinite(volumes) {
			t.Errorf("%s: a voxel is not finite", c.name)
		}
	}
}

func volumesFinite(volumes []*volume.Volume) bool {
	for _, v := range volumes {
		for _, x := range v.Data() {
			if x-x != 0 {
				return false
			}
		}
	}
	return true
}

func TestOpenRefusesAnalyzeAndCIFTI(t *testing.T) {
	for _, name := range []string{"analyze.hdr", "row_major.dconn.nii"} {
		_, _, err := Open(testenv.Data(t, "nibabel", name))
		if !errors.Is(err, codec.ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := Open(testenv.Data(t, "nibabel", "nifti1.hdr")); !errors.Is(err, codec.ErrFormat) || !strings.Contains(err.Error(), "half of a pair") {
		t.Errorf("header alone: %v", err)
	}
}

// gridFor returns an oblique grid of either handedness.
func gridFor(t testing.TB, degrees float64, handedness float64) geom.Grid {
	t.Helper()
	a := degrees * math.Pi / 180
	x := geom.Vec3{math.Cos(a), math.Sin(a), 0}
	y := geom.Vec3{-math.Sin(a) * math.Cos(a), math.Cos(a) * math.Cos(a), -math.Sin(a)}
	g, err := geom.NewGrid([3]int{384, 4, 19}, geom.Vec3{-83.2366, -113.287, 69.9675}, geom.Vec3{0.5, 0.625, 3.6}, [3]geom.Vec3{x, y, x.Cross(y).Scale(handedness)})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestWriteReadsBack(t *testing.T) {
	dir := t.TempDir()
	for n, degrees := range []float64{0, 18.5, 90, 135, 180, 270} {
		for _, hand := range []float64{1, -1} {
			g := gridFor(t, degrees, hand)
			data := make([]float32, g.Voxels())
			for i := range data {
				data[i] = float32(i%1000) - 0.5
			}
			v, err := volume.New(g, data, "")
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, []string{"a.nii", "a.nii.gz"}[n%2])
			if err := WriteVolume(path, v, Describe("mean of 32 samples"), Intent(IntentEstimate, "probability")); err != nil {
				t.Fatal(err)
			}
			back, info, err := Open(path)
			if err != nil || len(info.Warnings) != 0 || info.Description != "mean of 32 samples" || info.Format != "NIfTI-1" {
				t.Fatalf("%+v, %v", info, err)
			}
			if !back[0].Grid().SameAs(g, 1e-4) || !equal(back[0].Data(), data) {
				t.Errorf("%g° %g: read back otherwise than written: %+v, want %+v", degrees, hand, back[0].Grid(), g)
			}
			checkQform(t, path, g)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".*")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// checkQform reads a written file by its qform alone.
func checkQform(t *testing.T, path string, g geom.Grid) {
	t.Helper()
	f, size, err := codec.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	s, err := codec.NewStream(f, size)
	if err != nil {
		t.Fatal(err)
	}
	h, err := readHeader(s)
	if err != nil {
		t.Fatal(err)
	}
	h.sform = 0
	if got, err := h.grid(g.Size, &codec.Info{}); err != nil || !got.SameAs(g, 1e-4) {
		t.Errorf("by its qform: %+v, %v; want %+v", got, err, g)
	}
}

func equal(a, b []float32) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return len(a) == len(b)
}

func TestWriteOptionsAndMask(t *testing.T) {
	g := gridFor(t, 18.5, 1)
	data := make([]float32, g.Voxels())
	labels := make([]uint8, g.Voxels())
	for i := range data {
		data[i], labels[i] = float32(i%100), uint8(i)
	}
	v, err := volume.New(g, data, "")
	if err != nil {
		t.Fatal(err)
	}
	m, err := volume.NewMask(g, labels)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "a.nii")
	for _, n := range []codec.Number{codec.Uint8, codec.Int8, codec.Uint16, codec.Int16, codec.Uint32, codec.Int32, codec.Uint64, codec.Int64, codec.Float64} {
		if err := WriteVolume(path, v, As(n)); err != nil {
			t.Fatal(err)
		}
		st, err := os.Stat(path)
		if err != nil || st.Size() != 352+int64(g.Voxels()*n.Size()) {
			t.Errorf("%v: %v, %v", n, st, err)
		}
		if back, _, err := Open(path); err != nil || !equal(back[0].Data(), data) {
			t.Errorf("%v: %v", n, err)
		}
	}
	if err := WriteMask(path, m, As(codec.Float64)); err != nil {
		t.Fatal(err)
	}
	back, _, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range back[0].Data() {
		if x != float32(labels[i]) {
			t.Fatalf("label %d is %g", i, x)
		}
	}
}

func TestWriteRefusesWithoutTouchingTheFile(t *testing.T) {
	g := gridFor(t, 0, 1)
	data := make([]float32, g.Voxels())
	data[3] = 300
	v, err := volume.New(g, data, "")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "a.nii")
	if err := os.WriteFile(path, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"range":     WriteVolume(path, v, As(codec.Uint8)),
		"type":      WriteVolume(path, v, As(codec.Number(99))),
		"extension": WriteVolume(filepath.Join(dir, "a.png"), v),
	} {
		if !errors.Is(err, codec.ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := WriteVolume(filepath.Join(dir, "missing", "a.nii"), v); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing folder: %v", err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "before" {
		t.Errorf("the file became %q, %v", b, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("folder holds %v, %v", entries, err)
	}
}

func TestCutKeepsWholeCharacters(t *testing.T) {
	for _, c := range []struct {
		text string
		n    int
		want string
	}{{"abc", 5, "abc"}, {"abcdef", 3, "abc"}, {"aé", 2, "a"}, {"a\x00b", 5, "a b"}} {
		if got := cut(c.text, c.n); got != c.want {
			t.Errorf("cut(%q, %d) = %q", c.text, c.n, got)
		}
	}
}

func FuzzNIfTI(f *testing.F) {
	for _, name := range []string{"int16 little", "float64 big", "nifti2", "4d", "slope", "half turn, qform only", "extension"} {
		raw, _ := fixture(f, name)
		f.Add(raw)
		f.Add(packed(f, raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		volumes, _, err := decode(raw)
		if err == nil && (len(volumes) == 0 || !volumesFinite(volumes)) {
			t.Errorf("%d volumes, finite %v", len(volumes), volumesFinite(volumes))
		}
		if err != nil && !errors.Is(err, codec.ErrFormat) && !errors.Is(err, codec.ErrUnsupported) &&
			!errors.Is(err, codec.ErrTruncated) && !errors.Is(err, codec.ErrTooLarge) {
			t.Errorf("error without a sentinel: %v", err)
		}
	})
}
