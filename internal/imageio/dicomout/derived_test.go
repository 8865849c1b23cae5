package dicomout

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio/dicom"
	"bayeslice/internal/imageio/dicomcode"
	"bayeslice/internal/imageio/dicomseg"
	"bayeslice/internal/testenv"
	"bayeslice/internal/volume"
)

// oblique is a tilted grid of 7 × 5 × 3 voxels, whose frames do not end on whole bytes.
func oblique(t *testing.T) geom.Grid {
	t.Helper()
	s, c := math.Sincos(0.3)
	g, err := geom.NewGrid([3]int{7, 5, 3}, geom.Vec3{-12.25, 3.5, 7}, geom.Vec3{0.5, 0.75, 3.3}, [3]geom.Vec3{{1, 0, 0}, {0, c, -s}, {0, s, c}})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// origin is a made-up series of a named patient on a grid, the second slice missing.
func origin(g geom.Grid) *dicom.Origin {
	o := &dicom.Origin{Study: "1.2.3", Series: "1.2.3.4", FrameOfReference: "1.2.3.5",
		Identity: dicom.Identity{PatientName: "DOE^JOHN", PatientID: "PID-4711", BirthDate: "19500102", Sex: "M", StudyDate: "20200304", StudyTime: "101112", StudyID: "S1", Accession: "A77"}}
	for k := range g.Size[2] {
		if k == 1 {
			continue
		}
		o.Images = append(o.Images, dicom.ImageRef{Class: mrImageStorage, Instance: fmt.Sprintf("1.2.3.4.%d", k), Position: g.World(geom.Vec3{0, 0, float64(k)})})
	}
	return o
}

func derived(g geom.Grid) Derived {
	return Derived{Key: "exam", Name: "study-1a2b", Origin: origin(g), Description: "Zones (research use only)", Statement: "Research use only. Not a medical device.",
		Model: "Bayeslice", Version: "test", Number: 9001, Created: time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)}
}

var network = Algorithm{Type: "AUTOMATIC", Name: "anatomy-fl", Version: "0123456789ab", Parameters: "sha256 0123; 100 samples; seed 1"}

// binary has two zones, and the gland that overlaps both.
func binary(g geom.Grid) Segmentation {
	tz := func(at int) bool { return at%11 == 3 }
	pz := func(at int) bool { return at%7 == 2 && at%11 != 3 }
	return Segmentation{Derived: derived(g), Content: "Zones of the prostate", Grid: g, Segments: []Segment{
		{Label: "TZ", Structure: dicomcode.TZ, Algorithm: network, Color: [3]uint8{230, 159, 0}, In: tz},
		{Label: "PZ", Structure: dicomcode.PZ, Algorithm: network, Color: [3]uint8{0, 114, 178}, In: pz},
		{Label: "Prostate", Structure: dicomcode.Gland, Algorithm: network, In: func(at int) bool { return tz(at) || pz(at) }},
		{Label: "Lesion 1", Structure: dicomcode.Lesion, Tracking: "lesion 1", Algorithm: Algorithm{Type: "MANUAL"}, In: func(at int) bool { return at > 90 }}}}
}

func fractional(t *testing.T, g geom.Grid) Segmentation {
	t.Helper()
	p := make([]float32, g.Voxels())
	for n := range p {
		p[n] = float32(n) / float32(len(p)-1)
	}
	v, err := volume.New(g, p, "")
	if err != nil {
		t.Fatal(err)
	}
	x := Segmentation{Derived: derived(g), Content: "Probability of csPCa", Grid: g, Fractional: true}
	x.Segments = []Segment{{Label: "csPCa", Structure: dicomcode.Lesion, Algorithm: network, Fraction: v}}
	return x
}

func written(t *testing.T, x Segmentation) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "seg.dcm")
	if err := WriteSegmentation(t.Context(), path, x); err != nil {
		t.Fatal(err)
	}
	return path
}

// valid fails where dicom3tools finds an error in a file.
func valid(t *testing.T, path string) {
	t.Helper()
	tool, err := exec.LookPath("dciodvfy")
	if err != nil {
		testenv.SkipOrFail(t, "dicom3tools", "dciodvfy (Debian package dicom3tools) is not on this machine")
	}
	out, err := exec.Command(tool, path).CombinedOutput()
	if err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "Error") || os.Getenv("SHOW_WARNINGS") != "" {
			t.Errorf("dciodvfy: %s", line)
		}
	}
}

func TestSegmentationReadsBackEqual(t *testing.T) {
	g := oblique(t)
	x := binary(g)
	path := written(t, x)
	valid(t, path)
	f, err := dicomseg.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if !f.Grid.SameAs(g, 1e-9) || f.FrameOfReference != "1.2.3.5" || len(f.Sources) != 2 || f.Kind != dicomseg.Binary {
		t.Errorf("grid %v, want %v; %s, sources %v", f.Grid, g, f.FrameOfReference, f.Sources)
	}
	for n, want := range x.Segments {
		got := f.Segments[n]
		if got.Label != want.Label || got.Structure != want.Structure || got.Algorithm != want.Algorithm.Type || got.AlgorithmName != want.Algorithm.Name {
			t.Errorf("segment %+v, want %+v", got, want)
		}
		m, err := f.Mask(map[int]uint8{n + 1: 1})
		if err != nil {
			t.Fatal(err)
		}
		for at, v := range m.Data() {
			if (v != 0) != want.In(at) {
				t.Fatalf("%s differs at voxel %d", want.Label, at)
			}
		}
	}
}

func TestFractionsReadBackWithinHalfAStep(t *testing.T) {
	x := fractional(t, oblique(t))
	path := written(t, x)
	valid(t, path)
	f, err := dicomseg.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	v, err := f.Fractions(1)
	if err != nil || f.Kind != dicomseg.Probability {
		t.Fatal(f.Kind, err)
	}
	for at, p := range v.Data() {
		if math.Abs(float64(p-x.Segments[0].Fraction.Data()[at])) > 0.5/FractionSteps+1e-6 {
			t.Fatalf("voxel %d is %g, was %g", at, p, x.Segments[0].Fraction.Data()[at])
		}
	}
	x.Segments[0].Fraction = nil
	if err := WriteSegmentation(t.Context(), path, x); !errors.Is(err, ErrValue) {
		t.Errorf("without fractions: %v", err)
	}
}

// identity are the words of the patient and the study that a file without identity must not hold.
var identity = []string{"DOE", "4711", "19500102", "20200304", "101112", "A77"}

func holds(t *testing.T, path, word string) bool {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Contains(data, []byte(word))
}

func TestIdentityLeavesOnlyWhenAsked(t *testing.T) {
	x := binary(oblique(t))
	path := written(t, x)
	for _, word := range append(identity, "20240506") {
		if holds(t, path, word) {
			t.Errorf("the file holds %q", word)
		}
	}
	for _, word := range []string{"113100", "113110", "1.2.3.4.2", "study-1a2b", "Research use only."} {
		if !holds(t, path, word) {
			t.Errorf("the file lacks %q", word)
		}
	}
	x.NewUIDs = true
	path = written(t, x)
	valid(t, path)
	for _, word := range append(identity, "1.2.3\x00", "1.2.3.4", "1.2.3.5", "113110") {
		if holds(t, path, word) {
			t.Errorf("with new UIDs, the file holds %q", word)
		}
	}
	x.Identity = true
	path = written(t, x)
	valid(t, path)
	for _, word := range append(identity, "20240506", "1.2.3.4.2") {
		if !holds(t, path, word) {
			t.Errorf("with identity, the file lacks %q", word)
		}
	}
}

func TestASourceThatIsNoDICOMGetsAStudyOfItsOwn(t *testing.T) {
	x := binary(oblique(t))
	x.Origin = nil
	path := written(t, x)
	valid(t, path)
	if f, err := dicomseg.Open(path); err != nil || len(f.Sources) != 0 || !strings.HasPrefix(f.FrameOfReference, "2.25.") {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestTheSameContentHasTheSameBytesAndUIDs(t *testing.T) {
	x := binary(oblique(t))
	read := func(x Segmentation) (string, string) {
		path := written(t, x)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := dicomseg.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(data), f.Instance
	}
	a, uid := read(x)
	x.Created = x.Created.Add(time.Hour)
	if b, other := read(x); a != b || uid != other {
		t.Error("another hour gives other bytes")
	}
	x.Segments[3].In = func(at int) bool { return at > 91 }
	if _, other := read(x); uid == other {
		t.Error("other voxels have the same UID")
	}
}
