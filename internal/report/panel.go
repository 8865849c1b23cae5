package report

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/volume"
	"bayeslice/render"
)

// Measures of the panel in pixels.
const (
	panelWidth = 1600
	margin     = 40
	gap        = 25
	slicePX    = (panelWidth - 2*margin - 2*gap) / 3
	slicesTop  = 206
	captionH   = 92
	lowerTop   = slicesTop + slicePX + captionH + 8
	lowerH     = 310
)

// Panel draws one picture that explains a prediction: the T2W slice with the largest segment and the
// segments on it, total and epistemic uncertainty with their scales in nats, histograms of class
// probabilities over the predicted segments, volumes with intervals, lesion candidates, and how it
// came about. It is 1600 pixels wide, and holds no identity. It fails as [Write] does for a
// prediction that is not complete, or with the renderer's error.
func Panel(ctx context.Context, e *exam.Exam, p *inference.Prediction, o Options) (*image.RGBA, error) {
	m, err := newMeans(ctx, e, p)
	if err != nil {
		return nil, err
	}
	return panel(ctx, e, p, m, o)
}

func panel(ctx context.Context, e *exam.Exam, p *inference.Prediction, m *maps, o Options) (*image.RGBA, error) {
	issues := issueLines(e, p)
	if n := p.Card.Notice(); n != "" {
		issues = append([]string{n}, issues...)
	}
	height := lowerTop + lowerH + 24 + 24*len(issues) + 74
	s, err := newSheet(panelWidth, height)
	if err != nil {
		return nil, err
	}
	s.header(e, p)
	if err := s.slices(ctx, e, p, m, o); err != nil {
		return nil, err
	}
	s.lower(p)
	y := lowerTop + lowerH + 34
	for _, line := range issues {
		st := style{px: 17, color: faint}
		s.text(margin, y, st, left, s.ellipsis(st, line, panelWidth-2*margin))
		y += 24
	}
	s.footer(height, o.Program)
	return s.img, nil
}

// header writes the title, how the result came about, and what must not be overlooked.
func (s *sheet) header(e *exam.Exam, p *inference.Prediction) {
	x := panelWidth - margin
	if e.Synthetic {
		x = s.badge(x, 34, "SYNTHETIC EXAM", notice) - 14
	}
	switch p.Card.State() {
	case modelcard.Untrained:
		x = s.badge(x, 34, "UNTRAINED MODEL", alarm) - 14
	case modelcard.SyntheticOnly:
		x = s.badge(x, 34, "TRAINED ON PHANTOMS", notice) - 14
	case modelcard.Trained:
	}
	title := style{px: 36, bold: true, color: ink}
	s.text(margin, 72, title, left, s.ellipsis(title, taskTitle(p.Card.Task), x-margin))
	line := style{px: 20, color: ink}
	s.text(margin, 114, line, left, s.ellipsis(line, runLine(p), panelWidth-2*margin))
	if p.StopNote != "" {
		note := style{px: 17, color: faint}
		lines := s.wrap(note, sentenceCase(p.StopNote), panelWidth-2*margin)
		if len(lines) > 2 {
			lines = append(lines[:1], s.ellipsis(note, strings.Join(lines[1:], " "), panelWidth-2*margin))
		}
		for i, text := range lines {
			s.text(margin, 142+24*i, note, left, text)
		}
	}
}

func taskTitle(t modelcard.Task) string {
	if t == modelcard.Anatomy {
		return "Prostate anatomy: WG, TZ, PZ"
	}
	return "Clinically significant prostate cancer"
}

// sentenceCase puts a capital in front.
func sentenceCase(text string) string {
	r, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(r)) + text[size:]
}

// runLine says in one line what made the prediction.
func runLine(p *inference.Prediction) string {
	parts := []string{"Model " + p.Card.Name}
	if len(p.ModelSHA) >= 8 {
		parts[0] += " (sha256 " + p.ModelSHA[:8] + "…)"
	}
	samples := fmt.Sprintf("%d of %d samples", p.Samples, p.Requested)
	if p.Samples >= p.Requested {
		samples = fmt.Sprintf("%d samples", p.Samples)
	}
	parts = append(parts, samples+" ("+string(p.Stop)+")", fmt.Sprintf("seed %d", p.Seed), p.Device)
	if p.SecondsPerSample > 0 {
		parts = append(parts, fmt.Sprintf("%.3g s a sample", p.SecondsPerSample))
	}
	return strings.Join(parts, " · ")
}

// slices draws the upper row: segments, entropy, mutual information.
func (s *sheet) slices(ctx context.Context, e *exam.Exam, p *inference.Prediction, m *maps, o Options) error {
	t2w := e.Chosen(exam.T2W).Volume
	k, why := shownSlice(m, o.Reference)
	renderer := o.Renderer
	if renderer == nil {
		renderer = render.NewCPU()
		defer func() { _ = renderer.Close() }() // closing the CPU renderer cannot fail
	}
	d := &pictures{renderer: renderer, px: slicePX, outlines: referenceOutlines(o.Reference), scene: render.Scene{
		Plane: slicePlane(t2w.Grid(), p.Grid, k, slicePX), Base: t2w, Interp: volume.Linear, Window: t2wWindow(t2w, p.Grid.Centre())}}
	img, err := d.segmentation(ctx, p)
	if err != nil {
		return err
	}
	s.picture(0, img, "Segmentation on T2W", d.scene.Plane)
	s.outlined(margin+slicePX-10, slicesTop+slicePX-14, style{px: 16, color: ink}, right, fmt.Sprintf("slice %d/%d", k+1, t2w.Grid().Size[2]))
	s.legend(p, o.Reference != nil, why)
	largest := math.Log(float64(len(p.Card.Classes)))
	if img, err = d.uncertainty(ctx, p.Entropy, largest, p); err != nil {
		return err
	}
	s.picture(1, img, "Predictive entropy (total uncertainty)", d.scene.Plane)
	s.colorBar(1, largest, fmt.Sprintf("nats; ln %d = %.2f is the largest possible", len(p.Card.Classes), largest))
	high := niceTop(percentileOf(p.MutualInformation, 0.995))
	if img, err = d.uncertainty(ctx, p.MutualInformation, high, p); err != nil {
		return err
	}
	s.picture(2, img, "Mutual information (epistemic part)", d.scene.Plane)
	s.colorBar(2, high, "nats; scale ends at the 99.5th percentile, rounded up")
	return nil
}

// column returns the left edge of an image column.
func column(n int) int { return margin + n*(slicePX+gap) }

// picture pastes a slice with its heading, the patient's sides and a scale.
func (s *sheet) picture(n int, img *image.RGBA, heading string, plane render.Plane) {
	x, y := column(n), slicesTop
	s.text(x, y-9, style{px: 18, bold: true, color: ink}, left, heading)
	s.paste(x, y, img)
	letters := style{px: 20, bold: true, color: ink}
	s.outlined(x+8, y+slicePX/2+7, letters, left, geom.OrientationLetters(plane.Right.Scale(-1)))
	s.outlined(x+slicePX-8, y+slicePX/2+7, letters, right, geom.OrientationLetters(plane.Right))
	s.outlined(x+slicePX/2, y+24, letters, centre, geom.OrientationLetters(plane.Down.Scale(-1)))
	s.outlined(x+slicePX/2, y+slicePX-10, letters, centre, geom.OrientationLetters(plane.Down))
	length := int(10/plane.PixelMM + 0.5)
	s.fill(image.Rect(x+11, y+slicePX-16, x+13+length, y+slicePX-11), color.NRGBA{0, 0, 0, 200})
	s.fill(image.Rect(x+12, y+slicePX-15, x+12+length, y+slicePX-12), ink)
	s.outlined(x+12, y+slicePX-22, style{px: 15, color: ink}, left, "10 mm")
}

// legend explains the lines of the segmentation under its picture.
func (s *sheet) legend(p *inference.Prediction, reference bool, why string) {
	st := style{px: 16, color: ink}
	x, y := column(0), slicesTop+slicePX+24
	entry := func(c color.NRGBA, dash bool, label string) {
		for dx := 0; dx < 28; dx += 4 {
			if !dash || dx%8 == 0 {
				s.fill(image.Rect(x+dx, y-7, x+dx+4, y-4), c)
			}
		}
		s.text(x+34, y, st, left, label)
		x += 34 + s.width(st, label) + 18
	}
	for _, class := range p.Card.Classes[1:] {
		entry(render.ZoneColor(class), false, class)
	}
	band := "WG"
	if p.Card.Task != modelcard.Anatomy {
		band = p.Card.Classes[1]
	}
	entry(render.ZoneColor(band), true, band+" 10 %, 90 %")
	if reference {
		entry(referenceColor, false, "reference")
	}
	s.text(column(0), y+28, style{px: 16, color: faint}, left, "Slice shown: "+why+".")
}

// colorBar draws the scale 0…high under a picture.
func (s *sheet) colorBar(n int, high float64, note string) {
	lut := render.LUT(render.Viridis)
	x, y := column(n), slicesTop+slicePX+12
	for dx := range slicePX {
		c := lut[dx*255/(slicePX-1)]
		s.fill(image.Rect(x+dx, y, x+dx+1, y+14), color.NRGBA(c))
	}
	st := style{px: 16, color: ink}
	for tick, at := range []alignment{left, centre, right} {
		s.text(x+tick*slicePX/2, y+34, st, at, fmt.Sprintf("%.3g", high*float64(tick)/2))
	}
	s.text(x, y+58, style{px: 16, color: faint}, left, note)
}

// footer ends the picture with what the program is not.
func (s *sheet) footer(height int, program string) {
	s.fill(image.Rect(margin, height-52, panelWidth-margin, height-51), rule)
	st := style{px: 17, color: ink}
	s.text(margin, height-24, st, left, Disclaimer)
	s.text(panelWidth-margin, height-24, style{px: 17, color: faint}, right, program)
}

// issueLines lists what a reader must know about the data, the worst first, at most four lines.
func issueLines(e *exam.Exam, p *inference.Prediction) []string {
	const most = 4
	out := issueSentences(allIssues(e, p))
	if len(out) > most {
		return append(out[:most-1:most-1], fmt.Sprintf("… and %d more; see %s.", len(out)-most+1, ResultFile))
	}
	return out
}

// issueSentences tells issues, the worst first.
func issueSentences(all []exam.Issue) []string {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b exam.Issue) int { return int(b.Severity) - int(a.Severity) })
	word := map[exam.Severity]string{exam.Note: "Note", exam.Warning: "Warning", exam.Severe: "Severe"}
	out := make([]string, len(all))
	for i, issue := range all {
		out[i] = word[issue.Severity] + ": " + strings.TrimSuffix(sentenceCase(issue.Text), ".") + "."
	}
	return out
}

func percentileOf(v *volume.Volume, share float64) float64 {
	sorted := slices.Clone(v.Data())
	slices.Sort(sorted)
	return percentile(sorted, share)
}

// niceTop rounds a scale's end up to 1, 2 or 5 times a power of ten.
func niceTop(v float64) float64 {
	if !(v > 1e-9) {
		return 1e-3
	}
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, f := range []float64{1, 2, 5} {
		if v <= f*unit {
			return f * unit
		}
	}
	return 10 * unit
}
