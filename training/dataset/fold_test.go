package dataset

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"bayeslice/internal/modelcard"
	"bayeslice/training"
)

func TestDrawsAreEpochsThatDependOnTheNumberAlone(t *testing.T) {
	root := t.TempDir()
	names := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i"}
	writeAnatomy(t, root, names...)
	o := options(t, modelcard.Anatomy, root)
	d := open(t, o)
	data, err := d.Fold(1, 2, 5, training.Paper().Augmentation)
	if err != nil {
		t.Fatal(err)
	}
	held := d.Splits().Validation[1][2]
	if data.Validation.Len() != len(held) || data.Origin.Exams != len(names)-len(held) || data.Origin.Folds != 3 || data.Origin.Fold != 2 {
		t.Fatalf("origin = %+v, %d held out", data.Origin, data.Validation.Len())
	}
	n := uint64(data.Origin.Exams)
	var sequence []*training.Example
	var orders []string
	for epoch := range uint64(6) {
		order := ""
		for i := range n {
			x := draw(t, data.Train, epoch*n+i)
			if slices.Contains(held, x.Exam) || strings.Contains(order, x.Exam) {
				t.Fatalf("epoch %d: %s is held out or drawn twice", epoch, x.Exam)
			}
			order += x.Exam
			sequence = append(sequence, x)
		}
		orders = append(orders, order)
	}
	slices.Sort(orders)
	if len(slices.Compact(orders)) < 4 {
		t.Errorf("the epochs have the orders %v", orders)
	}
	// A later run, opened anew with hardly any memory, draws the same from the middle on, in any order.
	o.Memory = 1
	again, err := open(t, o).Fold(1, 2, 5, training.Paper().Augmentation)
	if err != nil {
		t.Fatal(err)
	}
	if again.Origin.Fingerprint != data.Origin.Fingerprint || len(data.Origin.Fingerprint) != 64 {
		t.Errorf("fingerprints %q, %q", data.Origin.Fingerprint, again.Origin.Fingerprint)
	}
	for _, at := range []uint64{17, 3, 30, 17} {
		x := draw(t, again.Train, at)
		if x.Exam != sequence[at].Exam || !slices.Equal(x.Image.F32, sequence[at].Image.F32) || !slices.Equal(x.Label, sequence[at].Label) {
			t.Errorf("draw %d differs", at)
		}
	}
	other, err := d.Fold(1, 2, 6, training.Paper().Augmentation)
	if err != nil {
		t.Fatal(err)
	}
	if other.Origin.Fingerprint == data.Origin.Fingerprint || slices.Equal(draw(t, other.Train, 0).Image.F32, sequence[0].Image.F32) {
		t.Error("another seed draws the same")
	}
}

func draw(t *testing.T, s training.Source, n uint64) *training.Example {
	t.Helper()
	x, err := s.Draw(context.Background(), n)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestFoldsThatAreNotThereAreRefused(t *testing.T) {
	root := t.TempDir()
	writeAnatomy(t, root, "a", "b", "c")
	d := open(t, options(t, modelcard.Anatomy, root))
	for _, at := range [][2]int{{2, 0}, {0, 3}, {-1, 0}, {0, -1}} {
		if _, err := d.Fold(at[0], at[1], 1, training.Augmentation{}); !errors.Is(err, ErrSplits) {
			t.Errorf("run %d, fold %d: %v", at[0], at[1], err)
		}
	}
	data, err := d.Fold(0, 0, 1, training.Augmentation{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := data.Validation.Example(context.Background(), 1); err == nil {
		t.Error("a validation exam that is not there was given")
	}
}

func TestEveryOriginSaysWhatItIs(t *testing.T) {
	root := t.TempDir()
	writeDiagnosis(t, root, "a", "b", "c")
	data, err := open(t, options(t, modelcard.Diagnosis, root)).Fold(0, 0, 1, training.Augmentation{})
	if err != nil {
		t.Fatal(err)
	}
	o := data.Origin
	if o.Kind != "nnU-Net" || o.Synthetic || o.Description != "3 exams of an nnU-Net raw dataset, 2 with csPCa" {
		t.Errorf("origin = %+v", o)
	}
}

// Copies of one exam under two names, and exams that a list gives to one patient, stay on one side.
func TestCopiesAndListedPatientsStayTogether(t *testing.T) {
	root := t.TempDir()
	names := []string{"a", "b", "c", "d", "e", "f"}
	writeAnatomy(t, root, names...)
	for _, part := range []string{"imagesTr/%_0000.nii.gz", "labelsTr/%.nii.gz"} {
		data, err := os.ReadFile(filepath.Join(root, strings.ReplaceAll(part, "%", "a")))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, strings.ReplaceAll(part, "%", "twin")), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	list := filepath.Join(t.TempDir(), "patients.csv")
	saveText(t, "patient,exam\nP1,b\nP1,c\nP1,twin\n", list)
	o := options(t, modelcard.Anatomy, root)
	o.Manifest, o.Runs = list, 8
	d := open(t, o)
	for run, folds := range d.Splits().Validation {
		for _, names := range folds {
			count := 0
			for _, name := range []string{"a", "twin", "b", "c"} {
				if slices.Contains(names, name) {
					count++
				}
			}
			if count != 0 && count != 4 {
				t.Errorf("run %d: %v parts one patient", run, names)
			}
		}
	}
}

func TestPICAICaseNamesTellPatients(t *testing.T) {
	root := t.TempDir()
	writeAnatomy(t, root, "10000_1000000", "10000_1000001", "10001_1000002", "10002_1000003", "10003_1000004")
	o := options(t, modelcard.Anatomy, root)
	o.Runs = 8
	for run, folds := range open(t, o).Splits().Validation {
		for _, names := range folds {
			if slices.Contains(names, "10000_1000000") != slices.Contains(names, "10000_1000001") {
				t.Errorf("run %d: %v parts patient 10000", run, names)
			}
		}
	}
}

func TestMemoryKeepsWhatWasUsedLast(t *testing.T) {
	root := t.TempDir()
	writeAnatomy(t, root, "a", "b", "c", "d")
	d := open(t, options(t, modelcard.Anatomy, root))
	x := every(t, d)
	each := (&remembered{example: x["a"]}).bytes()
	m := newMemory(2*each + 1)
	m.put("a", x["a"])
	m.put("b", x["b"])
	m.get("a")
	m.put("c", x["c"])
	if m.get("a") == nil || m.get("b") != nil || m.get("c") == nil || m.used != 2*each {
		t.Errorf("kept a %t, b %t, c %t, %d bytes", m.get("a") != nil, m.get("b") != nil, m.get("c") != nil, m.used)
	}
	m.put("a", x["a"])
	if m.used != 2*each || m.order.Len() != 2 {
		t.Error("kept twice")
	}
}

// Several workers draw at once, and each gets what a single one would get.
func TestDrawingAtOnceChangesNothing(t *testing.T) {
	root := t.TempDir()
	writeAnatomy(t, root, "a", "b", "c", "d", "e", "f")
	o := options(t, modelcard.Anatomy, root)
	o.Memory = 3 * 5 * 12 * 12 * 6 // three examples of four
	data, err := open(t, o).Fold(0, 0, 9, training.Paper().Augmentation)
	if err != nil {
		t.Fatal(err)
	}
	const draws = 24
	want := make([]*training.Example, draws)
	for n := range want {
		want[n] = draw(t, data.Train, uint64(n))
	}
	var g errgroup.Group
	for n := range draws {
		g.Go(func() error {
			x, err := data.Train.Draw(context.Background(), uint64(n))
			if err != nil {
				return err
			}
			if x.Exam != want[n].Exam || !slices.Equal(x.Image.F32, want[n].Image.F32) {
				t.Errorf("draw %d differs", n)
			}
			_, err = data.Validation.Example(context.Background(), n%data.Validation.Len())
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}

// Training examples are augmented, validation examples are what preparation made.
func TestOnlyTrainingExamplesAreAugmented(t *testing.T) {
	root := t.TempDir()
	writeAnatomy(t, root, "a", "b", "c")
	d := open(t, options(t, modelcard.Anatomy, root))
	plain := every(t, d)
	data, err := d.Fold(0, 0, 1, training.Paper().Augmentation)
	if err != nil {
		t.Fatal(err)
	}
	for n := range uint64(4) {
		if x := draw(t, data.Train, n); slices.Equal(x.Image.F32, plain[x.Exam].Image.F32) {
			t.Errorf("draw %d is not augmented", n)
		}
	}
	x, err := data.Validation.Example(context.Background(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(x.Image.F32, plain[x.Exam].Image.F32) {
		t.Error("a validation example is augmented")
	}
	still, err := d.Fold(0, 0, 1, training.Augmentation{})
	if err != nil {
		t.Fatal(err)
	}
	if x := draw(t, still.Train, 0); !slices.Equal(x.Image.F32, plain[x.Exam].Image.F32) {
		t.Error("without augmentation the example is changed")
	}
}
