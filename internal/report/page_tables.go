package report

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/report/paper"
	"bayeslice/internal/review"
)

// rooms that lower parts of the page need, mm.
const (
	provenanceMM = 19.0 // one model
	issuesMM     = 21.0
)

// columns sets volumes and measurements on the left, lesions and uncertainty on the right, and returns
// where the longer one ends.
func (s *setter) columns(ctx context.Context, y, bottom float64) (float64, error) {
	bottom -= provenanceMM*float64(len(s.of.Predictions)) + issuesMM
	w := (pageInner - columnGap) / 2
	l := &track{s: s, x: pageMargin, w: w, y: y, bottom: bottom}
	r := &track{s: s, x: pageMargin + w + columnGap, w: w, y: y, bottom: bottom}
	l.volumes()
	l.gland()
	l.measurements()
	uncertainty, err := s.uncertainty(ctx)
	if err != nil {
		return 0, err
	}
	r.bottom -= float64(len(uncertainty)+3) * rowMM
	r.lesions()
	r.bottom = bottom
	r.gap()
	r.heading("Uncertainty")
	for _, line := range uncertainty {
		if line[1] == "" {
			r.note(smallType, line[0], 1)
			continue
		}
		r.pair(line[0], line[1])
	}
	return max(l.y, r.y) + 1.5, nil
}

// volumes lists each structure's volume with its interval, and what a reader made of it.
func (c *track) volumes() {
	c.heading("Volumes")
	reviewed := len(c.s.of.Reviewed) > 0
	head := []cell{{0, paper.Left, "structure"}, {0.42, paper.Right, "mean"}, {0.78, paper.Right, "5th to 95th percentile"}}
	if reviewed {
		head = append(head, cell{1, paper.Right, "reviewed"})
	}
	c.row(smallType, head...)
	rest := slices.Clone(c.s.of.Reviewed)
	for _, p := range c.s.of.Predictions {
		for _, v := range p.Volumes {
			cells := []cell{{0, paper.Left, v.Zone}, {0.42, paper.Right, ml(v.ML.Mean, v.ML.P95)}, {0.78, paper.Right, fmt.Sprintf("%s to %s", number(v.ML.P5, v.ML.P95), ml(v.ML.P95, v.ML.P95))}}
			if i := slices.IndexFunc(rest, func(r Reviewed) bool { return r.Structure == v.Zone }); i >= 0 {
				cells = append(cells, cell{1, paper.Right, ml(rest[i].ML, rest[i].ML)})
				rest = slices.Delete(rest, i, i+1)
			}
			c.row(bodyType, cells...)
		}
	}
	for _, r := range rest {
		c.row(bodyType, cell{0, paper.Left, r.Structure}, cell{1, paper.Right, ml(r.ML, r.ML)})
	}
}

// number writes millilitres; small ones need the second decimal.
func number(v, largest float64) string {
	if largest < 10 {
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.1f", v)
}

func ml(v, largest float64) string { return number(v, largest) + " mL" }

// gland sets what is derived from the volume of the gland.
func (c *track) gland() {
	d, e := c.s.of.Density, c.s.of.Ellipsoid
	if e != nil {
		c.pair(fmt.Sprintf("Ellipsoid %.0f × %.0f × %.0f mm", e.Diameters[0], e.Diameters[1], e.Diameters[2]), ml(e.ML, e.ML)+" (π/6 · a · b · c)")
	}
	if d != nil {
		value := fmt.Sprintf("%.2f ng/mL²", d.Value)
		if d.Low != d.High {
			value = fmt.Sprintf("%.2f [%.2f, %.2f] ng/mL²", d.Value, d.Low, d.High)
		}
		c.pair(fmt.Sprintf("PSA density, PSA %.4g ng/mL", d.PSA), value)
	}
}

// measurements lists what the reader measured, as far as there is room.
func (c *track) measurements() {
	list := c.s.of.Measurements
	if len(list) == 0 {
		return
	}
	c.gap()
	c.heading("Measurements by the reader")
	for i, m := range list {
		if !c.room(2) && i < len(list)-1 {
			c.row(smallType, cell{0, paper.Left, fmt.Sprintf("… and %d more that have no room here.", len(list)-i)})
			return
		}
		name := m.Name
		if m.Where != "" {
			name += ", " + m.Where
		}
		c.pair(name, m.Value)
	}
}

// lesions lists the candidates, the most confident first, as far as there is room.
func (c *track) lesions() {
	c.heading("Suspicion: candidates ranked by the model's confidence")
	p := c.s.of.of(modelcard.Diagnosis)
	switch {
	case p == nil:
		c.note(bodyType, "Not looked for: no diagnosis model was run.", 2)
		return
	case len(p.Lesions) == 0:
		c.note(bodyType, "No candidate reaches a confidence of 0.10. That does not exclude cancer.", 2)
		return
	}
	c.row(smallType, cell{0, paper.Left, "no."}, cell{0.32, paper.Right, "confidence [5th, 95th]"}, cell{0.55, paper.Right, "in samples"}, cell{0.72, paper.Right, "volume"}, cell{0.75, paper.Left, "slice, sector"})
	for i, l := range p.Lesions {
		if !c.room(3) && i < len(p.Lesions)-1 {
			c.row(smallType, cell{0, paper.Left, fmt.Sprintf("… and %d more that have no room here.", len(p.Lesions)-i)})
			break
		}
		c.row(bodyType, c.s.lesionCells(l, c.w)...)
	}
	note := "Confidence is the model's own probability at the peak, not a PI-RADS score."
	if len(c.s.of.Sectors) > 0 {
		note += " Sectors (PI-RADS v2.1 map) are proposed from the zone masks."
	}
	c.note(smallType, note, 2)
}

// lesionCells is a row of the list of candidates.
func (s *setter) lesionCells(l inference.Lesion, w float64) []cell {
	confidence := fmt.Sprintf("%.2f", l.Confidence)
	if l.P95 > 0 {
		confidence += fmt.Sprintf(" [%.2f, %.2f]", l.P5, l.P95)
	}
	present := "not known"
	if l.Samples > 0 {
		present = fmt.Sprintf("%d of %d", l.Present, l.Samples)
	}
	where := ""
	if grid, ok := s.of.Exam.ReferenceGrid(); ok {
		where = fmt.Sprint(sliceOf(grid, l) + 1)
	}
	if sector := s.of.Sectors[l.ID]; sector != "" {
		where += ", " + sector
	}
	return []cell{{0, paper.Left, fmt.Sprint(l.ID)}, {0.32, paper.Right, confidence}, {0.55, paper.Right, present},
		{0.72, paper.Right, ml(l.VolumeML, l.VolumeML)}, {0.75, paper.Left, paper.Shorten(bodyType, where, 0.25*w)}}
}

// uncertainty sums up each model's doubt in pairs of name and value, or sentences.
func (s *setter) uncertainty(ctx context.Context) ([][2]string, error) {
	var out [][2]string
	for _, p := range s.of.Predictions {
		found, err := review.Examine(ctx, review.Field{Classes: p.Card.Classes, Mean: p.Mean}, review.Options{})
		if err != nil {
			return nil, err
		}
		what := taskWord(p.Card.Task)
		if p.Card.Task == modelcard.Anatomy {
			what = sentenceCase(what)
		}
		out = append(out, [2]string{what + ": expected error if calibrated", review.ML(found.ErrorML)})
		if h, mi, n := meanEntropy(p); n > 0 {
			out = append(out, [2]string{what + ": mean entropy in the segment", fmt.Sprintf("%.2f of at most %.2f nats", h, math.Log(float64(len(p.Card.Classes))))},
				[2]string{what + ": of it mutual information", fmt.Sprintf("%.3f nats", mi)})
		}
		if len(found.Spots) > 0 {
			out = append(out, [2]string{"Least certain: " + found.Spots[0].Reason(), ""})
		}
	}
	return out, nil
}

// meanEntropy is the mean entropy and mutual information over the predicted segment, nats, and its voxels.
func meanEntropy(p *inference.Prediction) (h, mi float64, n int) {
	for i, label := range p.Hard.Data() {
		if label != 0 {
			n++
			h += float64(p.Entropy.Data()[i])
			mi += float64(p.MutualInformation.Data()[i])
		}
	}
	if n > 0 {
		h, mi = h/float64(n), mi/float64(n)
	}
	return h, mi, n
}

// provenance says how each result came about, and returns where it ends.
func (s *setter) provenance(y float64) float64 {
	c := &track{s: s, x: pageMargin, w: pageInner, y: y, bottom: paper.A4Height}
	for _, p := range s.of.Predictions {
		title := "Zones"
		if p.Card.Task == modelcard.Diagnosis {
			title = "Suspicion"
		}
		c.heading(title + ": model " + p.Card.Name)
		c.note(smallType, modelLine(p), 1)
		c.note(smallType, runWords(p), 1)
		if n := p.Card.Notice(); n != "" {
			st := smallType
			st.Bold, st.Color = true, alarm
			c.note(st, n, 1)
		}
		c.gap()
	}
	return c.y
}

// modelLine identifies the model's file and its training.
func modelLine(p *inference.Prediction) string {
	parts := []string{"sha256 " + p.ModelSHA}
	if p.Card.Loss != "" {
		parts = append(parts, "loss "+p.Card.Loss)
	}
	if p.Card.TrainedOn != "" {
		parts = append(parts, "trained on "+p.Card.TrainedOn)
	}
	return strings.Join(parts, " · ")
}

// runWords says how the samples were drawn.
func runWords(p *inference.Prediction) string {
	parts := []string{fmt.Sprintf("%d of %d samples (%s)", p.Samples, p.Requested, p.Stop), fmt.Sprintf("seed %d", p.Seed), fmt.Sprintf("dropout %.3g", p.Card.Dropout), p.Device}
	if p.SecondsPerSample > 0 {
		parts = append(parts, fmt.Sprintf("%.3g s a sample", p.SecondsPerSample))
	}
	return strings.Join(parts, " · ")
}

// issues lists what a reader must know about the data, the worst first, as far as there is room.
func (s *setter) issues(y, bottom float64) {
	c := &track{s: s, x: pageMargin, w: pageInner, y: y, bottom: bottom}
	c.heading("Data")
	if s.of.Alignment != "" {
		c.note(bodyType, sentenceCase(s.of.Alignment), 2)
	}
	all := s.of.allIssues()
	if len(all) == 0 {
		c.note(bodyType, "Nothing was found that would have to be known about the images.", 1)
	}
	for i, line := range all {
		if !c.room(2) && i < len(all)-1 {
			c.note(smallType, fmt.Sprintf("… and %d more that have no room here.", len(all)-i), 1)
			return
		}
		c.note(bodyType, line, 1)
	}
}

// allIssues lists the issues of the exam and of every preparation once, as sentences, the worst first.
func (g Page) allIssues() []string {
	var all []exam.Issue
	for _, p := range g.Predictions {
		for _, i := range allIssues(g.Exam, p) {
			if !slices.Contains(all, i) {
				all = append(all, i)
			}
		}
	}
	return issueSentences(all)
}
