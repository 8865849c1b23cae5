package dataset

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"bayeslice/internal/modelcard"
	"bayeslice/training"
)

// Readers of files make values that are not finite 0; an image that comes from elsewhere is refused too.
func TestImagesThatAreNotFiniteAreRefusedWhereverTheyComeFrom(t *testing.T) {
	o := Options{Task: modelcard.Anatomy, Recipe: phantomRecipe(modelcard.Anatomy)}
	d := &Dataset{options: o, shape: shapeOf(o.Task, o.Recipe), memory: newMemory(1)}
	made := generated(t, tinyPhantom(1))
	p, err := o.pairOf(made)
	if err != nil {
		t.Fatal(err)
	}
	data := made.T2W.Data() // nobody else has this phantom
	data[len(data)/2] = float32(math.NaN())
	table := newTable("")
	table.class[1], table.class[2] = 1, 2
	s := &source{name: "odd", table: table, generate: func(context.Context) (*pair, error) { return p, nil }}
	_, _, err = d.make(context.Background(), s)
	if !errors.Is(err, training.ErrExample) || !strings.Contains(err.Error(), "odd") || !strings.Contains(err.Error(), "not finite") {
		t.Errorf("error = %v", err)
	}
}

// One ID for all patients is told, since it may come from anonymisation.
func TestOnePatientWithMostExamsIsTold(t *testing.T) {
	d := &Dataset{options: Options{Folds: 5}}
	big := Patient{ID: "ANON"}
	for i := range 8 {
		big.Exams = append(big.Exams, fmt.Sprint("exam ", i))
	}
	d.noteLarge([]Patient{big, {ID: "x", Exams: []string{"y"}}}, 9)
	if got := d.Issues(); len(got) != 1 || !strings.Contains(got[0].Text, "it and 7 more of 9 exams are of one patient") {
		t.Errorf("issues = %v", got)
	}
	d = &Dataset{options: Options{Folds: 5}}
	d.noteLarge(hospital(30), 40)
	if got := d.Issues(); len(got) != 0 {
		t.Errorf("issues = %v", got)
	}
}

// A patient is known by the list, else by the images' ID; copies and unusable exams count too.
func TestPatientsAreGroupedByEverythingThatIsKnown(t *testing.T) {
	of := func(id, images string, foreground int) *entry {
		return &entry{prints: prints{images: images}, about: about{Patient: id, Voxels: []int{9, foreground}}}
	}
	sources := []*source{{name: "a"}, {name: "b"}, {name: "c", patient: "L"}, {name: "d", patient: "L"}, {name: "e"}, {name: "f"}, {name: "g"}}
	entries := []*entry{of("1", "A", 0), of("1", "B", 3), of("2", "C", 0), nil, of("2", "C", 0), of("", "F", 0), nil}
	got := fmt.Sprint(patients(sources, entries))
	// c is listed as L, so that its image's ID does not count; e is a copy of c and has the ID 2.
	want := fmt.Sprint([]Patient{{ID: "a", Exams: []string{"a", "b"}, Positive: true}, {ID: "c", Exams: []string{"c", "d", "e"}}, {ID: "f", Exams: []string{"f"}}, {ID: "g", Exams: []string{"g"}}})
	if got != want {
		t.Errorf("patients = %s, want %s", got, want)
	}
	if a, b := patientHash("12345"), patientHash("12346"); a == b || len(a) != 16 || strings.Contains(a, "12345") || patientHash("") != "" {
		t.Errorf("hashes %q, %q", a, b)
	}
}

func FuzzLists(f *testing.F) {
	f.Add([]byte(anatomyV2), true)
	f.Add([]byte(`{"modality": {"0": "T2"}, "labels": {"0": "background", "1": "PZ", "2": "TZ"}}`), true)
	f.Add([]byte(`{"channel_names": {"0": "T2", "1": "ADC", "2": "b800"}, "labels": {"background": 0, "prostate": [1, 2], "lesion": 2}, "dataset": {"a": {"images": ["x"], "label": "y"}}}`), true)
	f.Add([]byte("exam,mask\na,b\n"), false)
	f.Add([]byte("exam;mask;patient\na;b;c\n"), false)
	f.Add([]byte(`[{"exam": "a"}]`), true)
	f.Add([]byte(`{"format": 1, "seed": 3, "folds": 2, "runs": 1, "validation": [[["a"], ["b"]]]}`), true)
	f.Fuzz(func(t *testing.T, data []byte, isJSON bool) {
		if rows, err := parseManifest(data, isJSON); err == nil && len(rows) == 0 {
			t.Error("a list without exams was accepted")
		} else if err != nil && !errors.Is(err, ErrData) {
			t.Errorf("manifest: %v", err)
		}
		if s, err := parseSplits(data); err == nil {
			_, _ = s.Fold(0, 0)
			_ = s.Check([]Patient{{ID: "a", Exams: []string{"a"}}})
		} else if !errors.Is(err, ErrSplits) {
			t.Errorf("folds: %v", err)
		}
		j, err := parseNNUNet(data)
		if err != nil {
			if !errors.Is(err, ErrData) {
				t.Errorf("dataset.json: %v", err)
			}
			return
		}
		for _, task := range []modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis} {
			o := Options{Task: task, Recipe: smallRecipe(task)}
			if _, err := j.channelRoles(&o); err != nil && !errors.Is(err, ErrData) {
				t.Errorf("channels: %v", err)
			}
			if _, err := j.table(&o); err != nil && !errors.Is(err, ErrData) {
				t.Errorf("labels: %v", err)
			}
		}
	})
}
