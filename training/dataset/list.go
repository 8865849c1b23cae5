package dataset

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"bayeslice/internal/exam"
)

// fill checks the options and puts the defaults in.
func (o *Options) fill() error {
	switch {
	case classNames(o.Task) == nil:
		return fmt.Errorf("%w: there is no task %q; choose anatomy or diagnosis", ErrData, o.Task)
	case o.Cache == "":
		return fmt.Errorf("%w: no folder was given to keep prepared exams in; give one", ErrData)
	case o.kinds() != 1:
		return fmt.Errorf("%w: give either a folder of exams or phantoms to generate", ErrData)
	}
	if err := o.Recipe.Validate(); err != nil {
		return err
	}
	for name, role := range o.Channels {
		if _, ok := examRoles[role]; !ok && role != roleNone {
			return fmt.Errorf("%w: the channel %q is given the role %q; choose T2W, HBV, ADC or none", ErrData, name, role)
		}
	}
	o.Folds, o.Runs, o.Memory = cmp.Or(o.Folds, DefaultFolds), cmp.Or(o.Runs, DefaultRuns), cmp.Or(o.Memory, DefaultMemory)
	o.listings = map[string][]string{}
	if o.Splits == "" && len(o.Made) == 0 {
		o.Splits = o.ownSplits()
	}
	if err := os.MkdirAll(o.Cache, 0o700); err != nil {
		return fmt.Errorf("dataset: make the folder for prepared exams: %w", err)
	}
	return nil
}

// kinds counts the ways in which exams are given.
func (o *Options) kinds() (n int) {
	for _, given := range [3]bool{o.Path != "", len(o.Phantoms) > 0, len(o.Made) > 0} {
		if given {
			n++
		}
	}
	return n
}

// sorted finds the exams, in order of their names, at least one and no two of one name.
func (o *Options) sorted() (kind string, sources []*source, err error) {
	if kind, sources, err = o.list(); err != nil {
		return "", nil, err
	}
	if len(sources) == 0 {
		return "", nil, fmt.Errorf("%w: no exam was found in the folder; give a folder with one sub-folder for each exam, or an nnU-Net dataset", ErrData)
	}
	slices.SortFunc(sources, func(a, b *source) int { return cmp.Compare(a.name, b.name) })
	for i, s := range sources[1:] {
		if s.name == sources[i].name {
			return "", nil, fmt.Errorf("%w: two exams are called %q; rename one of them", ErrData, s.name)
		}
	}
	return kind, sources, nil
}

// list finds the exams and says of which kind they are.
func (o *Options) list() (kind string, sources []*source, err error) {
	if len(o.Phantoms) > 0 {
		sources, err = o.listPhantoms()
		return KindPhantoms, sources, err
	}
	if len(o.Made) > 0 {
		return KindReaders, o.listMade(), nil
	}
	info, err := os.Stat(o.Path)
	if err != nil {
		return "", nil, fmt.Errorf("dataset: %w", err)
	}
	if !info.IsDir() {
		return "", nil, fmt.Errorf("%w: %s is a file; give the folder of the exams", ErrData, filepath.Base(o.Path))
	}
	if _, err := os.Stat(filepath.Join(o.Path, datasetJSON)); err == nil {
		sources, err = o.listNNUNet()
		return KindNNUNet, sources, err
	}
	if _, err := os.Stat(filepath.Join(o.Path, imagesTr)); err == nil {
		return "", nil, fmt.Errorf("%w: the folder holds %s, but no %s, which says what channels and labels are; add it", ErrData, imagesTr, datasetJSON)
	}
	sources, err = o.listExams()
	return KindExams, sources, err
}

// examRoles are the roles of recipes as those of exams.
var examRoles = map[string]exam.Role{"T2W": exam.T2W, "HBV": exam.HighB, "ADC": exam.ADC}
