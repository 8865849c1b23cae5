package report

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"math"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/report/paper"
	"bayeslice/internal/volume"
	"bayeslice/render"
)

// Pictures of the page, at most two rows.
const (
	pictureColumns = 4
	picturesMost   = 2 * pictureColumns
	pictureGap     = 3.0
	pictureMM      = (pageInner - (pictureColumns-1)*pictureGap) / pictureColumns
	picturePX      = 480
	captionMM      = 9.4
)

// shot is one picture of the page.
type shot struct {
	title, note string
	slice       int        // of the T2W image
	image       exam.Role  // the grey image, in the plane of the T2W slice; T2W where it is not set
	peak        *geom.Vec3 // world LPS mm, which must lie well inside the picture; nil for no such point
	prediction  *inference.Prediction
	uncertainty bool // the entropy in colour under one contour, rather than bands
}

// pictures sets the key images and returns where they end.
func (s *setter) pictures(ctx context.Context, y float64) (float64, error) {
	shots, err := s.shots(ctx)
	if err != nil {
		return 0, err
	}
	renderer := s.of.Renderer
	if renderer == nil {
		renderer = render.NewCPU()
		defer func() { _ = renderer.Close() }() // closing the CPU renderer cannot fail
	}
	t2w := s.of.Exam.Chosen(exam.T2W).Volume
	for n, shot := range shots {
		base, window := s.base(shot)
		d := &pictures{renderer: renderer, px: picturePX, outlines: referenceOutlines(s.of.reference(shot.prediction.Card.Task)), scene: render.Scene{
			Plane: shot.around(slicePlane(t2w.Grid(), shot.prediction.Grid, shot.slice, picturePX)), Base: base, Interp: volume.Linear, Window: window}}
		img, err := d.key(ctx, shot)
		if err != nil {
			return 0, err
		}
		x := pageMargin + float64(n%pictureColumns)*(pictureMM+pictureGap)
		s.shot(x, y+float64(n/pictureColumns)*(pictureMM+captionMM), shot, img, d.scene.Plane)
	}
	rows := (len(shots) + pictureColumns - 1) / pictureColumns
	return y + float64(rows)*(pictureMM+captionMM) + 1, nil
}

// around moves a plane within its slice so far that the peak does not lie at the edge of the picture.
func (s shot) around(p render.Plane) render.Plane {
	if s.peak == nil {
		return p
	}
	const inner = 0.3 * picturePX // from the middle
	x, y := p.Pixel(*s.peak, picturePX, picturePX)
	over := func(at float64) float64 {
		off := at - (picturePX-1)/2.0
		return math.Copysign(max(math.Abs(off)-inner, 0), off) * p.PixelMM
	}
	p.Centre = p.Centre.Add(p.Right.Scale(over(x))).Add(p.Down.Scale(over(y)))
	return p
}

// base is the grey image of a picture with its window.
func (s *setter) base(what shot) (*volume.Volume, render.Window) {
	t2w := s.of.Exam.Chosen(exam.T2W).Volume
	switch series := s.of.Exam.Chosen(what.image); {
	case what.image == exam.ADC && series != nil:
		return series.Volume, render.ADCWindow()
	case what.image == exam.HighB && series != nil:
		return series.Volume, render.HighBWindow(series.Volume)
	}
	return t2w, t2wWindow(t2w, what.prediction.Grid.Centre())
}

// key draws a key image: the bands, over the entropy where that is asked for.
func (d *pictures) key(ctx context.Context, what shot) (*image.RGBA, error) {
	const scale = float64(picturePX) / pictureMM / 8 // line widths are given for pictures of 8 pixels a millimetre
	p := what.prediction
	scene := d.scene
	if what.uncertainty {
		scene.Overlay = &render.Overlay{Volume: p.Entropy, Map: render.Viridis, Low: 0, High: math.Log(float64(len(p.Card.Classes))), Opacity: 0.85}
	}
	for _, b := range bandsOf(p) {
		field, err := b.field(p)
		if err != nil {
			return nil, err
		}
		lines := render.ZoneBand(b.name, field, scale)
		if what.uncertainty {
			lines = lines[1:2]
		}
		scene.Contours = append(scene.Contours, lines...)
	}
	scene.Contours = append(scene.Contours, d.outlines...)
	return d.renderer.Render(ctx, scene, d.px, d.px)
}

// bandOf is a structure whose 10, 50 and 90 % contours are drawn.
type bandOf struct{ name string }

// bandsOf are the structures of a prediction: the gland and its transition zone, whose lines bound the
// peripheral zone too, or the suspicion.
func bandsOf(p *inference.Prediction) []bandOf {
	if p.Card.Task == modelcard.Anatomy {
		return []bandOf{{render.ZoneGland}, {render.ZoneTransition}}
	}
	return []bandOf{{p.Card.Classes[1]}}
}

// field is the mean probability of the structure.
func (b bandOf) field(p *inference.Prediction) (*volume.Volume, error) {
	for c, name := range p.Card.Classes {
		if name == b.name {
			return p.Mean[c], nil
		}
	}
	return foreground(p.Mean)
}

// shots chooses what is shown, eight pictures at most: slices that the reader marked, what each model
// predicted, how uncertain it was about it, and what else there is room for.
func (s *setter) shots(ctx context.Context) ([]shot, error) {
	out, err := s.marked()
	if err != nil {
		return nil, err
	}
	var more, last []shot
	for _, p := range []*inference.Prediction{s.of.of(modelcard.Anatomy), s.of.of(modelcard.Diagnosis)} {
		if p == nil {
			continue
		}
		m, err := newMeans(ctx, s.of.Exam, p)
		if err != nil {
			return nil, err
		}
		k, why := shownSlice(m, s.of.reference(p.Card.Task))
		entropy := shot{title: "Entropy, " + taskWord(p.Card.Task), note: entropyNote(p), slice: k, prediction: p, uncertainty: true}
		if p.Card.Task == modelcard.Anatomy {
			out = append(out, shot{title: shotTitle(p.Card.Task, exam.T2W), note: why, slice: k, prediction: p})
			last = append(last, s.height(p, m.hard)...)
		} else {
			found, rest := s.suspicion(p, k, why)
			entropy.slice, entropy.peak = found[0].slice, found[0].peak
			out, last = append(out, found...), append(last, rest...)
		}
		more = append(more, entropy)
	}
	out = append(append(out, more...), last...)
	return out[:min(len(out), picturesMost)], nil
}

// marked are the slices that the reader marked, half of the pictures at most.
func (s *setter) marked() ([]shot, error) {
	grid, _ := s.of.Exam.ReferenceGrid()
	shown := s.of.of(modelcard.Diagnosis)
	if shown == nil {
		shown = s.of.of(modelcard.Anatomy)
	}
	var out []shot
	for _, k := range s.of.KeySlices[:min(len(s.of.KeySlices), pictureColumns)] {
		if k.Slice < 0 || k.Slice >= grid.Size[2] {
			return nil, fmt.Errorf("%w: a key image shows slice %d of %d", ErrPage, k.Slice+1, grid.Size[2])
		}
		note := k.Note
		if note == "" {
			note = "marked by the reader"
		}
		out = append(out, shot{title: "Key image", note: note, slice: k.Slice, prediction: shown})
	}
	return out, nil
}

// suspicion shows the first candidate on every image that the exam has, and as rest the next ones on T2W.
// Without a candidate it is slice k, and why.
func (s *setter) suspicion(p *inference.Prediction, k int, why string) (found, rest []shot) {
	grid, _ := s.of.Exam.ReferenceGrid()
	var peak *geom.Vec3
	for n, l := range p.Lesions {
		world := l.PeakWorld
		at := shot{title: shotTitle(p.Card.Task, exam.T2W), note: fmt.Sprintf("peak of candidate %d", l.ID), slice: sliceOf(grid, l), peak: &world, prediction: p}
		if n == 0 {
			k, why, peak = at.slice, at.note, at.peak
			continue
		}
		rest = append(rest, at)
	}
	for _, role := range []exam.Role{exam.T2W, exam.ADC, exam.HighB} {
		if series := s.of.Exam.Chosen(role); series != nil && series.Volume != nil {
			found = append(found, shot{title: shotTitle(p.Card.Task, role), note: why, slice: k, image: role, peak: peak, prediction: p})
		}
	}
	return found, rest
}

// height shows the predicted gland towards the head and towards the feet, and where the model is least certain.
func (s *setter) height(p *inference.Prediction, hard *volume.Mask) []shot {
	box := hard.Region().Box
	if box.Empty() {
		return nil
	}
	low, high := box.Min[2]+(box.Max[2]-box.Min[2])/5, box.Max[2]-1-(box.Max[2]-box.Min[2])/5
	if hard.Grid().World(geom.Vec3{0, 0, float64(low)}).Sub(hard.Grid().World(geom.Vec3{0, 0, float64(high)}))[2] > 0 {
		low, high = high, low // the first slice is the one nearest to the head
	}
	at := func(k int, note string) shot {
		return shot{title: shotTitle(p.Card.Task, exam.T2W), note: note, slice: k, prediction: p}
	}
	return []shot{at(high, "towards the base"), at(low, "towards the apex"), at(leastCertain(p, hard.Grid()), "slice of the largest entropy")}
}

func taskWord(t modelcard.Task) string {
	if t == modelcard.Anatomy {
		return "zones"
	}
	return "csPCa"
}

func shotTitle(t modelcard.Task, image exam.Role) string {
	if t == modelcard.Anatomy {
		return "WG and TZ on T2W"
	}
	return "csPCa on " + image.String()
}

// entropyNote is the scale of an entropy picture in words.
func entropyNote(p *inference.Prediction) string {
	k := len(p.Card.Classes)
	return fmt.Sprintf("dark 0, yellow ln %d = %.2f nats", k, math.Log(float64(k)))
}

// leastCertain is the T2W slice next to the model's slice of the largest summed entropy.
func leastCertain(p *inference.Prediction, grid geom.Grid) int {
	best, at := -1.0, 0
	for k := range p.Grid.Size[2] {
		sum := 0.0
		for _, h := range p.Entropy.Slice(k) {
			sum += float64(h)
		}
		if sum > best {
			best, at = sum, k
		}
	}
	c := p.Grid.Centre()
	v := p.Grid.Voxel(c)
	v[2] = float64(at)
	return render.NearestSlice(grid, p.Grid.World(v))
}

// shot puts a picture with its sides, its scale, its title and what its lines mean.
func (s *setter) shot(x, y float64, what shot, img *image.RGBA, plane render.Plane) {
	s.Picture(paper.Rect{X: x, Y: y, W: pictureMM, H: pictureMM}, img)
	edges := render.EdgeLetters(plane)
	s.label(x+1, y+pictureMM/2, paper.Left, edges.Left)
	s.label(x+pictureMM-1, y+pictureMM/2, paper.Right, edges.Right)
	s.label(x+pictureMM/2, y+3.4, paper.Centre, edges.Top)
	s.label(x+pictureMM/2, y+pictureMM-1.4, paper.Centre, edges.Bottom)
	grid, _ := s.of.Exam.ReferenceGrid()
	s.label(x+pictureMM-1, y+pictureMM-1.4, paper.Right, fmt.Sprintf("slice %d/%d", what.slice+1, grid.Size[2]))
	length := 10 / plane.PixelMM / picturePX * pictureMM
	s.Fill(paper.Rect{X: x + 1.4, Y: y + pictureMM - 2.1, W: length + 0.4, H: 1}, plateInk)
	s.Fill(paper.Rect{X: x + 1.6, Y: y + pictureMM - 1.9, W: length, H: 0.6}, white)
	s.label(x+1, y+pictureMM-3.2, paper.Left, "10 mm")
	s.lines(x, y, what)
	y += pictureMM + rowMM
	levels := "10, 50, 90 %"
	if what.uncertainty {
		levels = "50 %"
	}
	w := s.Text(x+pictureMM, y, smallType, paper.Right, levels)
	s.Text(x, y, strongType, paper.Left, paper.Shorten(strongType, what.title, pictureMM-w-1))
	s.Text(x, y+rowMM-0.3, smallType, paper.Left, paper.Shorten(smallType, what.note, pictureMM))
}

// plateInk is what white marks on pictures stand on.
var plateInk = color.NRGBA{0, 0, 0, 255}

// label writes on a picture, on a black plate.
func (s *setter) label(x, y float64, at paper.Align, text string) {
	st := paper.Style{Points: 6.5, Bold: true, Color: white}
	w := paper.Width(st, text)
	start := x
	switch at {
	case paper.Centre:
		start -= w / 2
	case paper.Right:
		start -= w
	case paper.Left:
	}
	s.Fill(paper.Rect{X: start - 0.4, Y: y - 2.2, W: w + 0.8, H: 2.9}, plateInk)
	s.Text(start, y, st, paper.Left, text)
}

// lines says in the upper corner of a picture what its contours are; their levels stand under it.
func (s *setter) lines(x, y float64, what shot) {
	entry := func(name string, c color.NRGBA) {
		s.Fill(paper.Rect{X: x + 0.6, Y: y + 1.2, W: 4.6, H: 2.9}, plateInk)
		s.Fill(paper.Rect{X: x + 1, Y: y + 2.35, W: 3.4, H: 0.5}, c)
		s.label(x+5.2, y+3.4, paper.Left, name)
		y += 2.9
	}
	for _, b := range bandsOf(what.prediction) {
		entry(b.name, render.ZoneColor(b.name))
	}
	if s.of.reference(what.prediction.Card.Task) != nil {
		entry("reference", white)
	}
}

// sliceOf is the T2W slice of a candidate's peak.
func sliceOf(grid geom.Grid, l inference.Lesion) int { return render.NearestSlice(grid, l.PeakWorld) }
