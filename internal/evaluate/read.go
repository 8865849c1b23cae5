package evaluate

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio"
	"bayeslice/internal/metrics"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/volume"
)

// Zones says what 1 and 2, or the first and second map after the background, mean.
type Zones string

// Orders of zones: that of this program, and that of the PI-CAI labels.
const (
	TZPZ Zones = "tz-pz"
	PZTZ Zones = "pz-tz"
)

// swapped reports whether classes 1 and 2 change places; it fails with [ErrSettings] for other words.
func (z Zones) swapped() (bool, error) {
	switch z {
	case "", TZPZ:
		return false, nil
	case PZTZ:
		return true, nil
	}
	return false, fmt.Errorf("%w: %q is no order of zones; choose %s or %s", ErrSettings, z, TZPZ, PZTZ)
}

// reader reads the files of exams.
type reader struct {
	task              modelcard.Task
	kind              Kind // of single images with one frame; "" is not decided yet
	swapPred, swapRef bool
	lesionFrom        uint8
	// of DICOM segmentations: which segments are the classes of labels and predictions
	segments, predicted Segments
}

// exam reads both sides of a pair. It fails with [ErrExam] or the reader's error.
func (r *reader) exam(ctx context.Context, p Pair) (*Exam, error) {
	x := &Exam{ID: p.ID, Patient: p.Patient}
	if err := r.reference(x, p.Label); err != nil {
		return nil, err
	}
	if err := r.prediction(x, p.Prediction); err != nil {
		return nil, err
	}
	if err := x.complete(ctx, isSegmentation(p.Prediction.Image) && len(p.Prediction.Classes) == 0, isSegmentation(p.Label.Image)); err != nil {
		return nil, err
	}
	if err := x.reorder(ctx); err != nil {
		return nil, err
	}
	if p.Prediction.Region == "" || x.Probabilities == nil {
		return x, nil
	}
	region, err := imageio.OpenMask(p.Prediction.Region)
	if err != nil {
		return nil, err
	}
	if text := Mismatch(region.Grid(), x.Grid); text != "" {
		return nil, badExam("the region in which the model computed does not fit: %s", text)
	}
	x.Region = make([]bool, len(region.Data()))
	for i, v := range region.Data() {
		x.Region[i] = v != 0
	}
	x.Notes = append(x.Notes, "calibration is judged where the model computed")
	return x, nil
}

// reorder brings a reference of the same voxels in another order, as other programs may store them, into that of the
// prediction.
func (x *Exam) reorder(ctx context.Context) error {
	from := x.Reference.Grid()
	if sameGrid(x.Grid, from, gridTolerance) || !sameGrid(x.Grid.Anatomical(), from.Anatomical(), gridTolerance) {
		return nil
	}
	m, err := volume.ResampleMask(ctx, x.Reference, x.Grid)
	if err != nil {
		return err
	}
	x.Reference = m
	x.Notes = append(x.Notes, "the label stores the same voxels in another order")
	return nil
}

// reference reads labels and turns their values into classes.
func (r *reader) reference(x *Exam, f Files) error {
	if f.Image == "" {
		return badExam("the label is in several files; give one mask")
	}
	if isSegmentation(f.Image) {
		return r.segmentedReference(x, f.Image)
	}
	m, err := imageio.OpenMask(f.Image)
	if err != nil {
		return err
	}
	x.Reference, err = r.classes(m, r.swapRef, max(r.lesionFrom, 1), "the label")
	return err
}

// classes turns the values of a mask into classes; csPCa are those of from or more.
func (r *reader) classes(m *volume.Mask, swap bool, from uint8, what string) (*volume.Mask, error) {
	out := make([]uint8, len(m.Data()))
	for i, v := range m.Data() {
		switch {
		case r.task == modelcard.Diagnosis:
			if v >= from {
				out[i] = 1
			}
		case v > 2:
			return nil, badExam("%s holds the value %d, and zones are 1 and 2; choose another mask", what, v)
		case swap && v > 0:
			out[i] = 3 - v
		default:
			out[i] = v
		}
	}
	return volume.NewMask(m.Grid(), out)
}

// open reads an image without values that are no numbers.
func open(path string) (*imageio.Image, error) {
	image, err := imageio.Open(path)
	if err != nil {
		return nil, err
	}
	if image.NotFinite > 0 {
		return nil, badExam("%s has %d voxels that are not finite numbers; predict the exam again", path, image.NotFinite)
	}
	return image, nil
}

func (r *reader) prediction(x *Exam, f Files) error {
	if len(f.Classes) > 0 {
		return r.maps(x, f.Classes)
	}
	if isSegmentation(f.Image) {
		return r.segmentedPrediction(x, f.Image)
	}
	image, err := open(f.Image)
	if err != nil {
		return err
	}
	first := image.Volumes[0]
	x.Grid = first.Grid()
	classes := len(Classes(r.task))
	switch {
	case len(image.Volumes) == classes:
		for _, v := range image.Volumes {
			x.Probabilities = append(x.Probabilities, v.Data())
		}
		if r.swapPred {
			x.Probabilities[1], x.Probabilities[2] = x.Probabilities[2], x.Probabilities[1]
		}
		return nil
	case len(image.Volumes) > 1:
		return badExam("%s holds %d maps; there must be one, or %d: %s", f.Image, len(image.Volumes), classes, strings.Join(Classes(r.task), ", "))
	}
	kind := r.kind
	if kind == "" {
		kind = guess(r.task, first)
	}
	switch kind {
	case Probabilities:
		return r.single(x, f.Image, first)
	case DetectionMaps:
		x.Map = first
		return nil
	}
	m, err := imageio.OpenMask(f.Image)
	if err != nil {
		return err
	}
	x.Mask, err = r.classes(m, r.swapPred, 1, "the prediction")
	return err
}

// single makes both classes of one map of probabilities.
func (r *reader) single(x *Exam, path string, v *volume.Volume) error {
	if r.task != modelcard.Diagnosis {
		return badExam("%s holds one map, and zones need the probabilities of %s, or a mask of whole numbers", path, strings.Join(Classes(r.task), ", "))
	}
	for i, p := range v.Data() {
		if !(p >= -metrics.Tolerance && p <= 1+metrics.Tolerance) {
			return badExam("%s holds %g at voxel %d, which is no probability; if it is a detection map or a mask, say so", path, p, i)
		}
	}
	x.Probabilities = withBackground(v.Data())
	return nil
}

// maps reads one map of probabilities for each class.
func (r *reader) maps(x *Exam, files map[string]string) error {
	var found [][]float32
	var grid geom.Grid
	for _, name := range Classes(r.task) {
		path := files[strings.ToLower(name)]
		if path == "" {
			if name == "background" {
				continue
			}
			return badExam("there is no map of the probability of %s", name)
		}
		image, err := open(path)
		if err != nil {
			return err
		}
		if len(image.Volumes) != 1 {
			return badExam("%s holds %d maps instead of one", path, len(image.Volumes))
		}
		v := image.Volumes[0]
		if len(found) > 0 {
			if text := Mismatch(v.Grid(), grid); text != "" {
				return badExam("the maps of the classes lie on different grids")
			}
		}
		grid = v.Grid()
		found = append(found, v.Data())
	}
	x.Grid = grid
	if len(found) < len(Classes(r.task)) {
		found = withBackground(found...)
	}
	x.Probabilities = found
	return nil
}

// withBackground puts what is left to 1 before the classes.
func withBackground(classes ...[]float32) [][]float32 {
	rest := make([]float32, len(classes[0]))
	for i := range rest {
		sum := float32(0)
		for _, p := range classes {
			sum += p[i]
		}
		rest[i] = max(1-sum, 0)
	}
	return slices.Concat([][]float32{rest}, classes)
}

// guess tells what a single map is. A map of lesions is a detection map where it has no more different values than
// connected parts, as masks have too; "" stands for a map of zeros, which is anything.
func guess(task modelcard.Task, v *volume.Volume) Kind {
	if task == modelcard.Anatomy {
		return Masks
	}
	largest := float32(0)
	for _, p := range v.Data() {
		largest = max(largest, float32(math.Abs(float64(p))))
	}
	if largest == 0 {
		return ""
	}
	if _, err := metrics.DetectionMap(v); err == nil {
		return DetectionMaps
	}
	return Probabilities
}
