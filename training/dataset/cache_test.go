package dataset

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bayeslice/internal/modelcard"
	"bayeslice/training"
)

// cached lists the prepared files.
func cached(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.example"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestExamsArePreparedOnce(t *testing.T) {
	root := t.TempDir()
	writeAnatomy(t, root, "a", "b", "c")
	o := options(t, modelcard.Anatomy, root)
	counts := map[bool]int{}
	o.Progress = func(p Progress) { counts[p.Cached]++ }
	first := every(t, open(t, o))
	if counts[false] != 3 || counts[true] != 0 || len(cached(t, o.Cache)) != 3 {
		t.Fatalf("progress = %v", counts)
	}
	clear(counts)
	o.Memory = 1 // nothing is at hand: every example is read from the cache
	sameExamples(t, every(t, open(t, o)), first)
	if counts[true] != 3 || counts[false] != 0 {
		t.Errorf("progress of the second time = %v", counts)
	}
	// Another recipe, and another image, are other examples.
	clear(counts)
	save(t, image(t, testGrid(t), 77), root, "imagesTr", "b_0000.nii.gz")
	second := every(t, open(t, o))
	if counts[true] != 2 || counts[false] != 1 || bytes.Equal(first["b"].Label, nil) || first["b"].Image.F32[5] == second["b"].Image.F32[5] {
		t.Errorf("progress after one image changed = %v", counts)
	}
	clear(counts)
	o.Recipe.SpacingMM[0] = 2.5
	open(t, o)
	if counts[false] != 3 {
		t.Errorf("progress with another recipe = %v", counts)
	}
	for _, f := range cached(t, o.Cache) {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte("_0000")) || bytes.Contains(data, []byte(root)) {
			t.Error("a prepared file holds a name")
		}
	}
}

func TestDamagedCopiesAreMadeAnewAndReported(t *testing.T) {
	root := t.TempDir()
	writeAnatomy(t, root, "a", "b", "c")
	o := options(t, modelcard.Anatomy, root)
	o.Memory = 1
	want := every(t, open(t, o))
	for name, damage := range map[string]func(data []byte) []byte{
		"flipped bit in the image": func(d []byte) []byte { d[len(d)/2] ^= 4; return d },
		"flipped bit in the label": func(d []byte) []byte { d[len(d)-40] ^= 1; return d },
		"flipped bit at the start": func(d []byte) []byte { d[2] ^= 1; return d },
		"cut short":                func(d []byte) []byte { return d[:len(d)-7] },
		"empty":                    func([]byte) []byte { return nil },
		"longer":                   func(d []byte) []byte { return append(d, 0) },
		"another file":             func([]byte) []byte { return bytes.Repeat([]byte("x"), 9000) },
	} {
		file := cached(t, o.Cache)[1]
		spoil := func() {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, damage(data), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		spoil()
		d := open(t, o)
		if issues := d.Issues(); len(issues) != 1 || !strings.Contains(issues[0].Text, "damaged") {
			t.Errorf("%s: issues on opening = %v", name, issues)
		}
		spoil()
		sameExamples(t, every(t, d), want) // and while it is in use
		if issues := d.Issues(); len(issues) != 2 {
			t.Errorf("%s: issues after reading = %v", name, issues)
		}
		if d = open(t, o); len(d.Issues()) != 0 {
			t.Errorf("%s: the copy was not made anew: %v", name, d.Issues())
		}
	}
}

// A run must not go on with other images than those that it began with.
func TestImagesThatChangeDuringARunStopIt(t *testing.T) {
	root := t.TempDir()
	writeAnatomy(t, root, "a", "b", "c")
	o := options(t, modelcard.Anatomy, root)
	o.Memory = 1
	d := open(t, o)
	for _, f := range cached(t, o.Cache) {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
	for n, name := range []string{"a", "b", "c"} {
		save(t, image(t, testGrid(t), uint64(50+n)), root, "imagesTr", name+"_0000.nii.gz")
	}
	data, err := d.Fold(0, 0, 1, training.Augmentation{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = data.Train.Draw(context.Background(), 0)
	if !errors.Is(err, training.ErrExample) || !strings.Contains(err.Error(), "have changed") {
		t.Errorf("error = %v", err)
	}
}

func TestOpeningCanBeCancelled(t *testing.T) {
	root := t.TempDir()
	writeAnatomy(t, root, "a", "b", "c", "d", "e", "f")
	o := options(t, modelcard.Anatomy, root)
	o.Skip = true
	ctx, cancel := context.WithCancel(context.Background())
	o.Progress = func(Progress) { cancel() }
	if _, err := Open(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want that of the context", err)
	}
	if n := len(cached(t, o.Cache)); n == 0 || n == 6 {
		t.Errorf("%d exams were prepared", n)
	}
}

// A cache that cannot be written to is nothing that leaving exams out would help.
func TestACacheThatCannotBeWrittenStops(t *testing.T) {
	root := t.TempDir()
	writeAnatomy(t, root, "a", "b", "c")
	o := options(t, modelcard.Anatomy, root)
	o.Skip = true
	o.Cache = filepath.Join(root, "dataset.json", "cache")
	if _, err := Open(context.Background(), o); err == nil || errors.Is(err, training.ErrExample) {
		t.Errorf("error = %v", err)
	}
}
