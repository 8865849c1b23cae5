// Package align estimates how far a diffusion image lies from where the T2W image has the same anatomy, as a
// translation over the region of the gland: patients move and echo-planar images are displaced between the two. It measures and
// says how sure it is; it never moves anything by itself. A reader's own correction is an [Offset].
//
// The measure is the normalised mutual information (H(A) + H(B)) / H(A, B) of Studholme, Hill and Hawkes (Pattern Recognition
// 1999), which asks only that grey levels belong together, so that images of different contrast can be
// compared. Both images are read at the same scattered points, not on a lattice, so that no shift is favoured for leaving voxels uninterpolated
// (Tsao, Magn Reson Med 2003, on such artefacts).
package align

import (
	"context"
	"errors"
	"fmt"
	"math"

	"bayeslice/internal/geom"
	"bayeslice/internal/lang"
	"bayeslice/internal/volume"
)

// ErrAlign marks images that cannot be compared; the text says why.
var ErrAlign = errors.New("align: the alignment cannot be checked")

// Frame is what shifts are given along: unit world directions of an image's axes that are nearest to the patient's left, back and head.
// In a tilted stack Left and Back lie in the slices, and Head is the slice normal.
type Frame struct {
	Left geom.Vec3 `json:"left"`
	Back geom.Vec3 `json:"back"`
	Head geom.Vec3 `json:"head"`
}

// FrameOf returns the frame of a grid.
func FrameOf(g geom.Grid) Frame {
	a := g.Anatomical()
	return Frame{a.Dir[0], a.Dir[1], a.Dir[2]}
}

// Offset is a displacement in mm along a frame: positive to the patient's left, back and head.
type Offset struct {
	Left float64 `json:"left"`
	Back float64 `json:"back"`
	Head float64 `json:"head"`
}

// Zero reports whether the offset moves nothing.
func (o Offset) Zero() bool { return o == Offset{} }

// Length returns the length of the offset, mm.
func (o Offset) Length() float64 { return math.Hypot(math.Hypot(o.Left, o.Back), o.Head) }

// InPlane returns the length of its part within the slices, mm.
func (o Offset) InPlane() float64 { return math.Hypot(o.Left, o.Back) }

// Add returns the sum of two offsets along one frame.
func (o Offset) Add(p Offset) Offset {
	return Offset{o.Left + p.Left, o.Back + p.Back, o.Head + p.Head}
}

// Negative returns the opposite offset.
func (o Offset) Negative() Offset { return Offset{-o.Left, -o.Back, -o.Head} }

// World returns the offset as a world vector, LPS mm.
func (f Frame) World(o Offset) geom.Vec3 {
	return f.Left.Scale(o.Left).Add(f.Back.Scale(o.Back)).Add(f.Head.Scale(o.Head))
}

// Moved returns the image displaced by a world vector (LPS mm): the same voxels, shared, on a grid whose origin
// is moved by it.
func Moved(v *volume.Volume, by geom.Vec3) (*volume.Volume, error) {
	g := v.Grid()
	g, err := geom.NewGrid(g.Size, g.Origin.Add(by), g.Spacing, g.Dir)
	if err != nil {
		return nil, fmt.Errorf("align: move an image by %v mm: %w", by, err)
	}
	return volume.New(g, v.Data(), v.Unit())
}

// Region is a box about the gland, along the axes of the T2W image.
type Region struct {
	Centre geom.Vec3 // world, LPS mm
	Half   geom.Vec3 // half the extent along i, j and k of the T2W grid, mm
}

// GlandMarginMM is added on every side of the gland: the alignment is that of its edge, which must lie in the region.
const GlandMarginMM = 8

// RegionOf returns the box about the labelled voxels of a mask with [GlandMarginMM], along the mask's axes. ok is false for an empty
// mask.
func RegionOf(mask *volume.Mask) (r Region, ok bool) {
	b := mask.Region().Box
	if b.Empty() {
		return Region{}, false
	}
	g := mask.Grid()
	var middle geom.Vec3
	for a := range 3 {
		middle[a] = float64(b.Min[a]+b.Max[a]-1) / 2
		r.Half[a] = float64(b.Max[a]-b.Min[a])/2*g.Spacing[a] + GlandMarginMM
	}
	r.Centre = g.World(middle)
	return r, true
}

// CentralRegion returns the box in the middle of a T2W image in which a gland is expected: 70 × 60 × 45 mm, or what the
// image holds of it.
func CentralRegion(t2w geom.Grid) Region {
	r := Region{Centre: t2w.Centre()}
	for a, mm := range [3]float64{70, 60, 45} {
		r.Half[a] = min(mm, float64(t2w.Size[a])*t2w.Spacing[a]) / 2
	}
	return r
}

// Confidence says how far an estimate can be trusted.
type Confidence uint8

// Confidences.
const (
	Disagreement Confidence = iota // unreliable: parts of the region disagree by more than half a voxel of the diffusion image
	AtTheEnd                       // unreliable: the best match lies at the end of the search
	Moderate                       // the parts agree to half a voxel
	Good                           // the parts agree to a quarter of a voxel
)

// Reliable reports whether the estimate may be used.
func (c Confidence) Reliable() bool { return c >= Moderate }

// String returns "unreliable", "moderate" or "good" in the user's language.
func (c Confidence) String() string {
	return [...]lang.Text{lang.Mark("unreliable"), lang.Mark("unreliable"), lang.Mark("moderate"), lang.Mark("good")}[c].String()
}

// Meaning returns one sentence about what the level rests on, in the user's language.
func (c Confidence) Meaning() string {
	return [...]lang.Text{
		lang.Mark("Four parts of the region disagree by more than half a voxel of the diffusion image: do not use the estimate."),
		lang.Mark("The best match lies at the end of the search, so that the images may not belong together: do not use the estimate."),
		lang.Mark("Four parts of the region agree to half a voxel of the diffusion image."),
		lang.Mark("Four parts of the region agree to a quarter of a voxel of the diffusion image."),
	}[c].String()
}

// Estimate is the measured displacement of the diffusion image.
type Estimate struct {
	Shift      Offset     `json:"shift"` // where the diffusion image has the anatomy, minus where T2W has it, along Frame
	SE         Offset     `json:"se"`    // standard error of each part of Shift, mm: spread between four parts of the region
	Frame      Frame      `json:"frame"` // of the T2W image
	Voxel      Offset     `json:"voxel"` // extent of a voxel of the diffusion image along Frame, mm
	NMI        float64    `json:"-"`     // at Shift, mean over the diffusion images; 1 means unrelated, 2 one grey level for one
	NMIAtZero  float64    `json:"-"`     // with the images as they are; −Inf where these hardly overlap
	Confidence Confidence `json:"confidence"`
}

// Correction is the offset that brings the diffusion image onto T2W: the opposite of Shift.
func (e *Estimate) Correction() Offset { return e.Shift.Negative() }

// Notable reports whether the shift matters: it is trusted, longer than half a voxel of the diffusion image along some axis, and
// beyond twice its standard error there.
func (e *Estimate) Notable() bool {
	if !e.Confidence.Reliable() {
		return false
	}
	far := func(d, voxel, se float64) bool { return math.Abs(d) > voxel/2 && math.Abs(d) > 2*se }
	return far(e.Shift.Left, e.Voxel.Left, e.SE.Left) || far(e.Shift.Back, e.Voxel.Back, e.SE.Back) || far(e.Shift.Head, e.Voxel.Head, e.SE.Head)
}

// Reach of the search, mm to either side.
const (
	ReachInPlaneMM = 10
	ReachThroughMM = 9
)

// Check estimates the displacement of diffusion images (one or more, moved alike: ADC and high-b) against T2W over a region. Progress, which may
// be nil, is called on this goroutine with done of total steps and must return at once. It takes about
// two seconds. It fails with [ErrAlign] where the region is hardly covered by both, or an image has no contrast there, and with
// the context's error soon after that ends.
func Check(ctx context.Context, t2w *volume.Volume, diffusion []*volume.Volume, r Region, progress func(done, total int)) (*Estimate, error) {
	if t2w == nil || len(diffusion) == 0 {
		return nil, fmt.Errorf("%w: it needs a T2W and a diffusion series; choose both in the exam panel", ErrAlign)
	}
	if progress == nil {
		progress = func(int, int) {}
	}
	s, err := newSearch(ctx, t2w, diffusion, r)
	if err != nil {
		return nil, err
	}
	return s.run(ctx, progress)
}
