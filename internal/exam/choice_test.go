package exam

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio/dicom/dicomtest"
	"bayeslice/internal/volume"
)

func TestMissingSliceExamIsNamed(t *testing.T) {
	e := open(t, Options{}, "picai_prep", "ProstateX-missing-slice")
	i, ok := codes(e)[MissingSlice]
	if !ok || i.Severity != Severe || i.Series != "s8" || !strings.Contains(i.Text, "one of 19 slices (slice 14, counted from the feet end)") {
		t.Errorf("issue %+v", i)
	}
	if s := e.Chosen(HighB); s == nil || s.Volume.Grid().Size[2] != 19 || s.Images != 18 {
		t.Errorf("high-b %+v", s)
	}
	for _, code := range []string{NoT2W, NoADC} {
		if _, ok := codes(e)[code]; !ok {
			t.Errorf("%s is not said", code)
		}
	}
}

func TestWithChangesACopyAndJudgesAnew(t *testing.T) {
	e := open(t, Options{}, "picai_prep", "ProstateX-0000")
	c, err := e.With(HighB, "s6-b800")
	if err != nil {
		t.Fatal(err)
	}
	if e.Chosen(HighB).ID != "s8" || c.Chosen(HighB).ID != "s6-b800" || !c.Roles[HighB].Overridden || e.Roles[HighB].Overridden {
		t.Errorf("original %s, copy %s", e.Chosen(HighB).ID, c.Chosen(HighB).ID)
	}
	if _, ok := codes(c)[CalculatedB]; ok {
		t.Error("the acquired image is still called calculated")
	}
	if len(c.Roles[HighB].Alternatives) != 3 || c.Roles[HighB].Alternatives[0].Series.ID != "s8" {
		t.Errorf("alternatives %+v", c.Roles[HighB].Alternatives)
	}
	if _, err := e.With(T2Sagittal, "s3"); !errors.Is(err, ErrNoSuchRole) {
		t.Errorf("a role that cannot be chosen: %v", err)
	}
	if _, err := e.With(T2W, "nothing"); !errors.Is(err, ErrNoSuch) {
		t.Errorf("an unknown series: %v", err)
	}
	odd, err := e.With(ADC, "s6-b50")
	if err != nil {
		t.Fatal(err)
	}
	if i, ok := codes(odd)[ADCUnitsUnknown]; !ok || i.Severity != Severe || e.Series[3].Kind != DWI {
		t.Errorf("a diffusion image as ADC: %v, original kind %s", odd.Issues, e.Series[3].Kind)
	}
}

func TestOverrideSurvivesReopening(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config", "series.json")
	o, err := OpenOverrides(file)
	if err != nil {
		t.Fatal(err)
	}
	e := open(t, Options{Overrides: o}, "picai_prep", "ProstateX-0000")
	if err := o.Set(e, HighB, "s6-b800"); err != nil {
		t.Fatal(err)
	}
	if err := o.Set(e, T2W, "gone"); err != nil {
		t.Fatal(err)
	}
	if o, err = OpenOverrides(file); err != nil {
		t.Fatal(err)
	}
	again := open(t, Options{Overrides: o}, "picai_prep", "ProstateX-0000")
	if !again.Roles[HighB].Overridden || again.Chosen(HighB).ID != "s6-b800" {
		t.Errorf("the choice was forgotten: %+v", again.Roles[HighB])
	}
	if _, ok := codes(again)[OrphanOverride]; !ok || again.Chosen(T2W).ID != "s4" {
		t.Error("a choice of a series that is gone is not reported")
	}
	if err := o.Clear(e, HighB); err != nil {
		t.Fatal(err)
	}
	if rules := open(t, Options{Overrides: o}, "picai_prep", "ProstateX-0000"); rules.Chosen(HighB).ID != "s8" {
		t.Error("a cleared choice still holds")
	}
	data, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(data), `"version": 1`) || strings.Contains(string(data), "ProstateX") {
		t.Errorf("file %s, %v", data, err)
	}
}

func TestDamagedOverridesAreRefusedAndKept(t *testing.T) {
	for _, text := range []string{"{", `{"version": 2, "exams": {}}`} {
		file := filepath.Join(t.TempDir(), "series.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenOverrides(file); !errors.Is(err, ErrOverrides) {
			t.Errorf("%q: %v", text, err)
		}
		if data, err := os.ReadFile(file); err != nil || string(data) != text {
			t.Errorf("%q became %q", text, data)
		}
	}
}

func TestADCScale(t *testing.T) {
	grid, err := geom.NewGrid([3]int{20, 20, 8}, geom.Vec3{}, geom.Vec3{2, 2, 3}, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		value, want float64
		stated      string
		code        string
	}{
		{1300, 1300, "", ADCUnitsGuessed}, {1.3, 1300, "", ADCUnitsGuessed}, {0.0013, 1300, "", ADCUnitsGuessed},
		{1300, 1300, "um2/s", ""}, {0.0013, 1300, "mm2/s", ""}, {30, 30, "", ADCUnitsUnknown}, {0, 0, "", ADCUnitsUnknown},
	} {
		data := make([]float32, grid.Voxels())
		for i := range data {
			data[i] = float32(c.value)
		}
		v, err := volume.New(grid, data, "")
		if err != nil {
			t.Fatal(err)
		}
		scaled, issue := scaleADC(v, c.stated)
		if math.Abs(float64(scaled.At(3, 3, 3))-c.want) > 1e-3 {
			t.Errorf("%g %s became %g, want %g", c.value, c.stated, scaled.At(3, 3, 3), c.want)
		}
		if code := issueCode(issue); code != c.code || (scaled.Unit() == UnitADC) != (code != ADCUnitsUnknown) {
			t.Errorf("%g %s: issue %q, unit %q", c.value, c.stated, code, scaled.Unit())
		}
	}
}

func issueCode(i *Issue) string {
	if i == nil {
		return ""
	}
	return i.Code
}

// trio makes T2W, ADC and diffusion series; change edits every slice by series number.
func trio(change func(number int, s *dicomtest.Slice)) map[string][]byte {
	files := map[string][]byte{}
	for number, d := range map[int]string{4: "t2_tse_tra", 7: "dwi_ADC", 8: "dwi_b1400"} {
		t2Slices(files, "exam", "1.2.3", number, 6, func(s *dicomtest.Slice) {
			s.Description = d
			if number != 4 {
				s.Sequence, s.PixelMM = "", 2
			}
			for range 12 {
				s.Pixels = append(s.Pixels, 1200)
			}
			change(number, s)
		})
	}
	return files
}

func TestIssuesAcrossSeries(t *testing.T) {
	for name, c := range map[string]struct {
		change func(number int, s *dicomtest.Slice)
		code   string
		want   bool
	}{
		"agreeing": {func(int, *dicomtest.Slice) {}, FrameMismatch, false},
		"other frame": {func(n int, s *dicomtest.Slice) {
			if n == 7 {
				s.Frame = "9.9"
			}
		}, FrameMismatch, true},
		"elsewhere": {func(n int, s *dicomtest.Slice) {
			if n == 8 {
				s.Position[2] += 500
			}
		}, NoOverlap, true},
		"turned round": {func(n int, s *dicomtest.Slice) {
			s.Extra = append(s.Extra, dicomtest.Element{Tag: 0x00185100, VR: "CS", Value: []string{"HFS", "FFS"}[n%2]})
		}, PatientPosition, true},
		"two patients": {func(n int, s *dicomtest.Slice) {
			s.Extra = append(s.Extra, dicomtest.Element{Tag: 0x00100020, VR: "LO", Value: fmt.Sprint("P", n)})
		}, SeveralPatients, true},
		"synthetic": {func(_ int, s *dicomtest.Slice) {
			s.Extra = append(s.Extra, dicomtest.Element{Tag: 0x00080070, VR: "LO", Value: "Bayeslice phantom"})
		}, Synthetic, true},
		"one synthetic": {func(n int, s *dicomtest.Slice) {
			if n == 4 {
				s.Extra = append(s.Extra, dicomtest.Element{Tag: 0x00204000, VR: "LT", Value: "SYNTHETIC"})
			}
		}, Synthetic, false},
		"inverted": {func(n int, s *dicomtest.Slice) {
			s.Extra = append(s.Extra, dicomtest.Element{Tag: 0x00280004, VR: "CS", Value: "MONOCHROME1"})
		}, Inverted, true},
	} {
		e, err := Open(context.Background(), write(t, trio(c.change)), Options{})
		if err != nil {
			t.Fatal(err)
		}
		for r, id := range map[Role]string{T2W: "s4", ADC: "s7", HighB: "s8"} {
			if s := e.Chosen(r); s == nil || s.ID != id {
				t.Errorf("%s: %s is %+v", name, r, s)
			}
		}
		if _, got := codes(e)[c.code]; got != c.want {
			t.Errorf("%s: issue %s is %v, want %v", name, c.code, got, c.want)
		}
	}
}

func TestIdenticalRepeatAsksTheUser(t *testing.T) {
	files := map[string][]byte{}
	t2Slices(files, "a", "1.2.3", 6, 6, nil)
	t2Slices(files, "a", "1.2.3", 10, 6, nil)
	e, err := Open(context.Background(), write(t, files), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if i, ok := codes(e)[SeveralOfRole]; !ok || e.Chosen(T2W).ID != "s10" || !strings.Contains(i.Text, "series 6") {
		t.Errorf("T2W %s, issues %v", e.Chosen(T2W).ID, e.Issues)
	}
}

func TestIdentityStaysOut(t *testing.T) {
	files := map[string][]byte{}
	t2Slices(files, "DOE^JANE", "1.2.3", 4, 6, func(s *dicomtest.Slice) {
		s.Extra = []dicomtest.Element{{Tag: 0x00100010, VR: "PN", Value: "DOE^JANE"}, {Tag: 0x00100020, VR: "LO", Value: "4711-08"}}
	})
	files["DOE^JANE/broken DOE^JANE.dcm"] = dicomtest.Slice{}.Bytes()[:400]
	e, err := Open(context.Background(), write(t, files), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if e.Identity.PatientName != "DOE^JANE" {
		t.Errorf("name %q", e.Identity.PatientName)
	}
	text := fmt.Sprint(e.Key, e.Name, e.Issues, e.Identity) + slog.AnyValue(e.Identity).Resolve().String()
	for _, s := range e.Series {
		text += fmt.Sprint(s.ID, s.FrameOfReference, s.Problem, s.found, s.origin)
	}
	for _, secret := range []string{"DOE", "JANE", "4711", "1.2.3"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q shows in %s", secret, text)
		}
	}
	if _, ok := codes(e)[Unreadable]; !ok || len(e.Problems) != 1 {
		t.Errorf("the broken file is not reported: %v", e.Issues)
	}
}

func TestLocalizerIsListedButNoVolume(t *testing.T) {
	files := trio(func(int, *dicomtest.Slice) {})
	for n, o := range [][6]float64{{1, 0, 0, 0, 1, 0}, {0, 1, 0, 0, 0, -1}, {1, 0, 0, 0, 0, -1}} {
		for i := range 2 {
			s := dicomtest.Slice{Series: "1.2.3.1", Number: 1, Instance: 2*n + i, Description: "t2_tse", Orientation: o,
				Position: [3]float64{3 * float64(i), 3 * float64(i), 3 * float64(i)}}
			files[fmt.Sprintf("exam/loc%d%d.dcm", n, i)] = s.Bytes()
		}
	}
	steps := Progress{}
	e, err := Open(context.Background(), write(t, files), Options{Progress: func(p Progress) { steps = p }})
	if err != nil {
		t.Fatal(err)
	}
	s := e.Series[0]
	if s.Number != 1 || s.Kind != Localizer || s.Volume != nil || s.Images != 6 || !strings.Contains(s.Problem, "3 slice orientations") || len(e.Series) != 4 {
		t.Errorf("localizer %+v of %d series", s, len(e.Series))
	}
	for _, code := range []string{MixedOrientation, NotAVolume} {
		if i, ok := codes(e)[code]; !ok || i.Severity != Note {
			t.Errorf("%s: %+v", code, i)
		}
	}
	if steps.Done != steps.Total || steps.Total != 18 {
		t.Errorf("progress ended at %+v, want 18 of 18", steps)
	}
	if _, err := e.With(T2W, s.ID); !errors.Is(err, ErrNoSuch) {
		t.Errorf("a localizer as T2W: %v", err)
	}
}

func TestManyTimePointsAreNotListedOneByOne(t *testing.T) {
	files := map[string][]byte{}
	for p := range 20 {
		t2Slices(files, fmt.Sprint("exam/", p), "1.2.3", 12, 5, func(s *dicomtest.Slice) {
			s.Description, s.Instance = "twist", 100*p+s.Instance
		})
	}
	e, err := Open(context.Background(), write(t, files), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if i, ok := codes(e)[TimePoints]; !ok || !strings.Contains(i.Text, "the other 19 (95 images)") || len(e.Series) != 1 || e.Series[0].Excluded == "" {
		t.Errorf("issues %v, %d series", e.Issues, len(e.Series))
	}
}

func TestShorterBValueIsNamed(t *testing.T) {
	files := map[string][]byte{}
	for i, b := range []string{"50", "1400"} {
		t2Slices(files, fmt.Sprint("exam/", b), "1.2.3", 6, 7-i, func(s *dicomtest.Slice) {
			s.Description, s.Instance = "ep2d_diff", 100*i+s.Instance
			s.Extra = []dicomtest.Element{{Tag: 0x0019100C, VR: "IS", Value: b}}
		})
	}
	e, err := Open(context.Background(), write(t, files), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if i, ok := codes(e)[MissingSlice]; !ok || i.Severity != Warning || i.Series != "s6-b1400" || !strings.Contains(i.Text, "6 slices at b = 1400 and 7") {
		t.Errorf("issues %v", e.Issues)
	}
}
