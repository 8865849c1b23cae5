package evaluate

import (
	"bytes"
	"fmt"
	"html/template"
	"image"
	"image/color"
	"image/png"
	"slices"

	"bayeslice/internal/evaluate/chart"
	"bayeslice/internal/modelcard"
	"bayeslice/render"
)

// opacity is that of a class's colour at a probability of 1; less in proportion.
const opacity = 0.75

// figure3 is a row of the page: one exam, as every configuration of a task predicted it.
type figure3 struct {
	Title, Remark string
	Scales        []legendEntry // colours of classes from 0 to 1
	Panels        []examplePanel
}

// examplePanel is one picture with its histogram.
type examplePanel struct {
	Name               string
	Picture, Histogram template.HTML
	Lines              []panelLine
}

// figures3 are the panels of the paper's Figure 3, a row for each task with examples.
func (d *drawing) figures3() ([]figure3, error) {
	var out []figure3
	for _, task := range []modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis} {
		of, shown := d.examples(task)
		if len(of) == 0 {
			continue
		}
		f := figure3{Title: exampleTitle(task, of[0].example)}
		for n, c := range of[0].example.Classes {
			f.Scales = append(f.Scales, legendEntry{template.HTML(scale(c.Name) + chart.BarSwatch(n, render.ZoneColor(c.Name))), c.Name})
		}
		top := highest(of)
		for _, x := range of {
			p, err := x.panel(top)
			if err != nil {
				return nil, err
			}
			f.Panels = append(f.Panels, p)
		}
		f.Remark = exampleRemark(task, of, shown)
		out = append(out, f)
	}
	return out, nil
}

// shownExample is an example with its configuration.
type shownExample struct {
	placed
	example *Example
}

// examples are those of one exam of a task, one for each configuration that has it: the exam that most have, of those the
// first by run, fold and name. others is how many more exams there are.
func (d *drawing) examples(task modelcard.Task) (of []shownExample, others int) {
	type key struct {
		run, fold int
		exam      string
	}
	found := map[key][]shownExample{}
	var keys []key
	for _, x := range d.of(task) {
		for i := range x.result.Examples {
			e := &x.result.Examples[i]
			k := key{e.Run, e.Fold, e.Exam}
			if at := found[k]; len(at) > 0 && at[len(at)-1].result == x.result {
				continue // the same exam again
			}
			if found[k] == nil {
				keys = append(keys, k)
			}
			found[k] = append(found[k], shownExample{x, e})
		}
	}
	slices.SortFunc(keys, func(a, b key) int {
		if n := len(found[b]) - len(found[a]); n != 0 {
			return n
		}
		if a.run != b.run {
			return a.run - b.run
		}
		if a.fold != b.fold {
			return a.fold - b.fold
		}
		if a.exam < b.exam {
			return -1
		}
		return 1
	})
	if len(keys) == 0 {
		return nil, 0
	}
	return found[keys[0]], len(keys) - 1
}

func exampleTitle(task modelcard.Task, e *Example) string {
	text := fmt.Sprintf("%s: exam %s, slice %d", taskName(task), e.Exam, e.Slice+1)
	if e.Run > 0 {
		text += fmt.Sprintf(" (run %d, fold %d)", e.Run, e.Fold)
	}
	return text
}

func exampleRemark(task modelcard.Task, of []shownExample, others int) string {
	text := "Colour: the more opaque, the more probable. White lines: the reference. Below: probability over the predicted segment of the whole exam, as share of its voxels; "
	if task == modelcard.Anatomy {
		text += "the segment of a zone is where it is the most probable class."
	} else {
		text += "the segment of csPCa is the candidates of a confidence of 0.1 and more."
	}
	if slices.ContainsFunc(of, func(x shownExample) bool { return len(x.example.Image) == 0 }) {
		text += " No T2W image was given, so that predictions stand on black."
	}
	if others > 0 {
		text += fmt.Sprintf(" The results hold %s.", count(others, "more example"))
	}
	return text
}

// highest is the largest share of a bin in all histograms, so that they have one axis.
func highest(of []shownExample) float64 {
	top := 0.0
	for _, x := range of {
		for _, c := range x.example.Classes {
			for _, share := range c.Segment.Shares() {
				top = max(top, share)
			}
		}
	}
	return top
}

// Shares are the bins as shares of the segment's voxels; none of an empty segment.
func (s *Segment) Shares() []float64 {
	if s == nil || s.Voxels == 0 {
		return nil
	}
	out := make([]float64, len(s.Bins))
	for i, n := range s.Bins {
		out[i] = float64(n) / float64(s.Voxels)
	}
	return out
}

func (x shownExample) panel(top float64) (examplePanel, error) {
	e, name := x.example, x.result.Name
	p := examplePanel{Name: name}
	overlaid, err := e.overlay()
	if err != nil {
		return p, err
	}
	picture := chart.Picture{PNG: overlaid, Width: float64(e.Width) * e.PixelMM[0], Height: float64(e.Height) * e.PixelMM[1],
		Description: fmt.Sprintf("%s: slice of %s with its prediction in colour and the reference as white lines", name, e.Exam)}
	for _, l := range e.Lines {
		line := make([][2]float64, len(l.Points))
		for i, at := range l.Points {
			line[i] = [2]float64{at[0] * e.PixelMM[0], at[1] * e.PixelMM[1]}
		}
		picture.Lines = append(picture.Lines, line)
	}
	svg, err := picture.Draw()
	if err != nil {
		return p, err
	}
	p.Picture = template.HTML(svg)
	var bars []chart.Bars
	for _, c := range e.Classes {
		bars = append(bars, chart.Bars{Name: c.Name, Color: render.ZoneColor(c.Name), Shares: c.Segment.Shares()})
		text := c.Name + ": nothing predicted"
		if c.Segment.Voxels > 0 {
			text = fmt.Sprintf("%s: %.0f %% of the segment from 0.9 on", c.Name, 100*c.Segment.Polarised())
		}
		p.Lines = append(p.Lines, panelLine{Text: text})
	}
	f := chart.Frame{X: "probability", Y: "share of segment", XMax: 1, YMax: 1.04 * top, Small: true,
		Description: name + ": histogram of probabilities over the predicted segment"}
	if top == 0 {
		f.YMax = 1
	}
	if svg, err = chart.Histogram(f, bars); err != nil {
		return p, err
	}
	p.Histogram = template.HTML(svg)
	return p, nil
}

// overlay is the picture of an example: grey, and over it the colour of each class by its probability.
func (e *Example) overlay() ([]byte, error) {
	base := make([]byte, e.Width*e.Height)
	if len(e.Image) > 0 {
		var err error
		if base, err = e.pixels(e.Image); err != nil {
			return nil, err
		}
	}
	maps := make([][]byte, len(e.Classes))
	for c, class := range e.Classes {
		var err error
		if maps[c], err = e.pixels(class.Probability); err != nil {
			return nil, err
		}
	}
	out := image.NewNRGBA(image.Rect(0, 0, e.Width, e.Height))
	for i, v := range base {
		mix := [3]float64{float64(v), float64(v), float64(v)}
		for c, m := range maps {
			share := opacity * float64(m[i]) / 255
			z := render.ZoneColor(e.Classes[c].Name)
			for n, target := range [3]uint8{z.R, z.G, z.B} {
				mix[n] += share * (float64(target) - float64(v))
			}
		}
		for n, m := range mix {
			out.Pix[4*i+n] = uint8(min(max(m+0.5, 0), 255))
		}
		out.Pix[4*i+3] = 0xFF
	}
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, out); err != nil {
		return nil, fmt.Errorf("evaluate: %w", err)
	}
	return b.Bytes(), nil
}

// pixels reads a picture of an example back.
func (e *Example) pixels(text []byte) ([]byte, error) {
	head, err := png.DecodeConfig(bytes.NewReader(text))
	if err == nil && (head.Width != e.Width || head.Height != e.Height || head.ColorModel != color.GrayModel) {
		err = fmt.Errorf("%d × %d pixels instead of %d × %d of grey", head.Width, head.Height, e.Width, e.Height)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: the example of exam %q is damaged: %w; evaluate anew", ErrResult, e.Exam, err)
	}
	picture, err := png.Decode(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("%w: the example of exam %q is damaged: %w; evaluate anew", ErrResult, e.Exam, err)
	}
	grey, _ := picture.(*image.Gray) // as the header said
	if grey == nil || grey.Stride != e.Width {
		return nil, fmt.Errorf("%w: the example of exam %q is damaged; evaluate anew", ErrResult, e.Exam)
	}
	return grey.Pix, nil
}

// scale is a bar from probability 0 to 1 in the colour of a class on middle grey.
func scale(class string) string {
	const n, back = 20, 96.0
	z := render.ZoneColor(class)
	var b bytes.Buffer
	b.WriteString(`<svg class="wide" width="134" height="14" viewBox="0 0 134 14" aria-hidden="true"><text x="0" y="11" font-size="11" fill="#222">0</text>`)
	for i := range n {
		share := opacity * (float64(i) + 0.5) / n
		mix := func(target uint8) uint8 { return uint8(back + share*(float64(target)-back) + 0.5) }
		fmt.Fprintf(&b, `<rect x="%d" y="1" width="5.2" height="12" fill="#%02X%02X%02X"/>`, 12+5*i, mix(z.R), mix(z.G), mix(z.B))
	}
	b.WriteString(`<text x="118" y="11" font-size="11" fill="#222">1</text></svg>`)
	return b.String()
}
