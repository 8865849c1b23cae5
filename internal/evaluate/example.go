package evaluate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"math"
	"slices"

	"bayeslice/internal/geom"
	"bayeslice/internal/metrics"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/volume"
)

// exampleMM is the side of what an [Example] shows, mm: the field of view of the paper's networks.
const exampleMM = 80.0

// exampleMargin is what it shows round the reference at least, mm.
const exampleMargin = 10.0

// Example is one slice of one exam for the panels of the paper's Figure 3: the T2W image, what was predicted and the
// lines of the reference, with the histograms of the exam's predicted segments. Pictures are PNG files of 8-bit grey,
// Width × Height pixels, x to the patient's left and y to the back; they are some ten thousand bytes each. Plain data,
// immutable once made.
type Example struct {
	Exam    string     `json:"exam"`
	Run     int        `json:"run,omitempty"` // of [Pool]
	Fold    int        `json:"fold,omitempty"`
	Slice   int        `json:"slice"` // on the prediction's grid, brought into anatomical order
	Width   int        `json:"width"`
	Height  int        `json:"height"`
	PixelMM [2]float64 `json:"pixelMM"` // along x and y
	// Image is the T2W image, from its 1st to its 99th percentile in the slice; empty where none was given.
	Image   []byte         `json:"image,omitempty"`
	Classes []ExampleClass `json:"classes"` // without the background
	Lines   []ExampleLine  `json:"lines"`
}

// ExampleClass is one class of an [Example].
type ExampleClass struct {
	Name        string  `json:"name"`
	Probability []byte  `json:"probability"` // PNG: 0 is 0 and 255 is 1
	Segment     Segment `json:"segment"`     // of the whole exam, in three dimensions
}

// ExampleLine is a closed line round a class of the reference, in pixels: (0, 0) is the upper left corner of the picture.
type ExampleLine struct {
	Class  string       `json:"class"`
	Points [][2]float64 `json:"points"`
}

// NewExample draws nothing yet: it keeps what the pictures of an exam need. t2w, which may be nil, lies anywhere in the
// same world and is resampled onto the grid of the prediction. The slice is the one in which the reference is largest,
// the middle one where it is empty, and the part of it depends on the reference alone, so that it is the same for all
// configurations. The exam must be one that [Evaluator.Measure] takes, with probabilities; it is not kept. It fails with
// [ErrExam], or ctx's error.
func NewExample(ctx context.Context, task modelcard.Task, x *Exam, t2w *volume.Volume) (*Example, error) {
	if structures[task] == nil {
		return nil, fmt.Errorf("%w: %q is no task", ErrSettings, task)
	}
	_, err := x.check(task)
	if err != nil {
		return nil, err
	}
	if x.Probabilities == nil {
		return nil, badExam("figures of predictions need probabilities, and %s are given", x.kind())
	}
	reference, err := onto(x.Reference, x.Grid)
	if err != nil {
		return nil, err
	}
	grid := x.Grid.Anatomical()
	if reference, err = volume.ResampleMask(ctx, reference, grid); err != nil {
		return nil, err
	}
	window := exampleWindow(reference)
	e := &Example{Exam: x.ID, Width: window.Size[0], Height: window.Size[1], PixelMM: [2]float64{window.Spacing[0], window.Spacing[1]},
		Slice: int(math.Round(grid.Voxel(window.Origin)[2]))}
	if t2w != nil {
		if e.Image, err = t2wPicture(ctx, t2w, window); err != nil {
			return nil, err
		}
	}
	if err := e.classes(ctx, task, x, window); err != nil {
		return nil, err
	}
	return e, e.outline(ctx, task, reference, window)
}

// Show keeps an example for the result. The order of showing is that of [Result.Examples].
func (e *Evaluator) Show(x *Example) { e.examples = append(e.examples, *x) }

// exampleWindow is the grid of the pictures: one slice of the reference's, in the middle of the image, or as near to it as
// shows the reference with its margin; where that does not fit, round the middle of the reference.
func exampleWindow(reference *volume.Mask) geom.Grid {
	grid := reference.Grid()
	best, most := grid.Size[2]/2, 0
	for k := range grid.Size[2] {
		n := 0
		for _, v := range reference.Data()[grid.Index(0, 0, k):][:grid.Size[0]*grid.Size[1]] {
			if v != 0 {
				n++
			}
		}
		if n > most {
			best, most = k, n
		}
	}
	box := reference.Region().Box
	at := geom.Vec3{0, 0, float64(best)}
	out := grid
	for a := range 2 {
		n := min(grid.Size[a], max(int(math.Round(min(exampleMM/grid.Spacing[a], maxExamplePixels))), 1))
		from := (grid.Size[a] - n) / 2
		if !box.Empty() {
			margin := int(math.Round(exampleMargin / grid.Spacing[a]))
			low, high := box.Min[a]-margin, box.Max[a]+margin
			if from = max(min(from, low), high-n); high-low > n {
				from = (low + high - n) / 2
			}
		}
		out.Size[a], at[a] = n, float64(min(max(from, 0), grid.Size[a]-n))
	}
	out.Size[2], out.Origin = 1, grid.World(at)
	return out
}

// t2wPicture is the T2W image in the window, from its 1st to its 99th percentile.
func t2wPicture(ctx context.Context, t2w *volume.Volume, window geom.Grid) ([]byte, error) {
	v, err := volume.Resample(ctx, t2w, window, volume.Linear, float32(math.NaN()))
	if err != nil {
		return nil, err
	}
	known := slices.DeleteFunc(slices.Clone(v.Data()), func(p float32) bool { return math.IsNaN(float64(p)) })
	if 2*len(known) < len(v.Data()) {
		return nil, badExam("the T2W image covers less than half of the slice to show; choose the image of this exam")
	}
	slices.Sort(known)
	low, high := float64(known[len(known)/100]), float64(known[len(known)-1-len(known)/100])
	return grey(v.Data(), window, low, high)
}

// grey is a PNG of one slice, values of low and less black, of high and more white, and unknown ones black.
func grey(values []float32, window geom.Grid, low, high float64) ([]byte, error) {
	picture := image.NewGray(image.Rect(0, 0, window.Size[0], window.Size[1]))
	for i, v := range values {
		share := (float64(v) - low) / (high - low)
		if !(share > 0) { // no numbers too
			continue
		}
		picture.Pix[i] = uint8(math.Round(255 * min(share, 1)))
	}
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, picture); err != nil {
		return nil, fmt.Errorf("evaluate: %w", err)
	}
	return b.Bytes(), nil
}

// classes keeps the probabilities of every class but the background, and the histograms of its segment.
func (e *Example) classes(ctx context.Context, task modelcard.Task, x *Exam, window geom.Grid) error {
	segments, err := x.segments(task)
	if err != nil {
		return err
	}
	for c, name := range Classes(task) {
		if c == 0 {
			continue
		}
		v, err := volume.New(x.Grid, x.Probabilities[c], "probability")
		if err != nil {
			return badExam("%v", err)
		}
		if v, err = volume.Resample(ctx, v, window, volume.Nearest, 0); err != nil {
			return err
		}
		picture, err := grey(v.Data(), window, 0, 1)
		if err != nil {
			return err
		}
		e.Classes = append(e.Classes, ExampleClass{Name: name, Probability: picture, Segment: *segments[name]})
	}
	return nil
}

// outline keeps the lines of the reference.
func (e *Example) outline(ctx context.Context, task modelcard.Task, reference *volume.Mask, window geom.Grid) error {
	slice, err := volume.ResampleMask(ctx, reference, window)
	if err != nil {
		return err
	}
	for c, name := range Classes(task) {
		if c == 0 {
			continue
		}
		lines, err := metrics.SignedContours(ctx, slice, slice, uint8(c))
		if errors.Is(err, metrics.ErrUndefined) { // the class is not in this slice
			continue
		}
		if err != nil {
			return err
		}
		for _, l := range lines {
			line := ExampleLine{Class: name}
			for _, p := range l.Points {
				at := window.Voxel(p)
				line.Points = append(line.Points, [2]float64{half(at[0]), half(at[1])})
			}
			e.Lines = append(e.Lines, line)
		}
	}
	return nil
}

// half turns a coordinate of voxel centres into one of the picture; lines run through the middles of faces, so that it is a
// multiple of one half.
func half(voxel float64) float64 { return math.Round(2*voxel+1) / 2 }
