// Package dataset reads exams with masks to train on: an nnU-Net raw dataset, a folder of exams with mask
// files, or generated phantoms. Each exam is prepared once, as the model's recipe says, and kept in a cache
// folder; folds are written to a file, so that every configuration is trained and checked on the same
// exams. What it finds wrong with an exam is a [training.ErrExample] that names the exam.
//
// Exams are called by the name of their folder, file or case, as the user knows them, in messages and in
// the file of the folds. Cached files hold no names.
package dataset

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/phantom"
	"bayeslice/internal/prep"
	"bayeslice/training"
)

// Sentinels of this package besides [training.ErrExample]; their texts end in what to do next.
var (
	// ErrData: the data as a whole cannot be used, or say something that is not understood.
	ErrData = errors.New("dataset: unusable data")
	// ErrSplits: the file of the folds is damaged, or does not fit the exams.
	ErrSplits = errors.New("dataset: unusable file of folds")
)

// Zones says what the values of a zone mask mean.
type Zones string

// Conventions of zone masks. TZPZ, 1 = TZ and 2 = PZ, is that of this program and the default; PZTZ, 1 = PZ
// and 2 = TZ, that of picai_labels.
const (
	TZPZ Zones = "tz-pz"
	PZTZ Zones = "pz-tz"
)

// Kinds of data, as [training.Origin] names them.
const (
	KindNNUNet   = "nnU-Net"
	KindExams    = "exams"
	KindPhantoms = "phantoms"
	KindReaders  = "simulated readers" // generated exams that simulated readers have labelled
)

// Defaults of [Options].
const (
	DefaultFolds  = 5
	DefaultRuns   = 3
	DefaultMemory = 1 << 30 // bytes
)

// Options say which exams are read, and how. Path, Phantoms or Made, Task, Recipe and Cache are needed.
type Options struct {
	// Path is the folder of an nnU-Net raw dataset (it holds dataset.json), or one whose sub-folders and
	// image files are the exams.
	Path string
	// Phantoms are exams to generate, instead of a Path; see [Cohort].
	Phantoms []phantom.Config
	// Made are exams that are generated on the model's grid, labels of simulated readers included, instead of a Path.
	Made []Made

	Task   modelcard.Task
	Recipe prep.Recipe
	// Cache is the folder for prepared exams, made where it is absent. It may serve several data sets.
	Cache string

	// Manifest is a CSV or JSON file that lists exams with their masks and patients ([ReadManifest]). For a
	// folder of exams it says which exams there are; "" takes exams.csv or exams.json in Path, where there is
	// one. For an nnU-Net dataset it gives patients alone.
	Manifest string
	// Masks is the folder of the mask files of a folder of exams; "" looks beside the images, and in folders
	// called masks or labels in Path.
	Masks string
	// MaskPattern picks among several mask files of an exam by their names, as path.Match: "zones_*".
	MaskPattern string
	// Channels gives the role, T2W, HBV or ADC, of nnU-Net channels whose names say it to nobody.
	Channels map[string]string
	// Classes gives the class ("background", "TZ", "PZ", "csPCa") of nnU-Net labels by their name, or, of
	// mask files, of values ("1"); then Zones and LesionFrom are not looked at.
	Classes map[string]string
	// Zones says what the values of zone masks in a folder of exams mean; "" is TZPZ.
	Zones Zones
	// LesionFrom is the smallest value of a lesion mask that is csPCa; 0 stands for 1. For masks that hold
	// ISUP grades it is 2.
	LesionFrom uint8

	// Splits is the JSON file of the folds. Where it exists it is read, and must fit the exams; Folds, Runs and
	// SplitSeed are not looked at then ([Dataset.Splits] says what it holds). Else it is written. "" is a file
	// in Cache that belongs to Path and to these three numbers, so that every configuration finds it. The task
	// that is opened first decides which patients count as positive where it is made: for folds of equal
	// numbers of patients with csPCa, diagnosis. Folds of Made need no file: "" makes them anew each time.
	Splits      string
	Folds, Runs int // 0: DefaultFolds, DefaultRuns
	SplitSeed   uint64

	// Skip leaves out exams that cannot be used ([Dataset.Skipped]); otherwise the first one is an error.
	Skip bool
	// Memory is how many bytes of examples are kept at hand; 0 stands for DefaultMemory.
	Memory int64
	// Progress is called with every exam done, one call at a time; it must return at once. May be nil.
	Progress func(Progress)

	shared   string              // folder of masks beside the exams, "" where there is none
	listings map[string][]string // files of the folders of masks
}

// Progress is how far [Open] has come.
type Progress struct {
	Exam        string // the one that was finished
	Cached      bool   // it had been prepared before
	Done, Total int    // exams
}

// Issue is something the user must be told about an exam that is used all the same.
type Issue struct {
	Exam, Text string
}

// Exam describes one exam of a dataset.
type Exam struct {
	Name      string
	Positive  bool  // its label has foreground on the model's grid: csPCa, in diagnosis
	Synthetic bool  // made by a computer
	Voxels    []int // of each class on the model's grid
}

// Dataset is a set of prepared exams. Its methods are safe for concurrent use.
type Dataset struct {
	options Options
	kind    string
	shape   training.Shape
	entries []*entry // usable exams, in order of their names
	skipped []error
	splits  Splits
	patient map[string]string // of each exam: the name of the patient's first exam
	memory  *memory

	mu     sync.Mutex
	issues []Issue
}

// Open finds the exams, prepares those that the cache does not hold, and reads or makes the folds. Masks and
// images are read one exam at a time per processor, so memory does not grow with the data. It fails with
// [training.ErrExample] where an exam cannot be used and Skip is not set, [ErrData] or [ErrSplits], with
// the errors of writing the cache, and with ctx's error.
func Open(ctx context.Context, o Options) (*Dataset, error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	kind, sources, err := o.sorted()
	if err != nil {
		return nil, err
	}
	d := &Dataset{options: o, kind: kind, shape: shapeOf(o.Task, o.Recipe), memory: newMemory(o.Memory)}
	patients, err := d.prepareAll(ctx, sources)
	if err != nil {
		return nil, err
	}
	if len(d.entries) == 0 {
		return nil, fmt.Errorf("%w: none of the %d exams can be used; the first because: %w", ErrData, len(sources), d.skipped[0])
	}
	if d.splits, err = o.splits(patients); err != nil {
		return nil, err
	}
	d.patient = map[string]string{}
	for _, p := range patients {
		for _, name := range p.Exams {
			d.patient[name] = p.ID
		}
	}
	return d, nil
}

// shapeOf returns what the examples of a task have in common.
func shapeOf(task modelcard.Task, r prep.Recipe) training.Shape {
	return training.Shape{
		Channels: len(r.Channels), Classes: len(classNames(task)),
		Size: [3]int{r.Size[2], r.Size[1], r.Size[0]}, NeedsLabel: task == modelcard.Anatomy,
	}
}

// Shape returns what the examples have in common.
func (d *Dataset) Shape() training.Shape { return d.shape }

// Splits returns the folds.
func (d *Dataset) Splits() Splits { return d.splits }

// Exams describes the exams that are used, in order of their names.
func (d *Dataset) Exams() []Exam {
	out := make([]Exam, len(d.entries))
	for i, e := range d.entries {
		out[i] = Exam{Name: e.source.name, Positive: e.about.positive(), Synthetic: e.about.Synthetic, Voxels: e.about.Voxels}
	}
	return out
}

// Skipped says which exams were left out and why, each a [training.ErrExample].
func (d *Dataset) Skipped() []error { return d.skipped }

// Issues returns what was found so far and does not keep an exam from being used: masks on another grid,
// units that were guessed, cached files that were damaged and made anew.
func (d *Dataset) Issues() []Issue {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]Issue(nil), d.issues...)
}

// note adds an issue.
func (d *Dataset) note(exam, text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.issues = append(d.issues, Issue{Exam: exam, Text: text})
}
