package report

import (
	"context"
	"image"
	"image/color"
	"math"
	"slices"

	"bayeslice/inference"
	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/volume"
	"bayeslice/render"
)

// shownSlice returns the T2W slice with the largest predicted segment, and why it was chosen: among
// the slices that hold part of the reference, where there is one. Where nothing was predicted it is the
// slice in which a foreground class is most probable.
func shownSlice(m *maps, reference *volume.Mask) (k int, why string) {
	annotated := annotatedSlices(m.hard.Grid(), reference)
	best, bestP, atP := 0, float32(-1), 0
	for s := range m.hard.Grid().Size[2] {
		if annotated != nil && !annotated[s] {
			continue
		}
		if count := predictedVoxels(m.hard, s); count > best {
			best, k = count, s
		}
		for c := 1; c < len(m.mean); c++ {
			if p := slices.Max(m.mean[c].Slice(s)); p > bestP {
				bestP, atP = p, s
			}
		}
	}
	where := ""
	if annotated != nil {
		where = " among those with reference"
	}
	if best > 0 {
		return k, "largest predicted segment" + where
	}
	return atP, "highest probability" + where + "; nothing was predicted"
}

// predictedVoxels counts the voxels of slice k that are not background.
func predictedVoxels(m *volume.Mask, k int) int {
	n, count := m.Grid().Size[0]*m.Grid().Size[1], 0
	for _, label := range m.Data()[k*n : (k+1)*n] {
		if label != 0 {
			count++
		}
	}
	return count
}

// annotatedSlices tells which slices of a grid hold part of a reference; nil where none does, or
// there is no reference.
func annotatedSlices(grid geom.Grid, reference *volume.Mask) []bool {
	if reference == nil {
		return nil
	}
	var out []bool
	g := reference.Grid()
	for i, label := range reference.Data() {
		if label == 0 {
			continue
		}
		voxel := geom.Vec3{float64(i % g.Size[0]), float64(i / g.Size[0] % g.Size[1]), float64(i / g.Size[0] / g.Size[1])}
		if k := int(math.Round(grid.Voxel(g.World(voxel))[2])); k >= 0 && k < grid.Size[2] {
			if out == nil {
				out = make([]bool, grid.Size[2])
			}
			out[k] = true
		}
	}
	return out
}

// slicePlane shows the model's field of view on slice k of the T2W grid, in a square of px pixels.
// Screen right is the in-plane axis towards the patient's left, as radiologists look at it.
func slicePlane(t2w, model geom.Grid, k, px int) render.Plane {
	across, down := 0, 1
	if math.Abs(t2w.Dir[1][0]) > math.Abs(t2w.Dir[0][0]) {
		across, down = 1, 0
	}
	p := render.Plane{Right: t2w.Dir[across], Down: t2w.Dir[down]}
	if p.Right[0] < 0 {
		p.Right = p.Right.Scale(-1)
	}
	if p.Down[1] < 0 {
		p.Down = p.Down.Scale(-1)
	}
	v := t2w.Voxel(model.Centre())
	v[2] = float64(k)
	p.Centre = t2w.World(v)
	p.PixelMM = max(float64(model.Size[0])*model.Spacing[0], float64(model.Size[1])*model.Spacing[1]) / float64(px)
	return p
}

// t2wWindow maps the 1st to the 99.5th percentile of a 40 mm box about the middle of the model's
// grid to the grey scale, for all slices alike: scanners' own windows leave the gland dark.
func t2wWindow(t2w *volume.Volume, centre geom.Vec3) render.Window {
	grid := t2w.Grid()
	c := grid.Voxel(centre)
	const halfMM = 20
	var values []float32
	for k := range grid.Size[2] {
		if math.Abs(float64(k)-c[2])*grid.Spacing[2] > halfMM {
			continue
		}
		for j := range grid.Size[1] {
			if math.Abs(float64(j)-c[1])*grid.Spacing[1] > halfMM {
				continue
			}
			for i := range grid.Size[0] {
				if v := t2w.At(i, j, k); math.Abs(float64(i)-c[0])*grid.Spacing[0] <= halfMM && v-v == 0 {
					values = append(values, v)
				}
			}
		}
	}
	if len(values) == 0 {
		return render.Window{Level: 0.5, Width: 1}
	}
	slices.Sort(values)
	low, high := percentile(values, 0.01), percentile(values, 0.995)
	return render.Window{Level: (low + high) / 2, Width: max(high-low, 1e-6)}
}

// percentile returns the value at a share 0…1 of sorted values, the nearest one below.
func percentile(sorted []float32, share float64) float64 {
	return float64(sorted[int(share*float64(len(sorted)-1))])
}

// pictures draws slices of one prediction.
type pictures struct {
	renderer render.Renderer
	scene    render.Scene // plane, base and window; overlays are added
	px       int
	outlines []render.Contour // reference
}

// segmentation draws the hard segments as filled outlines, 10 % and 90 % probability as dashed lines.
func (d *pictures) segmentation(ctx context.Context, p *inference.Prediction) (*image.RGBA, error) {
	scene := d.scene
	for c := 1; c < len(p.Card.Classes); c++ {
		margin, err := marginField(p.Mean, c)
		if err != nil {
			return nil, err
		}
		scene.Contours = append(scene.Contours, render.Contour{Field: margin, Level: 0, Color: render.ZoneColor(p.Card.Classes[c]), Width: 2.2, Fill: 0.2})
	}
	bands, line := p.Mean[1], render.ZoneColor(p.Card.Classes[1])
	if p.Card.Task == modelcard.Anatomy {
		var err error
		if bands, err = foreground(p.Mean); err != nil {
			return nil, err
		}
		line = render.ZoneColor("WG")
	}
	for _, level := range []float64{0.1, 0.9} {
		scene.Contours = append(scene.Contours, render.Contour{Field: bands, Level: level, Color: line, Width: 1.2, Dash: 5})
	}
	scene.Contours = append(scene.Contours, d.outlines...)
	return d.renderer.Render(ctx, scene, d.px, d.px)
}

// uncertainty draws a map in colour over the slice, and the outlines of the segments in white.
func (d *pictures) uncertainty(ctx context.Context, v *volume.Volume, high float64, p *inference.Prediction) (*image.RGBA, error) {
	scene := d.scene
	scene.Overlay = &render.Overlay{Volume: v, Map: render.Viridis, Low: 0, High: high, Opacity: 0.85}
	for c := 1; c < len(p.Card.Classes); c++ {
		margin, err := marginField(p.Mean, c)
		if err != nil {
			return nil, err
		}
		line := render.ZoneColor("WG")
		line.A = 170
		scene.Contours = append(scene.Contours, render.Contour{Field: margin, Level: 0, Color: line, Width: 1})
	}
	return d.renderer.Render(ctx, scene, d.px, d.px)
}

// marginField is p_c − max of the other classes: positive exactly where c is the most probable class.
func marginField(mean []*volume.Volume, c int) (*volume.Volume, error) {
	out := slices.Clone(mean[c].Data())
	for i := range out {
		other := float32(0)
		for o, v := range mean {
			if o != c {
				other = max(other, v.Data()[i])
			}
		}
		out[i] -= other
	}
	return volume.New(mean[c].Grid(), out, "probability")
}

// foreground is 1 − P(background).
func foreground(mean []*volume.Volume) (*volume.Volume, error) {
	out := slices.Clone(mean[0].Data())
	for i, p := range out {
		out[i] = 1 - p
	}
	return volume.New(mean[0].Grid(), out, "probability")
}

// referenceColor draws a reader's annotation in white, as Figure 3 of the paper does.
var referenceColor = color.NRGBA{255, 255, 255, 255}

// referenceOutlines makes one white line per label of a reader's annotation.
func referenceOutlines(m *volume.Mask) []render.Contour {
	if m == nil {
		return nil
	}
	var present [256]bool
	for _, l := range m.Data() {
		present[l] = true
	}
	var out []render.Contour
	for label := 1; label < len(present) && len(out) < 8; label++ {
		if !present[label] {
			continue
		}
		out = append(out, render.Contour{Field: render.MaskField(m, uint8(label)), Level: 0.5, Color: referenceColor, Width: 1.8})
	}
	return out
}
