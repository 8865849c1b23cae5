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

// Heights of lower parts of the page, mm.
const (
	headingMM = 2*rowMM + 0.8
	smallMM   = rowMM - 0.45
	issuesMM  = headingMM + 2*smallMM + 2*rowMM // the alignment in two lines and two issues
)

// provenanceMM is the height of the part that says how the results came about.
func (g Page) provenanceMM() float64 {
	h := headingMM
	for _, p := range g.Predictions {
		h += rowMM + 2*(smallMM+0.45) + rowMM/2
		if p.Card.Notice() != "" {
			h += smallMM + 0.45
		}
	}
	return h
}

// columns sets volumes and measurements on the left, lesions and uncertainty on the right, and returns
// where the longer one ends.
func (s *setter) columns(ctx context.Context, y, bottom float64) (float64, error) {
	bottom -= s.of.provenanceMM() + issuesMM + 1.5
	w := (pageInner - columnGap) / 2
	l := &track{s: s, x: pageMargin, w: w, y: y, bottom: bottom}
	r := &track{s: s, x: pageMargin + w + columnGap, w: w, y: y, bottom: bottom}
	l.volumes()
	l.gland()
	l.measurements()
	doubts, err := s.doubts(ctx)
	if err != nil {
		return 0, err
	}
	r.bottom -= doubtsMM(doubts)
	r.lesions()
	r.bottom = bottom
	r.uncertainty(doubts)
	return max(l.y, r.y) - rowMM + 2.5, nil
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
	c.heading("Suspicion: candidates by the model's confidence")
	p := c.s.of.of(modelcard.Diagnosis)
	switch {
	case p == nil:
		c.note(bodyType, "Not looked for: no diagnosis model was run.", 2)
		return
	case len(p.Lesions) == 0:
		c.note(bodyType, "No candidate reaches a confidence of 0.10. That does not exclude cancer.", 2)
		return
	}
	c.row(smallType, cell{0, paper.Left, "no."}, cell{0.29, paper.Right, "confidence, 5–95 %"}, cell{0.44, paper.Right, "in samples"}, cell{0.58, paper.Right, "volume"}, cell{0.61, paper.Left, "slice, sector"})
	for i, l := range p.Lesions {
		if last := i == len(p.Lesions)-1; !c.room(2) || !last && !c.room(3) {
			c.row(smallType, cell{0, paper.Left, fmt.Sprintf("… and %d more that have no room here.", len(p.Lesions)-i)})
			break
		}
		c.row(bodyType, c.s.lesionCells(l, c.w)...)
	}
	note := "Confidence is the model's own probability at the peak, not a PI-RADS score."
	if len(c.s.of.Sectors) > 0 {
		note = "Not a PI-RADS score. Sectors (map of v2.1) are proposed from the zone masks."
	}
	c.note(smallType, note, 1)
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
	return []cell{{0, paper.Left, fmt.Sprint(l.ID)}, {0.29, paper.Right, confidence}, {0.44, paper.Right, present},
		{0.58, paper.Right, ml(l.VolumeML, l.VolumeML)}, {0.61, paper.Left, paper.Shorten(bodyType, where, 0.39*w)}}
}

// doubt sums up how unsure a model is.
type doubt struct {
	what             string
	errorML          string
	entropy, mi, top float64 // nats: means over the predicted segment, and the largest possible
	voxels           int     // of the segment
	least            string  // the least certain place, or ""
}

// doubts sums up each model's.
func (s *setter) doubts(ctx context.Context) ([]doubt, error) {
	var out []doubt
	for _, p := range s.of.Predictions {
		found, err := review.Examine(ctx, review.Field{Classes: p.Card.Classes, Mean: p.Mean}, review.Options{})
		if err != nil {
			return nil, err
		}
		d := doubt{what: taskWord(p.Card.Task), errorML: review.ML(found.ErrorML), top: math.Log(float64(len(p.Card.Classes)))}
		d.entropy, d.mi, d.voxels = meanEntropy(p)
		if len(found.Spots) > 0 {
			d.least = found.Spots[0].Reason()
		}
		out = append(out, d)
	}
	return out, nil
}

// doubtsMM is the height of the table that [track.uncertainty] sets.
func doubtsMM(list []doubt) float64 {
	h := rowMM/2 + headingMM + rowMM
	for _, d := range list {
		h += rowMM
		if d.least != "" {
			h += rowMM
		}
	}
	return h
}

// uncertainty sets a table of doubts, and under it the places that should be looked at.
func (c *track) uncertainty(list []doubt) {
	c.gap()
	c.heading("Uncertainty")
	c.row(smallType, cell{0.4, paper.Right, "expected error"}, cell{0.6, paper.Right, "entropy"}, cell{0.8, paper.Right, "mutual inf."}, cell{1, paper.Right, "at most"})
	for _, d := range list {
		cells := []cell{{0, paper.Left, d.what}, {0.4, paper.Right, d.errorML}, {1, paper.Right, fmt.Sprintf("%.2f nats", d.top)}}
		if d.voxels > 0 {
			cells = append(cells, cell{0.6, paper.Right, fmt.Sprintf("%.2f", d.entropy)}, cell{0.8, paper.Right, fmt.Sprintf("%.3f", d.mi)})
		}
		c.row(bodyType, cells...)
	}
	for _, d := range list {
		if d.least != "" {
			c.row(smallType, cell{0, paper.Left, paper.Shorten(smallType, "Least certain: "+d.least, c.w)})
		}
	}
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
	c.heading("How it came about")
	for _, p := range s.of.Predictions {
		title := "Zones"
		if p.Card.Task == modelcard.Diagnosis {
			title = "Suspicion"
		}
		c.row(strongType, cell{0, paper.Left, paper.Shorten(strongType, title+": model "+p.Card.Name, c.w)})
		c.note(smallType, modelLine(p), 2)
		c.note(smallType, runWords(p), 1)
		if n := p.Card.Notice(); n != "" {
			st := smallType
			st.Bold, st.Color = true, alarm
			c.note(st, n, 1)
		}
		c.gap()
	}
	return c.y - rowMM/2
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
		last := i == len(all)-1
		if !last && !c.room(2) {
			c.row(smallType, cell{0, paper.Left, fmt.Sprintf("… and %d more that have no room here.", len(all)-i)})
			return
		}
		most := 2
		if !last && !c.room(3) {
			most = 1 // the line that counts those without room comes below
		}
		c.note(bodyType, line, most)
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
