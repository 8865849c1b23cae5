package explore

import (
	"image/color"
	"slices"

	"bayeslice/internal/calibrate"
	"bayeslice/internal/geom"
	"bayeslice/internal/lang"
	"bayeslice/internal/volume"
	"bayeslice/render"
	"bayeslice/viewer/viewstate"
)

// Colours of a selected bin's voxels, which colour-blind readers tell apart: where the structure is there, and where it
// is not; and of the line at the decision threshold.
var (
	HitColor      = color.NRGBA{86, 180, 233, 255}
	MissColor     = color.NRGBA{230, 110, 40, 255}
	DecisionColor = color.NRGBA{255, 255, 140, 255}
)

// shade is a bin's voxels in a viewport, made when it is first drawn.
type shade struct {
	result    *calibrate.Result
	bin       int
	hit, miss *volume.Volume
}

// Decorate implements [viewstate.Extension]. In the viewports of compared models it shades the voxels of the selected
// bin, draws the browsed sample, or the contours as the sliders make them. While the quiz waits for an answer it
// hides everything that tells one, in every viewport.
func (x *Explore) Decorate(v int, scene *render.Scene) {
	if x.quiz.asking() {
		scene.Overlay, scene.Contours = nil, nil
		return
	}
	slot := x.s.Content(v).Slot
	if slot == viewstate.OwnResult || slot >= Slots {
		return
	}
	_, scale := x.s.Size(v)
	x.useModelColor(v, slot, scene)
	switch o := x.outcomes[slot]; {
	case x.browser.on:
		x.drawSample(v, slot, scale, scene)
	case o.Result == nil || o.of.model != x.s.Compared(slot).Prediction || o.of.class != x.s.Class():
	case x.bin >= 0:
		x.drawBin(slot, scale, scene)
	case x.settings != DefaultSettings():
		x.drawDecision(v, o, scale, scene)
	}
}

// keepReference takes all lines but the reference's out of a scene.
func (x *Explore) keepReference(scene *render.Scene) {
	reference := x.s.ReferenceField(x.s.Class())
	scene.Contours = slices.DeleteFunc(scene.Contours, func(c render.Contour) bool { return c.Field != reference || reference == nil })
}

// useModelColor leaves of the model's lines those of the selected class, in the colour that the model has in the diagram:
// those of the gland would else be as white as the reference.
func (x *Explore) useModelColor(v, slot int, scene *render.Scene) {
	own := map[*volume.Volume]viewstate.Class{}
	for _, class := range viewstate.Classes {
		if f := x.s.Field(v, viewstate.Probability, class); f != nil {
			own[f] = class
		}
	}
	var kept []render.Contour
	for _, c := range scene.Contours {
		class, isOwn := own[c.Field]
		if isOwn && class != x.s.Class() {
			continue
		}
		if isOwn {
			model := styles[slot].Color
			model.A = c.Color.A
			c.Color, c.Dash = model, 0
		}
		kept = append(kept, c)
	}
	scene.Contours = kept
}

// drawBin shades the voxels of the selected bin.
func (x *Explore) drawBin(slot int, scale float64, scene *render.Scene) {
	x.keepReference(scene)
	scene.Overlay = nil
	s := x.shadeOf(slot)
	for _, part := range []struct {
		field *volume.Volume
		color color.NRGBA
	}{{s.hit, HitColor}, {s.miss, MissColor}} {
		if part.field != nil {
			// a low level, so that single voxels are seen
			scene.Contours = append(scene.Contours, render.Contour{Field: part.field, Level: 0.3, Color: part.color, Width: 1.5 * scale, Fill: 0.6})
		}
	}
}

// shadeOf returns a slot's shaded voxels, which are made once per result and bin.
func (x *Explore) shadeOf(slot int) shade {
	o := x.outcomes[slot]
	if s := x.shades[slot]; s.result == o.Result && s.bin == x.bin {
		return s
	}
	s := shade{result: o.Result, bin: x.bin}
	if m, err := o.Result.BinMask(x.bin, o.Truth); err == nil { // it is on the result's own grid
		s.hit, s.miss = render.MaskField(m, 1), render.MaskField(m, 2)
	}
	x.shades[slot] = s
	return s
}

// drawSample draws the browsed sample's outline of the selected class, thick, over that of the mean, dashed.
func (x *Explore) drawSample(v, slot int, scale float64, scene *render.Scene) {
	p := x.s.Compared(slot).Prediction
	n, ok := x.sampleIn(slot)
	if p == nil || !ok {
		return
	}
	x.keepReference(scene)
	mean := x.s.Field(v, viewstate.Probability, x.s.Class())
	if mean != nil {
		c := render.Contour{Field: mean, Level: 0.5, Color: styles[slot].Color, Width: scale, Dash: 3 * scale}
		c.Color.A = 150
		scene.Contours = append(scene.Contours, c)
	}
	z, ok := zoneOf(p, x.s.Class())
	if !ok {
		return
	}
	if f, err := x.browser.field(p, n, z); err == nil { // the sample is one of those stored
		scene.Contours = append(scene.Contours, render.Contour{Field: f, Level: 0.5, Color: styles[slot].Color, Width: 2 * scale})
	}
}

// drawDecision replaces the selected class's contours by those of the probabilities that the sliders make, and draws the
// line at the decision threshold.
func (x *Explore) drawDecision(v int, o Outcome, scale float64, scene *render.Scene) {
	field := o.Result.Field()
	mean := x.s.Field(v, viewstate.Probability, o.of.class)
	for i, c := range scene.Contours {
		if c.Field == mean && mean != nil {
			scene.Contours[i].Field = field
		}
	}
	if scene.Overlay != nil && scene.Overlay.Volume == mean {
		overlay := *scene.Overlay
		overlay.Volume = field
		scene.Overlay = &overlay
	}
	if t := x.settings.Threshold; t > 0 && t < 1 && t != DefaultSettings().Threshold { // else it is the line at 50 %
		scene.Contours = append(scene.Contours, render.Contour{Field: field, Level: x.settings.Threshold, Color: DecisionColor, Width: 2 * scale})
	}
}

// Adjusted returns the probabilities of the selected class that a slot's picture shows while the sliders change them, and
// says how they are made, for a chart; nil where the picture shows those of the model as they are.
func (x *Explore) Adjusted(slot int) (field *volume.Volume, how string) {
	if slot < 0 || slot >= Slots {
		return nil, ""
	}
	o := x.outcomes[slot]
	if o.Result == nil || o.of.model != x.s.Compared(slot).Prediction || o.of.class != x.s.Class() {
		return nil, ""
	}
	switch s := o.Result.Settings; {
	case s.Temperature != 1:
		return o.Result.Field(), lang.T("calibrated, T %.2f", s.Temperature)
	case x.settings.Samples > 0:
		return o.Result.Field(), lang.N(o.Result.Samples, "%d sample", "%d samples")
	}
	return nil, ""
}

// Marks implements [viewstate.Extension]: the spot that the quiz asks for.
func (x *Explore) Marks(int) []viewstate.Mark {
	if !x.quiz.asking() {
		return nil
	}
	spot := x.quiz.spots[x.quiz.at]
	return []viewstate.Mark{{Points: []geom.Vec3{spot.World}, Radius: 2, Color: color.NRGBA{255, 255, 140, 255}, Width: 2, Label: "?"}}
}

// Bin returns the selected bin of the diagram, −1 for none.
func (x *Explore) Bin() int { return x.bin }

// SelectBin highlights the voxels of a bin in every viewport, or, with the bin that is selected already or one that does
// not exist, none. Where the shown slice holds none of them, the cursor moves to the slice that holds most.
func (x *Explore) SelectBin(bin int) {
	if bin == x.bin || bin < 0 || bin >= bins {
		bin = -1
	}
	x.bin = bin
	if bin >= 0 {
		x.browser.on, x.browser.playing = false, false
		x.showBin()
	}
	x.redraw()
}

// showBin moves the cursor to a slice with voxels of the selected bin.
func (x *Explore) showBin() {
	var best geom.Vec3
	most := 0
	for _, o := range x.outcomes {
		if o.Result == nil {
			continue
		}
		g := o.Result.Field().Grid()
		size := g.Size[0] * g.Size[1]
		count, first := make([]int, g.Size[2]), make([]int32, g.Size[2])
		for _, at := range o.Result.BinVoxels(x.bin) {
			k := int(at) / size
			if count[k] == 0 {
				first[k] = at
			}
			count[k]++
		}
		if k := render.NearestSlice(g, x.s.Cursor()); count[k] > 0 {
			return
		}
		for k, n := range count {
			if n > most {
				at := int(first[k])
				most, best = n, g.World(geom.Vec3{float64(at % g.Size[0]), float64(at / g.Size[0] % g.Size[1]), float64(k)})
			}
		}
	}
	if most > 0 {
		x.s.SetCursor(best)
	}
}
