package metaimage

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio/codec"
	"bayeslice/internal/volume"
)

// voxels are 2 × 3 × 2 little-endian int16 numbers 0, 1, … 11.
func voxels() []byte {
	var b []byte
	for i := range 12 {
		b = append(b, byte(i), 0)
	}
	return b
}

const sound = `ObjectType = Image
NDims = 3
BinaryData = True
BinaryDataByteOrderMSB = False
TransformMatrix = 0 1 0 -1 0 0 0 0 1
Offset = 10 20 30
ElementSpacing = 0.5 0.625 3
DimSize = 2 3 2
ElementType = MET_SHORT
`

// file joins a header, some lines changed, and data. A change is "Key = Value"; it replaces the
// line of that key, or is added.
func file(data []byte, changes ...string) []byte {
	lines := strings.Split(strings.TrimSpace(sound), "\n")
	for _, c := range changes {
		key, _, _ := strings.Cut(c, "=")
		found := false
		for i, l := range lines {
			if strings.HasPrefix(l, key+"=") {
				lines[i], found = c, true
			}
		}
		if !found {
			lines = append(lines, c)
		}
	}
	last := "ElementDataFile = LOCAL"
	for i, l := range lines {
		if strings.HasPrefix(l, "ElementDataFile") {
			last = l
			lines = append(lines[:i], lines[i+1:]...)
			break
		}
	}
	return append([]byte(strings.Join(lines, "\n")+"\n"+last+"\n"), data...)
}

func deflated(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	if _, err := z.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func decode(raw []byte) ([]*volume.Volume, codec.Info, error) {
	return read(bytes.NewReader(raw), int64(len(raw)), func(string) (io.ReadCloser, int64, error) {
		return io.NopCloser(bytes.NewReader(voxels())), 24, nil
	})
}

func TestReadByHand(t *testing.T) {
	swapped := voxels()
	for i := 0; i < len(swapped); i += 2 {
		swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write(voxels()); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string][]byte{
		"sound":          file(voxels()),
		"big-endian":     file(swapped, "BinaryDataByteOrderMSB = True"),
		"other MSB key":  file(swapped, "BinaryDataByteOrderMSB = ", "ElementByteOrderMSB = True"),
		"zlib":           file(deflated(t, voxels()), "CompressedData = True"),
		"gzip":           file(zipped.Bytes(), "CompressedData = True"),
		"Rotation":       file(voxels(), "TransformMatrix = ", "Rotation = 0 1 0 -1 0 0 0 0 1"),
		"Orientation":    file(voxels(), "TransformMatrix = ", "Orientation = 0 1 0 -1 0 0 0 0 1"),
		"Position":       file(voxels(), "Offset = ", "Position = 10 20 30"),
		"Origin":         file(voxels(), "Offset = ", "Origin = 10 20 30"),
		"header size":    file(append([]byte("1234567"), voxels()...), "HeaderSize = 7"),
		"header size -1": file(append([]byte("123456789"), voxels()...), "HeaderSize = -1"),
		"CRLF":           bytes.ReplaceAll(file(nil, "ElementDataFile = a.raw"), []byte("\n"), []byte("\r\n")),
		"another file":   file(nil, "ElementDataFile = a.raw"),
		"no line end":    bytes.TrimSpace(file(nil, "ElementDataFile = a.raw")),
		"data after":     append(file(voxels()), "more"...),
	} {
		volumes, info, err := decode(raw)
		if err != nil || len(volumes) != 1 || len(info.Warnings) != 0 {
			t.Errorf("%s: %d volumes, %q, %v", name, len(volumes), info.Warnings, err)
			continue
		}
		// Axis i runs along +y and axis j along −x, so that voxel (1, 2, 1) is at
		// (10 − 2·0.625, 20 + 0.5, 30 + 3).
		if at := volumes[0].Grid().World(geom.Vec3{1, 2, 1}); at.Sub(geom.Vec3{8.75, 20.5, 33}).Norm() > 1e-12 {
			t.Errorf("%s: voxel (1, 2, 1) is at %v", name, at)
		}
		for i, x := range volumes[0].Data() {
			if x != float32(i) {
				t.Fatalf("%s: voxel %d is %g", name, i, x)
			}
		}
	}
}

func TestReadRefusesWithAReason(t *testing.T) {
	packed := deflated(t, voxels())
	damaged := bytes.Clone(packed)
	damaged[len(damaged)-1] ^= 0xff
	for _, c := range []struct {
		name string
		raw  []byte
		want error
		says string
	}{
		{"empty", nil, codec.ErrTruncated, "without ElementDataFile"},
		{"no end of header", []byte("NDims = 3\n"), codec.ErrTruncated, "without ElementDataFile"},
		{"endless header", bytes.Repeat([]byte("x"), 3<<20), codec.ErrFormat, "no end within"},
		{"endless lines", bytes.Repeat([]byte("a = b\n"), 1<<19), codec.ErrFormat, "no end within"},
		{"text voxels", file(voxels(), "BinaryData = False"), codec.ErrUnsupported, "text"},
		{"another object", file(voxels(), "ObjectType = Tube"), codec.ErrUnsupported, "Tube"},
		{"no type", file(voxels(), "ElementType = "), codec.ErrFormat, "no ElementType"},
		{"unknown type", file(voxels(), "ElementType = MET_STRING"), codec.ErrUnsupported, "MET_STRING"},
		{"channels", file(voxels(), "ElementNumberOfChannels = 3"), codec.ErrUnsupported, "3 channels"},
		{"one dimension", file(voxels(), "NDims = 1"), codec.ErrUnsupported, "NDims = 1"},
		{"dimensions as text", file(voxels(), "NDims = three"), codec.ErrFormat, "three"},
		{"no size", file(voxels(), "DimSize = "), codec.ErrFormat, "no DimSize"},
		{"two sizes", file(voxels(), "DimSize = 2 3"), codec.ErrFormat, "2 numbers where 3 belong"},
		{"size of zero", file(voxels(), "DimSize = 2 0 2"), codec.ErrFormat, "holds 0"},
		{"negative size", file(voxels(), "DimSize = 2 -3 2"), codec.ErrFormat, "-3"},
		{"half a size", file(voxels(), "DimSize = 2 1.5 2"), codec.ErrFormat, "1.5"},
		{"size not a number", file(voxels(), "DimSize = 2 NaN 2"), codec.ErrFormat, "NaN"},
		{"huge", file(voxels(), "DimSize = 1e9 1e9 1e9"), codec.ErrTooLarge, "crop it"},
		{"larger than the file", file(voxels(), "DimSize = 1000 1000 20"), codec.ErrTruncated, "room for"},
		{"compressed, larger than it can hold", file(packed, "CompressedData = True", "DimSize = 1000 1000 20"), codec.ErrTruncated, "room for"},
		{"compressed, short", file(deflated(t, voxels()[:20]), "CompressedData = True"), codec.ErrTruncated, "of 12 voxels"},
		{"compressed, cut", file(packed[:10], "CompressedData = True"), codec.ErrTruncated, "it ends"},
		{"compressed, none", file(nil, "CompressedData = True"), codec.ErrTruncated, ""},
		{"compressed, not", file(voxels(), "CompressedData = True"), codec.ErrFormat, "not compressed"},
		{"compressed, checksum", file(damaged, "CompressedData = True"), codec.ErrFormat, "checksum"},
		{"header size", file(voxels(), "HeaderSize = 999"), codec.ErrFormat, "begin at byte"},
		{"negative header size", file(voxels(), "HeaderSize = -7"), codec.ErrFormat, "begin at byte"},
		{"shear", file(voxels(), "TransformMatrix = 1 0 0 1 1 0 0 0 1"), codec.ErrFormat, "orthogonal"},
		{"matrix of zeros", file(voxels(), "TransformMatrix = 0 0 0 0 0 0 0 0 0"), codec.ErrFormat, "geometry"},
		{"spacing of zero", file(voxels(), "ElementSpacing = 0 1 1"), codec.ErrFormat, "spacing"},
		{"no data file", file(voxels(), "ElementDataFile = "), codec.ErrFormat, "empty"},
		{"list", file(voxels(), "ElementDataFile = LIST"), codec.ErrUnsupported, "several files"},
		{"pattern", file(voxels(), "ElementDataFile = a%03d.raw 1 3 1"), codec.ErrUnsupported, "several files"},
		{"absolute", file(voxels(), "ElementDataFile = /etc/passwd"), codec.ErrUnsupported, "outside its own folder"},
		{"parent", file(voxels(), "ElementDataFile = ../a.raw"), codec.ErrUnsupported, "outside its own folder"},
		{"dots", file(voxels(), "ElementDataFile = .."), codec.ErrUnsupported, "outside its own folder"},
		{"folder below", file(voxels(), "ElementDataFile = b/a.raw"), codec.ErrUnsupported, "outside its own folder"},
		{"drive", file(voxels(), `ElementDataFile = C:\a.raw`), codec.ErrUnsupported, "outside its own folder"},
	} {
		_, _, err := decode(c.raw)
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v; want %v with %q", c.name, err, c.want, c.says)
		}
	}
}

func TestReadWarnsOfWhatItAssumes(t *testing.T) {
	for _, c := range []struct {
		name string
		raw  []byte
		says string
	}{
		{"no orientation", file(voxels(), "TransformMatrix = "), "left and right cannot be trusted"},
		{"no spacing", file(voxels(), "ElementSpacing = "), "1 mm is assumed"},
		{"two-dimensional", file(voxels(), "NDims = 2", "DimSize = 4 3", "TransformMatrix = 1 0 0 1", "Offset = 1 2", "ElementSpacing = 1 1"), "no slice thickness"},
		{"long direction", file(voxels(), "TransformMatrix = 2 0 0 0 1 0 0 0 1"), "instead of 1"},
		{"scale", file(voxels(), "ElementToIntensityFunctionSlope = 2", "ElementToIntensityFunctionOffset = -1"), "some programs leave that out"},
		{"not finite", file([]byte{0, 0, 0xc0, 0x7f}, "ElementType = MET_FLOAT", "DimSize = 1 1 1"), "not finite"},
	} {
		volumes, info, err := decode(c.raw)
		if err != nil || len(info.Warnings) != 1 || !strings.Contains(info.Warnings[0], c.says) {
			t.Errorf("%s: %q, %v; want %q", c.name, info.Warnings, err, c.says)
			continue
		}
		v := volumes[0]
		switch c.name {
		case "long direction":
			if v.Grid().Spacing[0] != 1 {
				t.Errorf("spacing %v", v.Grid().Spacing)
			}
		case "scale":
			if v.Data()[11] != 21 {
				t.Errorf("11 became %g", v.Data()[11])
			}
		case "two-dimensional":
			if v.Grid().Size != [3]int{4, 3, 1} || v.Grid().Origin != (geom.Vec3{1, 2, 0}) {
				t.Errorf("grid %+v", v.Grid())
			}
		}
	}
}

func TestOpenStaysInItsFolder(t *testing.T) {
	outer := t.TempDir()
	dir := filepath.Join(outer, "exam")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(outer, "secret.raw")
	for path, b := range map[string][]byte{
		secret: voxels(), filepath.Join(dir, "own.raw"): voxels(),
		filepath.Join(dir, "link.mhd"): file(nil, "ElementDataFile = link.raw"), filepath.Join(dir, "own.mhd"): file(nil, "ElementDataFile = own.raw"),
		filepath.Join(dir, "gone.mhd"): file(nil, "ElementDataFile = gone.raw"), filepath.Join(dir, "folder.mhd"): file(nil, "ElementDataFile = folder"),
	} {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, filepath.Join(dir, "link.raw")); err != nil {
		t.Skip("symbolic links cannot be made here: ", err)
	}
	if _, _, err := Open(filepath.Join(dir, "own.mhd")); err != nil {
		t.Errorf("own file: %v", err)
	}
	for _, name := range []string{"link.mhd", "gone.mhd", "folder.mhd"} {
		if _, _, err := Open(filepath.Join(dir, name)); !errors.Is(err, codec.ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := Open(dir); !errors.Is(err, codec.ErrFormat) || !strings.Contains(err.Error(), "folder") {
		t.Errorf("a folder: %v", err)
	}
}

func TestWriteReadsBack(t *testing.T) {
	a := 18.5 * math.Pi / 180
	g, err := geom.NewGrid([3]int{5, 4, 3}, geom.Vec3{-83.2366, -113.287, 69.9675}, geom.Vec3{0.5, 0.625, 3.6},
		[3]geom.Vec3{{1, 0, 0}, {0, math.Cos(a), -math.Sin(a)}, {0, math.Sin(a), math.Cos(a)}})
	if err != nil {
		t.Fatal(err)
	}
	data, labels := make([]float32, g.Voxels()), make([]uint8, g.Voxels())
	for i := range data {
		data[i], labels[i] = float32(i), uint8(i)
	}
	v, err := volume.New(g, data, "")
	if err != nil {
		t.Fatal(err)
	}
	m, err := volume.NewMask(g, labels)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"a.mha", "b.mhd"} {
		path := filepath.Join(dir, name)
		writes := map[string]func() error{"mask": func() error { return WriteMask(path, m, Comment("a\nb")) }}
		for n := codec.Uint8; n <= codec.Float64; n++ {
			writes[n.String()] = func() error { return WriteVolume(path, v, As(n), Comment("a\nb")) }
		}
		for kind, write := range writes {
			if err := write(); err != nil {
				t.Fatalf("%s %s: %v", name, kind, err)
			}
			back, info, err := Open(path)
			if err != nil || info.Description != "a b" || len(info.Warnings) != 0 {
				t.Fatalf("%s %s: %+v, %v", name, kind, info, err)
			}
			if fmt.Sprint(back[0].Data()) != fmt.Sprint(data) || !back[0].Grid().SameAs(g, 1e-9) {
				t.Errorf("%s %s: read back otherwise than written", name, kind)
			}
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 { // a.mha, b.mhd, b.zraw
		t.Errorf("folder holds %v, %v", entries, err)
	}
}

func TestWriteLeavesNothingWhereItFails(t *testing.T) {
	g, err := geom.NewGrid([3]int{1, 1, 1}, geom.Vec3{}, geom.Vec3{1, 1, 1}, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	v, err := volume.New(g, []float32{-1}, "")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "taken.mhd"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := WriteVolume(filepath.Join(dir, "taken.mhd"), v); err == nil {
		t.Error("a folder was overwritten")
	}
	for name, opt := range map[string]Option{"a.mha": As(codec.Uint8), "a.txt": As(codec.Float32)} {
		if err := WriteVolume(filepath.Join(dir, name), v, opt); !errors.Is(err, codec.ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("folder holds %v, %v", entries, err)
	}
}

func FuzzMetaImage(f *testing.F) {
	packed := deflated(f, voxels())
	f.Add(file(voxels()))
	f.Add(file(packed, "CompressedData = True"))
	f.Add(file(voxels(), "NDims = 4", "DimSize = 1 3 2 2", "TransformMatrix = 1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1", "Offset = 0 0 0 0", "ElementSpacing = 1 1 1 1"))
	f.Add(file(voxels(), "NDims = 2", "DimSize = 4 3", "TransformMatrix = 1 0 0 1", "Offset = 1 2", "ElementSpacing = 1 1"))
	f.Add(file(nil, "ElementDataFile = a.raw", "HeaderSize = -1"))
	f.Add(file(voxels(), "ElementType = MET_DOUBLE", "DimSize = 3 1 1", "BinaryDataByteOrderMSB = True"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		volumes, _, err := decode(raw)
		if err == nil && len(volumes) == 0 {
			t.Error("neither volumes nor an error")
		}
		if err != nil && !errors.Is(err, codec.ErrFormat) && !errors.Is(err, codec.ErrUnsupported) &&
			!errors.Is(err, codec.ErrTruncated) && !errors.Is(err, codec.ErrTooLarge) {
			t.Errorf("error without a sentinel: %v", err)
		}
	})
}
