package dicom

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"testing/fstest"

	"bayeslice/internal/imageio/dicom/dicomtest"
)

// fileSystem puts encoded files under numbered names.
func fileSystem(files ...[]byte) (fstest.MapFS, []string) {
	fsys := fstest.MapFS{}
	var names []string
	for i, f := range files {
		name := fmt.Sprintf("%03d.dcm", i)
		fsys[name] = &fstest.MapFile{Data: f}
		names = append(names, name)
	}
	return fsys, names
}

// scanOne scans files and wants one series of them.
func scanOne(t *testing.T, files ...[]byte) (*Series, fstest.MapFS) {
	t.Helper()
	fsys, names := fileSystem(files...)
	index, err := Scan(context.Background(), fsys, names, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(index.Series) != 1 || len(index.Failures) != 0 {
		t.Fatalf("%d series, failures %v", len(index.Series), index.Failures)
	}
	return index.Series[0], fsys
}

// at makes slices at positions along z, numbered in the order given.
func at(z ...float64) [][]byte {
	var out [][]byte
	for i, p := range z {
		out = append(out, dicomtest.Slice{Instance: i + 1, Position: [3]float64{-1, -2, p}}.Bytes())
	}
	return out
}

func load(t *testing.T, s *Stack, fsys fstest.MapFS) []float32 {
	t.Helper()
	v, err := s.Load(context.Background(), fsys, LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSlicesAreSortedByPositionNotInstance(t *testing.T) {
	s, fsys := scanOne(t, at(9, 3, 6, 0)...)
	if len(s.Stacks) != 1 || s.Stacks[0].Problem != nil {
		t.Fatalf("stacks %+v", s.Stacks)
	}
	g := s.Stacks[0].Grid
	if g.Size != [3]int{4, 3, 4} || g.Spacing != [3]float64{0.5, 0.5, 3} || g.Origin != [3]float64{-1, -2, 0} {
		t.Errorf("grid %+v", g)
	}
	v := load(t, s.Stacks[0], fsys) // first voxel of a slice holds its instance number
	for k, want := range []float32{4, 2, 3, 1} {
		if v[k*12] != want {
			t.Errorf("slice %d begins with %g, want %g", k, v[k*12], want)
		}
	}
}

func TestMissingSliceIsFoundAndInterpolated(t *testing.T) {
	s, fsys := scanOne(t, at(0, 3, 9, 12)...) // instances 1 2 3 4; the one at 6 mm is not there
	st := s.Stacks[0]
	if !slices.Equal(st.Missing, []int{2}) || st.Uneven || st.Grid.Size[2] != 5 {
		t.Fatalf("missing %v uneven %v size %v", st.Missing, st.Uneven, st.Grid.Size)
	}
	v := load(t, st, fsys)
	for k, want := range []float32{1, 2, 2.5, 3, 4} {
		if v[k*12] != want {
			t.Errorf("slice %d begins with %g, want %g", k, v[k*12], want)
		}
	}
}

func TestUnevenGapIsResampled(t *testing.T) {
	s, fsys := scanOne(t, at(0, 3, 6.6, 9)...)
	st := s.Stacks[0]
	if !st.Uneven || math.Abs(st.MaxShiftMM-0.6) > 1e-9 || len(st.Missing) != 0 {
		t.Fatalf("uneven %v by %g, missing %v", st.Uneven, st.MaxShiftMM, st.Missing)
	}
	want := float32(2 + 3.0/3.6) // at 6 mm, between instance 2 at 3 mm and 3 at 6.6 mm
	if v := load(t, st, fsys); v[0] != 1 || math.Abs(float64(v[2*12]-want)) > 1e-6 || v[3*12] != 4 {
		t.Errorf("slices begin with %g %g %g, want 1 %g 4", v[0], v[24], v[36], want)
	}
}

func TestDuplicatesCopiesAndRepeats(t *testing.T) {
	files := at(0, 3, 6)
	s, _ := scanOne(t, append(files, files[1])...)
	if s.Copies != 1 || s.Files != 3 || len(s.Stacks) != 1 {
		t.Errorf("a copied file: copies %d files %d stacks %d", s.Copies, s.Files, len(s.Stacks))
	}
	s, _ = scanOne(t, append(at(0, 3, 6), dicomtest.Slice{Instance: 9, Position: [3]float64{-1, -2, 3}}.Bytes())...)
	if len(s.Stacks) != 1 || s.Stacks[0].Duplicates != 1 || s.Stacks[0].Frames[1].Header.Instance != 2 {
		t.Errorf("a second image at one position: %+v", s.Stacks[0])
	}
	s, _ = scanOne(t, append(at(0, 3, 6), dicomtest.Slice{Instance: 7, Position: [3]float64{-1, -2, 0}}.Bytes(),
		dicomtest.Slice{Instance: 8, Position: [3]float64{-1, -2, 3}}.Bytes(), dicomtest.Slice{Instance: 9, Position: [3]float64{-1, -2, 6}}.Bytes())...)
	if len(s.Stacks) != 2 || s.Stacks[1].Repeats != 2 || s.Stacks[1].Frames[0].Header.Instance != 7 {
		t.Errorf("two time points: %d stacks", len(s.Stacks))
	}
}

func TestStacksThatAreNoVolume(t *testing.T) {
	sideways := at(0, 3)
	sideways = append(sideways, dicomtest.Slice{Instance: 3, Position: [3]float64{4, -2, 6}}.Bytes())
	noPlane := dicomtest.Slice{Instance: 1, Extra: []dicomtest.Element{{Tag: 0x00200032, VR: "DS", Value: ""}}}
	mosaic := dicomtest.Slice{Instance: 1, ImageType: `ORIGINAL\PRIMARY\M\MOSAIC`}
	jpeg := dicomtest.Encode("1.2.840.10008.1.2.4.92", dicomtest.Slice{}.Elements())
	for name, c := range map[string]struct {
		files [][]byte
		want  error
	}{
		"single":     {at(0), ErrGeometry},
		"gaping":     {at(0, 3, 6, 60), ErrGeometry},
		"sideways":   {sideways, ErrGeometry},
		"no plane":   {[][]byte{noPlane.Bytes()}, ErrGeometry},
		"mosaic":     {[][]byte{mosaic.Bytes()}, ErrUnsupported},
		"compressed": {[][]byte{jpeg}, ErrUnsupported},
	} {
		s, fsys := scanOne(t, c.files...)
		if err := s.Stacks[0].Problem; !errors.Is(err, c.want) {
			t.Errorf("%s: problem %v, want %v", name, err, c.want)
		}
		if _, err := s.Stacks[0].Load(context.Background(), fsys, LoadOptions{}); !errors.Is(err, c.want) {
			t.Errorf("%s: Load = %v, want %v", name, err, c.want)
		}
	}
}

func TestSeriesOfSeveralKindsIsTakenApart(t *testing.T) {
	var files [][]byte
	for b, instance := range map[string]int{"50": 0, "800": 10} {
		for i := range 3 {
			files = append(files, dicomtest.Slice{Instance: instance + i, Position: [3]float64{0, 0, 3 * float64(i)},
				Extra: []dicomtest.Element{{Tag: 0x0019100C, VR: "OB", Value: b}}}.Bytes())
		}
	}
	for i := range 3 {
		files = append(files, dicomtest.Slice{Instance: 50 + i, Orientation: [6]float64{0, 1, 0, 0, 0, -1}, Position: [3]float64{3 * float64(i), 0, 0}}.Bytes())
	}
	s, _ := scanOne(t, files...)
	if s.Orientations != 2 || len(s.Stacks) != 3 {
		t.Fatalf("%d orientations, %d stacks", s.Orientations, len(s.Stacks))
	}
	for i, want := range []BValue{{}, {true, 50, "Siemens (0019,100c)"}, {true, 800, "Siemens (0019,100c)"}} {
		if s.Stacks[i].B != want || len(s.Stacks[i].Frames) != 3 {
			t.Errorf("stack %d: b %+v, %d frames; want %+v, 3", i, s.Stacks[i].B, len(s.Stacks[i].Frames), want)
		}
	}
}

func TestTraceIsToldFromDirections(t *testing.T) {
	var files [][]byte
	for n, direction := range []string{"ISOTROPIC", "DIRECTIONAL", "DIRECTIONAL"} {
		for i := range 3 {
			files = append(files, dicomtest.Slice{Instance: 10*n + i, Position: [3]float64{0, 0, 3 * float64(i)}, Extra: []dicomtest.Element{
				{Tag: 0x00189075, VR: "CS", Value: direction}, {Tag: 0x00189087, VR: "FD", Value: []float64{800}}}}.Bytes())
		}
	}
	s, _ := scanOne(t, files...)
	if len(s.Stacks) != 3 || s.Stacks[0].Repeats != 0 || s.Stacks[1].Repeats != 2 || s.Stacks[2].Repeat != 2 {
		t.Errorf("%d stacks: %+v", len(s.Stacks), s.Stacks)
	}
}
