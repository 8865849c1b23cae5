package evaluate

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"bayeslice/internal/imageio"
	"bayeslice/internal/modelcard"
)

// Pair is the files of one exam. A side without files is missing.
type Pair struct {
	ID         string
	Patient    string
	Prediction Files
	Label      Files
	Problem    string // a sentence; then the exam is left out
}

// Files are the files of one side of an exam: one image, or one for each class.
type Files struct {
	Image   string            // "" where Classes holds maps
	Classes map[string]string // by the class's name in lower case: "tz"
	Region  string            // mask of where the model computed; "" is everywhere
}

func (f Files) empty() bool { return f.Image == "" && len(f.Classes) == 0 }

// side is one of the two folders.
type side uint8

const (
	predictions side = iota
	labels
)

// Endings of names, after the exam's, in lower case. What belongs to the other side or task is not looked at, so that
// both sides may lie in one folder.
var (
	predictionEndings = []string{"_detection_map", "_softmax", "_prediction", "_pred", "_prob", "_probability"}
	labelEndings      = []string{"_label", "_labels", "_gt", "_reference"}
	eitherEndings     = []string{"_seg", "_segmentation", "_mask"}
	zoneEndings       = []string{"_zones"}
	lesionEndings     = []string{"_cspca", "_lesion", "_lesions"}
	otherEndings      = []string{"_entropy", "_expected_entropy", "_mutual_information", "_sd_tz", "_sd_pz", "_sd_cspca", "_sd_background",
		"_t2w", "_t2", "_adc", "_hbv"} // the last are images
)

const (
	classPrefix  = "_probability_" // and the class: one map of several
	regionEnding = "_model_region"
)

// imageEndings are the files that are looked at.
var imageEndings = imageio.Extensions()

// stem is a file's name without the format; ok is false for other files and hidden ones.
func stem(name string) (stem string, ok bool) {
	for _, e := range imageEndings {
		if s, found := strings.CutSuffix(strings.ToLower(name), e); found && s != "" && name[0] != '.' {
			return name[:len(s)], true
		}
	}
	return "", false
}

// part is what one file is of an exam.
type part struct {
	exam  string
	class string // of a map of several; "region" for the region; "" for an image of everything
	weak  bool   // a mask of the task, which gives way to maps of probabilities beside it
}

// read tells from a name which part of which exam a file is; ok is false for files of the other side or task.
func (s side) read(stem string, task modelcard.Task) (p part, ok bool) {
	lower := strings.ToLower(stem)
	ends := func(list []string) (string, bool) {
		for _, e := range list {
			if id, found := strings.CutSuffix(lower, e); found {
				return stem[:len(id)], true
			}
		}
		return "", false
	}
	mine, others := predictionEndings, labelEndings
	if s == labels {
		mine, others = labelEndings, predictionEndings
	}
	this, other := zoneEndings, lesionEndings
	if task == modelcard.Diagnosis {
		this, other = lesionEndings, zoneEndings
	}
	if at := strings.LastIndex(lower, classPrefix); at >= 0 {
		return part{exam: stem[:at], class: lower[at+len(classPrefix):]}, s == predictions
	}
	if id, found := ends([]string{regionEnding}); found {
		return part{exam: id, class: "region"}, s == predictions
	}
	for _, list := range [][]string{others, other, otherEndings} {
		if _, found := ends(list); found {
			return part{}, false
		}
	}
	if id, found := ends(this); found {
		// a program's own candidates, numbered, are no classes
		return part{exam: id, weak: true}, s == labels || !strings.HasSuffix(lower, "_lesions")
	}
	if id, found := ends(slices.Concat(mine, eitherEndings)); found {
		return part{exam: id}, true
	}
	return part{exam: stem}, true
}

// listing collects the files of one side.
type listing struct {
	side  side
	task  modelcard.Task
	files map[string]*Files
	weak  map[string]string // masks of the task
	wrong map[string]string
}

// list finds the exams of a folder: files in it by their names, and sub-folders, each an exam, as Bayeslice writes results
// and phantoms.
func list(dir string, s side, task modelcard.Task) (*listing, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w: %s does not exist; choose the folder that holds the files of all exams", ErrFolder, dir)
		}
		return nil, fmt.Errorf("%w: %w", ErrFolder, err)
	}
	l := &listing{side: s, task: task, files: map[string]*Files{}, weak: map[string]string{}, wrong: map[string]string{}}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		info, err := os.Stat(path) // follows links
		switch {
		case err != nil || strings.HasPrefix(e.Name(), "."):
			continue
		case info.IsDir():
			err = l.folder(e.Name(), path)
		default:
			l.file(e.Name(), path)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrFolder, err)
		}
	}
	for id, path := range l.weak {
		if f := l.of(id); len(f.Classes) == 0 && !segmentedProbability(f.Image) { // stronger than a name that says nothing of the task
			f.Image = path
		}
	}
	return l, nil
}

// folder reads the files of a sub-folder as those of one exam. A file of another name counts where it is the only
// image.
func (l *listing) folder(id, dir string) error {
	var others []string
	for _, sub := range []string{"", "labels"} {
		entries, err := os.ReadDir(filepath.Join(dir, sub))
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			return err
		}
		for _, e := range entries {
			path := filepath.Join(dir, sub, e.Name())
			s, image := stem(e.Name())
			if !image && !e.IsDir() {
				s, image = segmentationStem(path)
			}
			if e.IsDir() || !image {
				continue
			}
			p, mine := l.side.read("_"+s, l.task)
			switch {
			case mine && p.exam == "":
				p.exam = id
				l.take(p, path)
			case mine:
				others = append(others, path)
			}
		}
		if l.side == predictions {
			break
		}
	}
	if l.files[id] == nil && l.weak[id] == "" && len(others) == 1 {
		l.take(part{exam: id}, others[0])
	}
	return nil
}

// file takes in a file of the folder itself.
func (l *listing) file(name, path string) {
	s, image := stem(name)
	if !image {
		s, image = segmentationStem(path)
	}
	if image {
		if p, mine := l.side.read(s, l.task); mine && p.exam != "" {
			l.take(p, path)
		}
	}
}

// take puts a file in its place.
func (l *listing) take(p part, path string) {
	switch {
	case p.weak:
		l.weak[p.exam] = l.first(p.exam, l.weak[p.exam], path)
	case p.class == "region":
		l.put(p.exam, func(f *Files) *string { return &f.Region }, path)
	case p.class == "":
		l.put(p.exam, func(f *Files) *string { return &f.Image }, path)
	default:
		f := l.of(p.exam)
		if f.Classes == nil {
			f.Classes = map[string]string{}
		}
		f.Classes[p.class] = l.first(p.exam, f.Classes[p.class], path)
	}
}

func (l *listing) of(id string) *Files {
	if l.files[id] == nil {
		l.files[id] = &Files{}
	}
	return l.files[id]
}

func (l *listing) put(id string, where func(*Files) *string, path string) {
	at := where(l.of(id))
	*at = l.first(id, *at, path)
}

// first returns which of two files for one thing is taken: a DICOM segmentation gives way to an image of another format, which holds the same; two
// of a kind are wrong.
func (l *listing) first(id, first, second string) string {
	switch {
	case first == "" || isSegmentation(first) && !isSegmentation(second):
		return second
	case isSegmentation(second) && !isSegmentation(first):
		return first
	}
	l.wrong[id] = fmt.Sprintf("Two files stand for it, %s and %s; keep one of them in the folder.", first, second)
	return first
}

// Find pairs the predictions of one folder with the labels of another, which may be the same, by the names of exams: a
// file's name without format and without an ending such as _detection_map, _softmax, _pred, _label, _zones or
// _lesions; or a sub-folder's, which holds a result of Bayeslice or the labels of a phantom. Pairs are in order of
// their names; one that lacks a side, or has two files for one, says so in Problem. patient, which may be nil, takes
// the patient out of an exam's name by its first group. It fails with [ErrFolder] where a folder cannot be read
// or holds nothing.
func Find(predictionDir, labelDir string, task modelcard.Task, patient *regexp.Regexp) ([]Pair, error) {
	p, err := list(predictionDir, predictions, task)
	if err != nil {
		return nil, err
	}
	l, err := list(labelDir, labels, task)
	if err != nil {
		return nil, err
	}
	dropOthers(p, l)
	if len(p.files) == 0 {
		return nil, nothing(predictionDir, "prediction")
	}
	if len(l.files) == 0 {
		return nil, nothing(labelDir, "label")
	}
	pairs := map[string]*Pair{}
	at := func(id string) *Pair {
		if pairs[id] == nil {
			pairs[id] = &Pair{ID: id, Patient: patientOf(id, patient)}
		}
		return pairs[id]
	}
	for id, f := range p.files {
		at(id).Prediction = *f
		at(id).Problem = p.wrong[id]
	}
	for id, f := range l.files {
		at(id).Label = *f
		at(id).Problem = cmp.Or(at(id).Problem, l.wrong[id])
	}
	out := make([]Pair, 0, len(pairs))
	for _, x := range pairs {
		switch {
		case x.Prediction.empty():
			x.Problem = "There is a label but no prediction of this name."
		case x.Label.empty():
			x.Problem = "There is a prediction but no label of this name."
		}
		out = append(out, *x)
	}
	slices.SortFunc(out, func(a, b Pair) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

func nothing(dir, what string) error {
	return fmt.Errorf("%w: %s holds no %s for this task; it needs one image per exam (%s, or DICOM SEG), or a sub-folder for each", ErrFolder, dir, what, strings.Join(imageEndings, ", "))
}

// dropOthers removes from either side what is the other's, where both lie in one folder and a name alone does not
// tell.
func dropOthers(p, l *listing) {
	for id, f := range p.files {
		if g := l.files[id]; g != nil && f.Image != "" && f.Image == g.Image {
			delete(p.files, id)
			delete(l.files, id)
		}
	}
	for id, f := range p.files {
		if f.empty() {
			delete(p.files, id)
		}
	}
}

func patientOf(id string, r *regexp.Regexp) string {
	if r == nil {
		return ""
	}
	if m := r.FindStringSubmatch(id); len(m) > 1 {
		return m[1]
	}
	return ""
}
