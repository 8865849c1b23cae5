package exam

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Values of series with real-world value mappings are those that pydicom and NumPy find in the same files (testdata/realworld.py):
// by the mapping where its unit is one of the kind of image, else by the modality rescale, and then a sentence names the code.
func TestRealWorldValueMaps(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "realworld.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]struct {
		Mapped      bool
		First, Last []float64
		Sum         float64
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	e, err := Open(t.Context(), filepath.Join("testdata", "realworld.zip"), Options{})
	if err != nil || len(e.Series) != len(want) {
		t.Fatalf("%v, %d series, want %d", err, len(e.Series), len(want))
	}
	said := map[string]string{} // by series
	for _, i := range e.Issues {
		if i.Code == RealWorldUnused {
			said[i.Series] = i.Text
		}
		if i.Code == Inverted {
			t.Errorf("%s: mapped values are called mirrored: %s", i.Series, i.Text)
		}
	}
	for _, s := range e.Series {
		w, factor, data := want[s.Description], 1.0, s.Volume.Data()
		if s.Description == "adc two maps" {
			factor = 1e6 // from mm²/s
		}
		sum := 0.0
		for _, v := range data {
			sum += float64(v)
		}
		near := func(got, want float64) bool { return math.Abs(got-want*factor) <= 1e-5*math.Abs(want*factor) }
		if !near(sum, w.Sum) {
			t.Errorf("%s: the values add up to %g, want %g", s.Description, sum, w.Sum*factor)
		}
		for i := range 4 {
			if !near(float64(data[i]), w.First[i]) || !near(float64(data[len(data)-4+i]), w.Last[i]) {
				t.Errorf("%s: %v … %v, want %v … %v", s.Description, data[:4], data[len(data)-4:], w.First, w.Last)
			}
		}
		if w.Mapped != (said[s.ID] == "") {
			t.Errorf("%s: %q", s.Description, said[s.ID])
		}
	}
	for id, parts := range map[string][]string{
		"s3": {`"ADU-7" (scheme "99ACME", meaning "Acme diffusion units")`, "no unit of an ADC map that is known here", "rescale slope", "judged by their size"},
		"s4": {`"um2/s" (scheme "UCUM")`, "by a table"}, "s5": {"in pieces"}, "s9": {"not in every slice"},
		"s8": {`"mm2/s" (scheme "UCUM")`, "no unit of an image of diffusion", "rescale slope", "before you rely on them"},
	} {
		for _, part := range parts {
			if !strings.Contains(said[id], part) {
				t.Errorf("%s says %q, without %q", id, said[id], part)
			}
		}
	}
}
