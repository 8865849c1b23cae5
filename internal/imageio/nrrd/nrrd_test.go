package nrrd

import (
	"bytes"
	"encoding/json"
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
	"bayeslice/internal/testenv"
)

// oblique is the lattice of the files that testdata/fixtures.py wrote.
func oblique(t *testing.T) geom.Grid {
	t.Helper()
	g, err := geom.NewGrid([3]int{4, 3, 2}, geom.Vec3{10, -20, 30}, geom.Vec3{0.5, 1, 3},
		[3]geom.Vec3{{0.6, 0.8, 0}, {-0.8, 0.6, 0}, {0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// Every encoding, byte order, type, space and place of the frames of files that Teem wrote.
func TestFilesOfTeem(t *testing.T) {
	want := oblique(t)
	plain, err := geom.NewGrid(want.Size, geom.Vec3{}, geom.Vec3{1, 1, 1}, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	for name, frames := range map[string]int{
		"raw.nrrd": 1, "ras.nrrd": 1, "las.nrrd": 1, "gzip.nrrd": 1, "bzip2.nrrd": 1, "text.nrrd": 1, "big.nrrd": 1,
		"double.nrrd": 1, "detached.nhdr": 1, "frames-first.nrrd": 2, "frames-middle.nrrd": 2, "frames-last.nrrd": 2,
	} {
		volumes, info, err := Open("testdata/" + name)
		if err != nil || len(volumes) != frames || info.Format != "NRRD" {
			t.Errorf("%s: %d volumes, %q, %v", name, len(volumes), info.Format, err)
			continue
		}
		grid, warnings := want, 0
		if name == "frames-first.nrrd" || name == "frames-last.nrrd" { // unu drops their space
			grid, warnings = plain, 2
		}
		if !volumes[0].Grid().SameAs(grid, 1e-9) || len(info.Warnings) != warnings {
			t.Errorf("%s: grid %+v, warnings %q", name, volumes[0].Grid(), info.Warnings)
		}
		for f, v := range volumes {
			for n, got := range v.Data() {
				if w := float32(1000*f + 100*(n/12) + 10*(n/4%3) + n%4 - 50); got != w {
					t.Errorf("%s: frame %d voxel %d is %g, want %g", name, f, n, got, w)
					break
				}
			}
		}
	}
}

// Every NRRD of the test data is as ITK reads it (testdata/golden.py), but the one of a version to come.
func TestRealFilesAsITKReadsThem(t *testing.T) {
	b, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden map[string]struct {
		Size          [3]int
		Affine        [3][4]float64
		Sum, Weighted float64
	}
	if err := json.Unmarshal(b, &golden); err != nil {
		t.Fatal(err)
	}
	root := testenv.Data(t)
	for name, want := range golden {
		volumes, info, err := Open(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil || len(volumes) != 1 || len(info.Warnings) != 0 {
			t.Errorf("%s: %d volumes, %q, %v", name, len(volumes), info.Warnings, err)
			continue
		}
		sum, weighted, worst := 0.0, 0.0, 0.0
		for i, x := range volumes[0].Data() {
			sum += float64(x)
			weighted += float64(x) * float64(i%101)
		}
		affine := volumes[0].Grid().Affine()
		for r := range affine {
			for c := range affine[r] {
				worst = max(worst, math.Abs(affine[r][c]-want.Affine[r][c]))
			}
		}
		if volumes[0].Grid().Size != want.Size || sum != want.Sum || weighted != want.Weighted || worst > 2e-5 {
			t.Errorf("%s: size %v sum %g weighted %g affine within %g; want %+v", name, volumes[0].Grid().Size, sum, weighted, worst, want)
		}
	}
	_, _, err = Open(testenv.Data(t, "panimg", "nrrd", "image10x11x12_unsupported_version.nrrd"))
	if !errors.Is(err, codec.ErrUnsupported) || !strings.Contains(err.Error(), "version 1004") {
		t.Errorf("a version to come: %v", err)
	}
}

// made makes a file of a header that is as lines say.
func made(data string, lines ...string) []byte {
	return []byte("NRRD0005\n" + strings.Join(lines, "\n") + "\n\n" + data)
}

// basic is a header of eight bytes with the lines of change in place of those of the same field.
func basic(change ...string) []string {
	out := []string{"type: uchar", "dimension: 3", "sizes: 2 2 2", "encoding: raw",
		"space: lps", "space directions: (1,0,0) (0,1,0) (0,0,1)", "space origin: (0,0,0)"}
	for _, c := range change {
		field, _, _ := strings.Cut(c, ":")
		found := false
		for i, line := range out {
			if strings.HasPrefix(line, field+":") {
				out[i], found = c, true
			}
		}
		if !found {
			out = append(out, c)
		}
	}
	return out
}

func readBytes(b []byte) (frames int, info codec.Info, err error) {
	v, info, err := read(bytes.NewReader(b), int64(len(b)), func(name string) (io.ReadCloser, int64, error) {
		return nil, 0, fmt.Errorf("%s: %w", name, codec.ErrFormat)
	})
	return len(v), info, err
}

func TestWhatIsRefused(t *testing.T) {
	const eight = "12345678"
	for name, c := range map[string]struct {
		change []string
		data   string
		want   error
		says   string
	}{
		"a version":         {nil, "", codec.ErrUnsupported, "versions 1 to 5"},
		"cut short":         {nil, eight[:7], codec.ErrTruncated, "copy it again"},
		"gzip cut short":    {[]string{"encoding: gzip"}, "\x1f", codec.ErrTruncated, "copy it again"},
		"no gzip":           {[]string{"encoding: gzip"}, "not compressed at all", codec.ErrFormat, "not compressed as"},
		"no bzip2":          {[]string{"encoding: bzip2"}, "not compressed at all", codec.ErrFormat, "damaged"},
		"text cut short":    {[]string{"encoding: ascii"}, "1 2 3 4 5 6          ", codec.ErrTruncated, "after 6 of 8"},
		"words as text":     {[]string{"encoding: text"}, "1 2 3 four 5 6 7 8", codec.ErrFormat, `"four"`},
		"hexadecimal":       {[]string{"encoding: hex"}, eight, codec.ErrUnsupported, "save it as raw"},
		"a block":           {[]string{"type: block"}, eight, codec.ErrUnsupported, "one number a voxel"},
		"no type":           {[]string{"type:"}, eight, codec.ErrFormat, "no type"},
		"no endian":         {[]string{"type: short"}, eight + eight, codec.ErrFormat, "endian"},
		"one dimension":     {[]string{"dimension: 1", "sizes: 8"}, eight, codec.ErrUnsupported, "1 dimensions"},
		"sizes missing":     {[]string{"sizes: 2 2"}, eight, codec.ErrFormat, "2 sizes"},
		"negative size":     {[]string{"sizes: 2 -2 2"}, eight, codec.ErrFormat, "-2"},
		"vast":              {[]string{"sizes: 99999 99999 99999"}, eight, codec.ErrTooLarge, "more than"},
		"overflow":          {[]string{"sizes: 4294967296 4294967296 2"}, eight, codec.ErrTooLarge, "more than"},
		"colour":            {[]string{"kinds: RGB-color domain domain"}, eight, codec.ErrUnsupported, "colour"},
		"skewed":            {[]string{"space directions: (1,0,0) (0.5,1,0) (0,0,1)"}, eight, codec.ErrFormat, "not orthogonal"},
		"flat":              {[]string{"space directions: (0,0,0) (0,1,0) (0,0,1)"}, eight, codec.ErrFormat, "geometry"},
		"two directions":    {[]string{"space directions: (1,0,0) (0,1,0)"}, eight, codec.ErrFormat, "2 space directions"},
		"no vector":         {[]string{"space directions: 1 0 0"}, eight, codec.ErrFormat, "not vectors"},
		"one axis of space": {[]string{"space directions: (1,0,0) none none"}, eight, codec.ErrUnsupported, "two axes besides"},
		"time in the space": {[]string{"space: left-posterior-superior-time"}, eight, codec.ErrUnsupported, "time"},
		"twice":             {[]string{"Type: uchar"}, eight, codec.ErrFormat, "twice"},
		"no field":          {[]string{"this is no field"}, eight, codec.ErrFormat, "no field"},
		"a list of files":   {[]string{"data file: LIST"}, "", codec.ErrUnsupported, "several files"},
		"a row of files":    {[]string{"data file: a%03d.raw 1 9 1"}, "", codec.ErrUnsupported, "several files"},
		"an absolute path":  {[]string{"data file: /etc/passwd"}, "", codec.ErrUnsupported, "outside its own folder"},
		"a path upwards":    {[]string{"data file: ../secret.raw"}, "", codec.ErrUnsupported, "outside its own folder"},
		"a hidden path":     {[]string{"data file: ./../secret.raw"}, "", codec.ErrUnsupported, "outside its own folder"},
		"a drive":           {[]string{`data file: C:\secret.raw`}, "", codec.ErrUnsupported, "outside its own folder"},
		"no data file":      {[]string{"data file: "}, "", codec.ErrUnsupported, "outside its own folder"},
		"bytes to skip":     {[]string{"byte skip: 99"}, eight, codec.ErrFormat, "byte 99"},
		"lines to skip":     {[]string{"line skip: 9"}, eight, codec.ErrTruncated, "ends before"},
	} {
		b := made(c.data, basic(c.change...)...)
		if name == "a version" {
			b = []byte("NRRD0009\n")
		}
		if _, _, err := readBytes(b); !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %v that says %q", name, err, c.want, c.says)
		}
	}
	if n, info, err := readBytes(made(eight, basic()...)); n != 1 || err != nil || len(info.Warnings) != 0 {
		t.Errorf("the header that the others change: %d volumes, %q, %v", n, info.Warnings, err)
	}
}

func TestWhatIsToldOfOddHeaders(t *testing.T) {
	for says, c := range map[string]struct {
		lines []string
		drop  string
	}{
		"where the patient's left is": {basic("space: scanner-xyz"), ""},
		"no origin":                   {basic(), "space origin"},
		"no slice thickness":          {basic("dimension: 2", "sizes: 2 4", "space directions: (1,0,0) (0,1,0)"), ""},
		"millimetres are assumed":     {basic(`space units: "furlong" "furlong" "furlong"`), ""},
		"no voxel size":               {[]string{"type: uchar", "dimension: 3", "sizes: 2 2 2", "encoding: raw"}, ""},
		"left and right cannot":       {[]string{"type: uchar", "dimension: 3", "sizes: 2 2 2", "encoding: raw", "spacings: 1 1 2"}, ""},
	} {
		var lines []string
		for _, l := range c.lines {
			if c.drop == "" || !strings.HasPrefix(l, c.drop) {
				lines = append(lines, l)
			}
		}
		_, info, err := readBytes(made("12345678", lines...))
		if err != nil || !strings.Contains(strings.Join(info.Warnings, " "), says) {
			t.Errorf("%q: %q, %v", says, info.Warnings, err)
		}
	}
}

func TestOtherFormsOfTheHeader(t *testing.T) {
	for name, b := range map[string][]byte{
		"line ends of Windows":  []byte(strings.ReplaceAll(string(made("", basic("key:=value")...)), "\n", "\r\n") + "12345678"),
		"bytes to skip":         made("xyz12345678", basic("byte skip: 3")...),
		"voxels at the end":     made("anything at all12345678", basic("byte skip: -1")...),
		"lines to skip":         made("first\nsecond\n12345678", basic("line skip: 2")...),
		"measurement frame":     made("12345678", basic("measurement frame: (1,0,0) (0,1,0) (0,0,1)", "kinds: space space space")...),
		"an axis of one sample": made("12345678", basic("dimension: 4", "sizes: 1 2 2 2", "space directions: none (1,0,0) (0,1,0) (0,0,1)", "kinds: vector space space space")...),
		"spaces in vectors":     made("12345678", basic("space directions: (1, 0, 0)  ( 0,1 ,0) (0,0,1)")...),
		"metres":                made("12345678", basic(`space units: "m" "m" "m"`)...),
	} {
		v, info, err := read(bytes.NewReader(b), int64(len(b)), nil)
		if err != nil || len(v) != 1 || len(info.Warnings) != 0 || v[0].Data()[0] != '1' || v[0].Data()[7] != '8' {
			t.Errorf("%s: %v, %q, %v", name, v, info.Warnings, err)
			continue
		}
		if want := map[bool]float64{true: 1000, false: 1}[name == "metres"]; v[0].Grid().Spacing[0] != want {
			t.Errorf("%s: spacing %v", name, v[0].Grid().Spacing)
		}
	}
}

// A few hundred bytes must not become gigabytes.
func TestBombs(t *testing.T) {
	big, err := os.ReadFile("testdata/bzip2.nrrd")
	if err != nil {
		t.Fatal(err)
	}
	for _, sizes := range []string{"sizes: 20000 20000 1", "sizes: 800 800 800"} {
		b := bytes.Replace(big, []byte("sizes: 4 3 2"), []byte(sizes), 1)
		if _, _, err := readBytes(b); !errors.Is(err, codec.ErrTruncated) && !errors.Is(err, codec.ErrTooLarge) {
			t.Errorf("bzip2, %s: %v", sizes, err)
		}
		b = bytes.Replace(b, []byte("bzip2"), []byte("gzip"), 1)
		if _, _, err := readBytes(b); !errors.Is(err, codec.ErrTruncated) {
			t.Errorf("gzip, %s: %v", sizes, err)
		}
	}
}

// FuzzNRRD reads whatever bytes come. Nothing may panic; what is read has as many voxels as its grid.
func FuzzNRRD(f *testing.F) {
	names, err := filepath.Glob("testdata/*.n*")
	if err != nil || len(names) < 12 {
		f.Fatal(names, err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add(made("1 2 3 4 5 6 7 8", basic("encoding: text", "kinds: list space space")...))
	f.Fuzz(func(t *testing.T, b []byte) {
		volumes, _, err := read(bytes.NewReader(b), int64(len(b)), func(string) (io.ReadCloser, int64, error) {
			return io.NopCloser(bytes.NewReader(b)), int64(len(b)), nil
		})
		if err != nil && !errors.Is(err, codec.ErrFormat) && !errors.Is(err, codec.ErrUnsupported) && !errors.Is(err, codec.ErrTruncated) && !errors.Is(err, codec.ErrTooLarge) {
			t.Fatalf("an error of no kind: %v", err)
		}
		for _, v := range volumes {
			if len(v.Data()) != v.Grid().Voxels() {
				t.Fatalf("%d voxels on %v", len(v.Data()), v.Grid().Size)
			}
		}
	})
}
