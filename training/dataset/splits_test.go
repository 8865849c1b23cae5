package dataset

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"bayeslice/internal/modelcard"
)

// hospital makes n patients, every third with two exams and every fourth with cancer.
func hospital(n int) []Patient {
	var out []Patient
	for i := range n {
		p := Patient{ID: fmt.Sprintf("patient %d", i), Exams: []string{fmt.Sprintf("exam %d", i)}, Positive: i%4 == 0}
		if i%3 == 0 {
			p.Exams = append(p.Exams, fmt.Sprintf("exam %d again", i))
		}
		out = append(out, p)
	}
	return out
}

func TestSplitsAreFairInEveryRun(t *testing.T) {
	for _, n := range []int{5, 7, 23, 50} {
		all := hospital(n)
		s, err := MakeSplits(all, 5, 3, 11)
		if err != nil {
			t.Fatal(err)
		}
		for run := range 3 {
			seen := map[string]int{}
			var patients, positive []int
			for f := range 5 {
				names, err := s.Fold(run, f)
				if err != nil {
					t.Fatal(err)
				}
				n, p := 0, 0
				for _, who := range all {
					in := 0
					for _, e := range who.Exams {
						if slices.Contains(names, e) {
							in++
							seen[e]++
						}
					}
					if in != 0 && in != len(who.Exams) {
						t.Errorf("run %d, fold %d: %s is on both sides", run, f, who.ID)
					}
					if in > 0 {
						n++
						if who.Positive {
							p++
						}
					}
				}
				patients, positive = append(patients, n), append(positive, p)
			}
			for _, who := range all {
				for _, e := range who.Exams {
					if seen[e] != 1 {
						t.Errorf("run %d: %s validates %d times", run, e, seen[e])
					}
				}
			}
			if slices.Max(patients)-slices.Min(patients) > 1 || slices.Max(positive)-slices.Min(positive) > 1 {
				t.Errorf("%d patients, run %d: folds of %v, with cancer %v", n, run, patients, positive)
			}
		}
		if n > 10 && (reflect.DeepEqual(s.Validation[0], s.Validation[1]) || reflect.DeepEqual(s.Validation[1], s.Validation[2])) {
			t.Error("two runs have the same folds")
		}
	}
}

func TestSplitsDependOnTheSeedAndNotOnTheOrder(t *testing.T) {
	all := hospital(20)
	a, err := MakeSplits(all, 5, 3, 1)
	if err != nil {
		t.Fatal(err)
	}
	reversed := slices.Clone(all)
	slices.Reverse(reversed)
	b, err := MakeSplits(reversed, 5, 3, 1)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, b) {
		t.Error("the order of the patients matters")
	}
	c, err := MakeSplits(all, 5, 3, 2)
	if err != nil {
		t.Fatal(err)
	}
	if reflect.DeepEqual(a.Validation, c.Validation) {
		t.Error("the seed does not matter")
	}
	path := filepath.Join(t.TempDir(), "splits.json")
	if err := WriteSplits(path, a); err != nil {
		t.Fatal(err)
	}
	back, err := ReadSplits(path)
	if err != nil || !reflect.DeepEqual(a, back) {
		t.Errorf("read back: %v", err)
	}
	if err := back.Check(all); err != nil {
		t.Errorf("check: %v", err)
	}
}

func TestSplitsAreRefusedWithASentence(t *testing.T) {
	all := hospital(6)
	for words, make := range map[string]func() error{
		"1 folds":                           func() error { _, err := MakeSplits(all, 1, 3, 1); return err },
		"fewer patients (6) than folds (7)": func() error { _, err := MakeSplits(all, 7, 1, 1); return err },
		"two exams are called":              func() error { _, err := MakeSplits(append(all, all[0]), 2, 1, 1); return err },
		"no fold 2 of run 0": func() error {
			s, _ := MakeSplits(all, 2, 1, 1)
			_, err := s.Fold(0, 2)
			return err
		},
		"exam 5, which is not among the data": func() error { s, _ := MakeSplits(all, 2, 1, 1); return s.Check(all[:5]) },
		"made without the exam exam 5":        func() error { s, _ := MakeSplits(all[:5], 2, 1, 1); return s.Check(all) },
		"validates twice": func() error {
			s, _ := MakeSplits(all, 2, 1, 1)
			s.Validation[0][0] = append(s.Validation[0][0], s.Validation[0][0][0])
			return s.Check(all)
		},
		"exams of one patient": func() error {
			s, _ := MakeSplits(all, 2, 1, 1)
			merged := append(slices.Clone(all[2:]), Patient{ID: "x", Exams: []string{"exam 0", "exam 0 again", "exam 1"}})
			merged = append(merged, Patient{ID: "y"})
			for _, at := range [][]string{s.Validation[0][0], s.Validation[0][1]} {
				if slices.Contains(at, "exam 0") && slices.Contains(at, "exam 1") {
					merged[len(merged)-2].Exams = []string{"exam 0", "exam 0 again", "exam 1", "exam 2"}
					merged = merged[1:]
				}
			}
			return s.Check(merged)
		},
		"no JSON of folds": func() error { _, err := parseSplits([]byte("{")); return err },
		"format is 9":      func() error { _, err := parseSplits([]byte(`{"format": 9}`)); return err },
		"does not hold":    func() error { _, err := parseSplits([]byte(`{"format": 1, "folds": 2, "runs": 1}`)); return err },
	} {
		if err := make(); !errors.Is(err, ErrSplits) || !strings.Contains(err.Error(), words) {
			t.Errorf("error = %v, want one that says %q", err, words)
		}
	}
}

// The file is written by whoever comes first, and everybody after has its folds, whatever the recipe, the
// task and the seed.
func TestSplitsAreTheSameForEveryConfiguration(t *testing.T) {
	root := t.TempDir()
	writeDiagnosis(t, root, "a", "b", "c", "d", "e", "f", "g")
	o := options(t, modelcard.Diagnosis, root)
	o.Splits = filepath.Join(t.TempDir(), "mine.json")
	first := open(t, o).Splits()
	o.Recipe.Size, o.SplitSeed = [3]int{10, 10, 6}, 99
	o.Cache = t.TempDir()
	if again := open(t, o).Splits(); !reflect.DeepEqual(first, again) {
		t.Error("another configuration has other folds")
	}
	if err := os.Remove(filepath.Join(root, "labelsTr", "g.mha")); err != nil {
		t.Fatal(err)
	}
	o.Skip = true
	d := open(t, o)
	if len(d.Skipped()) != 1 || len(d.Exams()) != 6 || !reflect.DeepEqual(first, d.Splits()) {
		t.Errorf("after one exam became unusable: %d left out, %d used, or other folds", len(d.Skipped()), len(d.Exams()))
	}
	writeDiagnosis(t, root, "a", "b", "c", "d", "e", "f", "g", "h")
	refused(t, o, ErrSplits, "made without the exam h", "mine.json")
	// without a name of its own the file lies in the cache, one for each way to deal the exams out
	o.Splits = ""
	if again := open(t, o).Splits(); again.Folds != 3 {
		t.Errorf("folds = %d", again.Folds)
	}
	o.Folds = 4
	if again := open(t, o).Splits(); again.Folds != 4 {
		t.Errorf("folds = %d", again.Folds)
	}
}
