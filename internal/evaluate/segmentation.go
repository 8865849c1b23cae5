package evaluate

import (
	"context"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio"
	"bayeslice/internal/imageio/dicomcode"
	"bayeslice/internal/imageio/dicomseg"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/volume"
)

// Segments says which segments of DICOM segmentations make up a class, by numbers; nil goes by their codes and labels.
type Segments map[string][]int

// ParseSegments reads "TZ=1,PZ=2" or "csPCa=1+2" for a task. "" is nil. It fails with [ErrSettings].
func ParseSegments(task modelcard.Task, text string) (Segments, error) {
	if text == "" {
		return nil, nil
	}
	out := Segments{}
	for _, part := range strings.Split(text, ",") {
		name, numbers, ok := strings.Cut(part, "=")
		class := slices.IndexFunc(Classes(task), func(c string) bool { return strings.EqualFold(c, strings.TrimSpace(name)) })
		if !ok || class < 1 {
			return nil, fmt.Errorf("%w: %q is not of the form CLASS=SEGMENT with a class of %s", ErrSettings, part, strings.Join(Classes(task)[1:], ", "))
		}
		for _, n := range strings.Split(numbers, "+") {
			number, err := strconv.Atoi(strings.TrimSpace(n))
			if err != nil || number < 1 {
				return nil, fmt.Errorf("%w: %q is no number of a segment", ErrSettings, n)
			}
			out[Classes(task)[class]] = append(out[Classes(task)[class]], number)
		}
	}
	return out, nil
}

// coded is what segments of a class are of.
var coded = map[string]dicomcode.Structure{"TZ": dicomcode.TZ, "PZ": dicomcode.PZ, "csPCa": dicomcode.Lesion}

// isSegmentation reports whether a file, which [Find] found, is a DICOM segmentation.
func isSegmentation(path string) bool {
	return slices.Contains(imageio.SegmentationExtensions(), strings.ToLower(filepath.Ext(path)))
}

// segmentationStem is [stem] for DICOM segmentations, which are told from other DICOM files by their content.
func segmentationStem(path string) (string, bool) {
	name := filepath.Base(path)
	if name[0] == '.' || !isSegmentation(path) || !imageio.IsSegmentation(path) {
		return "", false
	}
	s := name[:len(name)-len(filepath.Ext(name))]
	return s, s != ""
}

// segmentedProbability reports whether a file is by its name a segmentation of probabilities, to which a mask beside it gives way.
func segmentedProbability(path string) bool {
	return isSegmentation(path) && strings.HasSuffix(strings.ToLower(strings.TrimSuffix(path, filepath.Ext(path))), "probability")
}

// numbers returns the segments of each class of a task but the background, as chosen or else as their codes and labels say.
func (s Segments) numbers(task modelcard.Task, f *dicomseg.File, what string) (map[string][]int, error) {
	out := map[string][]int{}
	for _, class := range Classes(task)[1:] {
		out[class] = s[class]
		if s == nil {
			for _, seg := range f.Of(coded[class]) {
				out[class] = append(out[class], seg.Number)
			}
		}
		if len(out[class]) == 0 {
			return nil, badExam("%s has no segment that is known as %s; it has %s. Say which one is, as %s=1", what, class, f.List(), class)
		}
	}
	return out, nil
}

// mask returns the classes of a task of a segmentation.
func (s Segments) mask(task modelcard.Task, f *dicomseg.File, what string) (*volume.Mask, error) {
	numbers, err := s.numbers(task, f, what)
	if err != nil {
		return nil, err
	}
	labels := map[int]uint8{}
	for class, name := range Classes(task) {
		for _, n := range numbers[name] {
			labels[n] = uint8(class)
		}
	}
	m, err := f.Mask(labels)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrExam, what, err)
	}
	return m, nil
}

// segmentedReference reads a reference from a DICOM segmentation.
func (r *reader) segmentedReference(x *Exam, path string) error {
	f, err := imageio.OpenSegmentation(path)
	if err != nil {
		return err
	}
	x.Reference, err = r.segments.mask(r.task, f, "the label")
	return err
}

// segmentedPrediction reads a prediction from a DICOM segmentation: probabilities where it holds fractions, else a mask.
func (r *reader) segmentedPrediction(x *Exam, path string) error {
	f, err := imageio.OpenSegmentation(path)
	if err != nil {
		return err
	}
	x.Grid = f.Grid
	switch f.Kind {
	case dicomseg.Occupancy:
		return badExam("%s tells how much of a voxel a structure fills, which is no probability; export it as BINARY", filepath.Base(path))
	case dicomseg.Probability:
	default:
		x.Mask, err = r.predicted.mask(r.task, f, "the prediction")
		return err
	}
	numbers, err := r.predicted.numbers(r.task, f, "the prediction")
	if err != nil {
		return err
	}
	var found [][]float32
	for _, class := range Classes(r.task)[1:] {
		if len(numbers[class]) != 1 {
			return badExam("%d segments hold the probability of %s; choose one, as %s=%d", len(numbers[class]), class, class, numbers[class][0])
		}
		v, err := f.Fractions(numbers[class][0])
		if err != nil {
			return err
		}
		found = append(found, v.Data())
	}
	x.Probabilities = withBackground(found...)
	return nil
}

// complete adds the slices that a segmentation leaves out because they are empty, where the other side has them.
func (x *Exam) complete(ctx context.Context, predicted, reference bool) error {
	to := x.Reference.Grid()
	switch {
	case !predicted && !reference || sameGrid(x.Grid, to, gridTolerance):
		return nil
	case predicted && reference:
		to = joined(x.Grid, to)
	case reference:
		to = x.Grid
	}
	if predicted && slicesOf(x.Grid, to) {
		if err := x.moveTo(ctx, to); err != nil {
			return err
		}
	}
	if from := x.Reference.Grid(); reference && slicesOf(from, to) && !sameGrid(from, to, gridTolerance) {
		m, err := volume.ResampleMask(ctx, x.Reference, to)
		if err != nil {
			return err
		}
		x.Reference = m
		x.Notes = append(x.Notes, "slices that the label leaves out are empty")
	}
	return nil
}

// moveTo brings the prediction of a segmentation to a grid that has more slices.
func (x *Exam) moveTo(ctx context.Context, to geom.Grid) error {
	if sameGrid(x.Grid, to, gridTolerance) {
		return nil
	}
	x.Notes = append(x.Notes, "slices that the prediction leaves out are empty")
	if x.Mask != nil {
		m, err := volume.ResampleMask(ctx, x.Mask, to)
		if err != nil {
			return err
		}
		x.Mask, x.Grid = m, to
		return nil
	}
	for c, p := range x.Probabilities {
		v, err := volume.New(x.Grid, p, "")
		if err != nil {
			return err
		}
		fill := float32(0)
		if c == 0 {
			fill = 1
		}
		if v, err = volume.Resample(ctx, v, to, volume.Nearest, fill); err != nil {
			return err
		}
		x.Probabilities[c] = v.Data()
	}
	x.Grid = to
	return nil
}

// span returns where a grid lies on another in its voxels, both ends included; ok is false where its voxels are none of the other's.
func span(g, on geom.Grid) (low, high [3]int, ok bool) {
	a, b := on.Voxel(g.Origin), on.Voxel(g.World(geom.Vec3{float64(g.Size[0] - 1), float64(g.Size[1] - 1), float64(g.Size[2] - 1)}))
	steps := 1.0
	for axis := range 3 {
		from, to := math.Round(min(a[axis], b[axis])), math.Round(max(a[axis], b[axis]))
		if math.Abs(from-min(a[axis], b[axis])) > gridTolerance || math.Abs(to-max(a[axis], b[axis])) > gridTolerance || math.Abs(from)+math.Abs(to) > 1e6 {
			return low, high, false
		}
		low[axis], high[axis] = int(from), int(to)
		steps *= to - from + 1
	}
	return low, high, steps == float64(g.Voxels())
}

// slicesOf reports whether a grid is a run of whole slices of another.
func slicesOf(g, on geom.Grid) bool {
	low, high, ok := span(g, on)
	return ok && low[0] == 0 && low[1] == 0 && high[0] == on.Size[0]-1 && high[1] == on.Size[1]-1 && low[2] >= 0 && high[2] < on.Size[2]
}

// joined returns the first grid with as many slices more as the second reaches beyond it; the first as it is where the second has
// other voxels.
func joined(a, b geom.Grid) geom.Grid {
	low, high, ok := span(b, a)
	if !ok || high[2]-low[2] > 4*(a.Size[2]+b.Size[2]) {
		return a
	}
	first, last := min(low[2], 0), max(high[2], a.Size[2]-1)
	if last-first > 8*(a.Size[2]+b.Size[2]) {
		return a
	}
	a.Origin, a.Size[2] = a.World(geom.Vec3{0, 0, float64(first)}), last-first+1
	return a
}

// String writes segments as [ParseSegments] reads them.
func (s Segments) String() string {
	var parts []string
	for _, class := range slices.Sorted(maps.Keys(s)) {
		var numbers []string
		for _, n := range s[class] {
			numbers = append(numbers, strconv.Itoa(n))
		}
		parts = append(parts, class+"="+strings.Join(numbers, "+"))
	}
	return strings.Join(parts, ",")
}
