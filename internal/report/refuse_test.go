package report

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/prep"
	"bayeslice/internal/volume"
)

func TestWriteRefusesAndSaysWhatIsThere(t *testing.T) {
	ctx := context.Background()
	s := newScene(t, modelcard.Diagnosis)
	dir := t.TempDir()
	if err := Write(ctx, dir, s.exam, s.prediction, Options{}); err != nil {
		t.Fatal(err)
	}
	if err := Write(ctx, dir, s.exam, s.prediction, Options{}); !errors.Is(err, ErrExists) {
		t.Errorf("second write: error = %v, want ErrExists", err)
	}
	if err := Ready(dir, false); !errors.Is(err, ErrExists) {
		t.Errorf("Ready = %v, want ErrExists", err)
	}
	if err := Write(ctx, dir, s.exam, s.prediction, Options{Overwrite: true}); err != nil {
		t.Errorf("overwriting: %v", err)
	}

	blocked := t.TempDir() // a folder stands where a file must go
	if err := os.MkdirAll(filepath.Join(blocked, "entropy.nii.gz", "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	err := Write(ctx, blocked, s.exam, s.prediction, Options{})
	var partial *PartialError
	if !errors.As(err, &partial) || !slices.Contains(partial.Written, "sd_background.nii.gz") || slices.Contains(partial.Written, "entropy.nii.gz") ||
		!strings.Contains(err.Error(), "probability_cspca.nii.gz") {
		t.Errorf("blocked write: error = %v, want a PartialError that names the files", err)
	}
	if _, err := os.Stat(filepath.Join(blocked, ResultFile)); !errors.Is(err, os.ErrNotExist) {
		t.Error("an incomplete result has a result.json")
	}

	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Write(ctx, filepath.Join(file, "sub"), s.exam, s.prediction, Options{}); !errors.As(err, &partial) || len(partial.Written) != 0 {
		t.Errorf("write below a file: error = %v, want a PartialError without files", err)
	}
	s.prediction.Samples = 0
	if err := Write(ctx, t.TempDir(), s.exam, s.prediction, Options{}); !errors.Is(err, ErrNothing) {
		t.Errorf("without samples: error = %v, want ErrNothing", err)
	}
	delete(s.exam.Roles, exam.T2W)
	if err := Write(ctx, t.TempDir(), s.exam, s.prediction, Options{}); !errors.Is(err, prep.ErrMissingRole) {
		t.Errorf("without T2W: error = %v, want ErrMissingRole", err)
	}
}

// A diagnosis written over an anatomy leaves no map of the anatomy, and touches nothing else.
func TestOverwriteRemovesTheEarlierResultAndNothingElse(t *testing.T) {
	ctx := context.Background()
	dir := filepath.Join(t.TempDir(), "result")
	old, fresh := newScene(t, modelcard.Anatomy), newScene(t, modelcard.Diagnosis)
	if err := Write(ctx, dir, old.exam, old.prediction, Options{}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, ResultFile)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// A doctored list must not reach outside the folder, nor other people's files inside it.
	outside, notes := filepath.Join(filepath.Dir(dir), "zones.nii.gz"), filepath.Join(dir, "notes.txt")
	for _, file := range []string{outside, notes} {
		if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	doctored := strings.Replace(string(data), `"files": [`, `"files": [{"name": "../zones.nii.gz"}, {"name": "notes.txt"}, {"name": "."},`, 1)
	if err := os.WriteFile(path, []byte(doctored), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Write(ctx, dir, fresh.exam, fresh.prediction, Options{Overwrite: true}); err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{"zones.nii.gz", "probability_tz.nii.gz", "sd_pz.nii.gz"} {
		if _, err := os.Stat(filepath.Join(dir, gone)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s of the earlier result is still there (%v)", gone, err)
		}
	}
	for _, kept := range []string{outside, notes} {
		if _, err := os.Stat(kept); err != nil {
			t.Errorf("%s was removed: %v", kept, err)
		}
	}
	if err := os.WriteFile(path, []byte(`{"tests": "another program's"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Ready(dir, true); !errors.Is(err, ErrForeign) {
		t.Errorf("another program's result.json: Ready = %v, want ErrForeign", err)
	}
	if err := Write(ctx, dir, fresh.exam, fresh.prediction, Options{Overwrite: true}); !errors.Is(err, ErrForeign) {
		t.Errorf("another program's result.json: error = %v, want ErrForeign", err)
	}
}

func TestFilesWithoutAResultAreReplacedOnlyWhenAsked(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	s := newScene(t, modelcard.Anatomy)
	labels := filepath.Join(dir, "lesions.nii.gz") // as a reader's annotation may be named
	if err := os.WriteFile(labels, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Ready(dir, false); !errors.Is(err, ErrExists) || !strings.Contains(err.Error(), "lesions.nii.gz") {
		t.Errorf("Ready = %v, want ErrExists that names the file", err)
	}
	if err := Write(ctx, dir, s.exam, s.prediction, Options{Overwrite: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(labels); err != nil {
		t.Errorf("a file that is no result's was removed: %v", err)
	}

	stopped := t.TempDir() // a diagnosis of which two maps were written, then an anatomy
	for _, name := range []string{"probability_cspca.nii.gz", "sd_cspca.nii.gz"} {
		if err := os.WriteFile(filepath.Join(stopped, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := Write(ctx, stopped, s.exam, s.prediction, Options{Overwrite: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(stopped, "sd_cspca.nii.gz")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a map of the unfinished result is still there (%v)", err)
	}
}

// The bound holds for noise, which no compressor makes smaller, and refuses what is larger than any disk.
func TestRoomBoundsTheResult(t *testing.T) {
	for _, task := range []modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis} {
		s := newScene(t, task)
		random := rand.New(rand.NewPCG(1, 2))
		noise := func() *volume.Volume {
			return fill(t, s.prediction.Grid, "", func(geom.Vec3) float64 { return random.Float64() })
		}
		p := s.prediction
		for c := range p.Card.Classes {
			p.Mean[c], p.SD[c] = noise(), noise()
		}
		p.Entropy, p.ExpectedEntropy, p.MutualInformation = noise(), noise(), noise()
		dir := t.TempDir()
		if err := Write(context.Background(), dir, s.exam, p, Options{}); err != nil {
			t.Fatal(err)
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		total := uint64(0)
		for _, e := range entries {
			info, err := e.Info()
			if err != nil {
				t.Fatal(err)
			}
			total += uint64(info.Size())
		}
		grid, _ := s.exam.ReferenceGrid()
		region, err := prep.Region(p.Grid, grid)
		if err != nil {
			t.Fatal(err)
		}
		inside := uint64(bytes.Count(region.Data(), []byte{1}))
		bound := resultBytes(inside, uint64(grid.Voxels()), p.Card)
		t.Logf("%s: %.2f MB written, bound %.2f MB", task, float64(total)/1e6, float64(bound)/1e6)
		if total > bound || bound > 4*total {
			t.Errorf("%s: %d bytes written, bound %d", task, total, bound)
		}
		if err := Room(dir, s.exam, p.Grid, p.Card, Options{}); err != nil {
			t.Errorf("%s: Room = %v where there is room", task, err)
		}
	}
}

// What is written has a name that may be removed again.
func TestOwnNamesAreThoseWritten(t *testing.T) {
	for _, task := range []modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis} {
		s := newScene(t, task)
		m, err := newMaps(context.Background(), s.exam, s.prediction)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range m.files() {
			if !slices.Contains(ownNames, f.Name) {
				t.Errorf("%s is written but would never be replaced", f.Name)
			}
		}
	}
}
