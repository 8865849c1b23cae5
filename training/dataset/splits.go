package dataset

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"

	"bayeslice/internal/imageio/codec"
)

const (
	splitsFormat = 1
	splitsStream = 0x666f6c6473 // tells the numbers of the folds from others of the same seed
	maxSplits    = 64 << 20     // bytes of a file of folds
	maxFolds     = 1000
)

// Patient is who one or several exams are of.
type Patient struct {
	ID       string // any name that tells patients apart; it is not written
	Exams    []string
	Positive bool // one of the exams has csPCa
}

// Splits says which exams validate in each fold of each run. In a run every exam validates exactly once,
// and all exams of a patient validate together.
type Splits struct {
	Format     int          `json:"format"`
	Seed       uint64       `json:"seed"`
	Folds      int          `json:"folds"`
	Runs       int          `json:"runs"`
	Validation [][][]string `json:"validation"` // by run and fold: names of exams, sorted
}

// MakeSplits deals the patients out to folds, anew in each run. Numbers of patients with csPCa differ by at
// most one between the folds of a run, and so do numbers of patients. It depends on the seed and on the
// patients, not on their order. It fails with [ErrSplits] for less than two folds or a run, for fewer
// patients than folds, and where two exams have one name.
func MakeSplits(patients []Patient, folds, runs int, seed uint64) (Splits, error) {
	switch {
	case folds < 2 || folds > maxFolds || runs < 1 || runs > maxFolds:
		return Splits{}, fmt.Errorf("%w: %d folds and %d runs; choose 2 to %d folds and at least one run", ErrSplits, folds, runs, maxFolds)
	case len(patients) < folds:
		return Splits{}, fmt.Errorf("%w: there are fewer patients (%d) than folds (%d); add exams, choose fewer folds, or, where anonymisation gave several patients one ID, name the patients in a list of the exams", ErrSplits, len(patients), folds)
	}
	seen := map[string]bool{}
	for _, p := range patients {
		for _, name := range p.Exams {
			if seen[name] {
				return Splits{}, fmt.Errorf("%w: two exams are called %q; rename one of them", ErrSplits, name)
			}
			seen[name] = true
		}
	}
	sorted := slices.Clone(patients)
	slices.SortFunc(sorted, func(a, b Patient) int { return cmp.Compare(a.ID, b.ID) })
	s := Splits{Format: splitsFormat, Seed: seed, Folds: folds, Runs: runs, Validation: make([][][]string, runs)}
	for run := range runs {
		s.Validation[run] = deal(sorted, folds, rand.New(rand.NewPCG(seed^splitsStream, uint64(run))))
	}
	return s, nil
}

// deal shuffles the patients and gives them to the folds in turn, those with csPCa first.
func deal(patients []Patient, folds int, rng *rand.Rand) [][]string {
	order := rng.Perm(len(patients))
	slices.SortStableFunc(order, func(a, b int) int {
		switch pa, pb := patients[a].Positive, patients[b].Positive; {
		case pa == pb:
			return 0
		case pa:
			return -1
		}
		return 1
	})
	out := make([][]string, folds)
	for n, i := range order {
		out[n%folds] = append(out[n%folds], patients[i].Exams...)
	}
	for f := range out {
		slices.Sort(out[f])
	}
	return out
}

// Fold returns the names of the exams that validate in a fold of a run, both counted from 0. It fails with
// [ErrSplits] where there is no such fold.
func (s Splits) Fold(run, fold int) ([]string, error) {
	if run < 0 || run >= s.Runs || fold < 0 || fold >= s.Folds {
		return nil, fmt.Errorf("%w: there is no fold %d of run %d; choose a fold below %d and a run below %d, counted from 0", ErrSplits, fold, run, s.Folds, s.Runs)
	}
	return s.Validation[run][fold], nil
}

// Check reports, as [ErrSplits], where the folds do not fit the patients: an exam that is missing or
// unknown, or that validates twice in a run, a patient on both sides.
func (s Splits) Check(patients []Patient) error {
	owner := map[string]string{}
	for _, p := range patients {
		for _, name := range p.Exams {
			owner[name] = p.ID
		}
	}
	for run, folds := range s.Validation {
		if err := checkRun(folds, run, owner); err != nil {
			return err
		}
	}
	return nil
}

// checkRun checks the folds of one run; owner is the patient of each exam.
func checkRun(folds [][]string, run int, owner map[string]string) error {
	seen, foldOf := map[string]bool{}, map[string]int{}
	for f, names := range folds {
		for _, name := range names {
			id, known := owner[name]
			if !known {
				return fmt.Errorf("%w: it lists the exam %s, which is not among the data; give the data it was made for, or another file", ErrSplits, name)
			}
			if seen[name] {
				return fmt.Errorf("%w: the exam %s validates twice in run %d; restore the file, or move it away to have another one made", ErrSplits, name, run)
			}
			if other, ok := foldOf[id]; ok && other != f {
				return fmt.Errorf("%w: exams of one patient, %s among them, are in two folds of run %d; move the file away to have another one made", ErrSplits, name, run)
			}
			seen[name], foldOf[id] = true, f
		}
	}
	for _, name := range slices.Sorted(maps.Keys(owner)) {
		if !seen[name] {
			return fmt.Errorf("%w: it was made without the exam %s; take the exam out, or move the file away to have another one made", ErrSplits, name)
		}
	}
	return nil
}

// WriteSplits writes the folds as JSON, whole or not at all.
func WriteSplits(path string, s Splits) error { return writeSplits(path, s, codec.WriteFile) }

func writeSplits(path string, s Splits, keep func(string, func(io.Writer) error) error) error {
	data, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return fmt.Errorf("dataset: write the folds: %w", err)
	}
	return keep(path, func(w io.Writer) error {
		_, err := w.Write(append(data, '\n'))
		return err
	})
}

// ReadSplits reads what [WriteSplits] wrote. It fails with [ErrSplits] where the file is damaged or of another
// format, or with the operating system's error. Whether it fits the exams is for [Splits.Check] to say.
func ReadSplits(path string) (Splits, error) {
	data, err := readSmall(path, maxSplits, ErrSplits)
	if err != nil {
		return Splits{}, err
	}
	return parseSplits(data)
}

// parseSplits reads the JSON of the folds.
func parseSplits(data []byte) (Splits, error) {
	var s Splits
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&s); err != nil {
		return Splits{}, fmt.Errorf("%w: it is no JSON of folds (%w); restore the file, or move it away to have another one made", ErrSplits, err)
	}
	if s.Format != splitsFormat {
		return Splits{}, fmt.Errorf("%w: its format is %d and this program reads %d; update the program, or move the file away", ErrSplits, s.Format, splitsFormat)
	}
	whole := s.Runs >= 1 && s.Folds >= 2 && len(s.Validation) == s.Runs
	for _, folds := range s.Validation {
		whole = whole && len(folds) == s.Folds
	}
	if !whole {
		return Splits{}, fmt.Errorf("%w: it does not hold %d folds in each of %d runs; restore the file, or move it away to have another one made", ErrSplits, s.Folds, s.Runs)
	}
	return s, nil
}

// splits reads the file of the folds, or makes and writes it. Where there is no name for a file, nothing is written.
func (o *Options) splits(patients []Patient) (Splits, error) {
	if o.Splits == "" {
		return MakeSplits(patients, o.Folds, o.Runs, o.SplitSeed)
	}
	s, err := ReadSplits(o.Splits)
	if errors.Is(err, fs.ErrNotExist) {
		if s, err = MakeSplits(patients, o.Folds, o.Runs, o.SplitSeed); err != nil {
			return Splits{}, err
		}
		return s, writeSplits(o.Splits, s, o.keeper())
	}
	if err == nil {
		err = s.Check(patients)
	}
	if err != nil {
		return Splits{}, fmt.Errorf("%w (the file is %s)", err, o.Splits)
	}
	return s, nil
}

// keeper writes the file of the folds: in the cache for the user alone, since it lists the names of exams.
func (o *Options) keeper() func(path string, write func(io.Writer) error) error {
	if o.Splits == o.ownSplits() {
		return codec.WritePrivateFile
	}
	return codec.WriteFile
}

// ownSplits names the file of the folds in the cache: one for each data set, by where it is or what its
// phantoms are, and for each way to deal it out.
func (o *Options) ownSplits() string {
	what := o.Path
	if full, err := filepath.Abs(o.Path); err == nil && o.Path != "" {
		what = full
		if real, err := filepath.EvalSymlinks(full); err == nil {
			what = real
		}
	}
	for _, p := range o.Phantoms {
		what += fmt.Sprintf("|%d", p.Seed)
	}
	sum := sha256.Sum256([]byte(what))
	return filepath.Join(o.Cache, fmt.Sprintf("splits-%x-%dx%d-%d.json", sum[:6], o.Folds, o.Runs, o.SplitSeed))
}

// readSmall reads a file of at most limit bytes; a larger one fails with kind.
func readSmall(path string, limit int64, kind error) ([]byte, error) {
	data, err := codec.ReadSmall(path, limit)
	if errors.Is(err, codec.ErrTooLarge) {
		return nil, fmt.Errorf("%w: %s has more than %d MB; check that it is the right file", kind, filepath.Base(path), limit>>20)
	}
	if err != nil {
		return nil, fmt.Errorf("dataset: %w", err)
	}
	return data, nil
}

// some joins names for a sentence, at most six of them.
func some(names []string) string {
	const most = 6
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}
