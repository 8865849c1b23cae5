package report

import (
	"fmt"
	"image"

	"bayeslice/inference"
	"bayeslice/internal/modelcard"
	"bayeslice/render"
)

// lower draws the second row: histograms, then volumes and lesion candidates.
func (s *sheet) lower(p *inference.Prediction) {
	hs := histograms(p)
	const tableW = 430
	room := panelWidth - 2*margin - tableW - gap
	if len(hs) == 1 {
		room = 2*slicePX + gap
	}
	w := (room - (len(hs)-1)*gap) / len(hs)
	for i, h := range hs {
		x := margin + i*(w+gap)
		s.drawHistogram(image.Rect(x, lowerTop, x+w, lowerTop+lowerH), h)
	}
	r := image.Rect(margin+room+gap, lowerTop, panelWidth-margin, lowerTop+lowerH)
	s.fill(r, plate)
	y := s.volumeTable(r, p)
	if p.Card.Task == modelcard.Diagnosis {
		s.lesionTable(image.Rect(r.Min.X, y, r.Max.X, r.Max.Y), p)
	}
}

// volumeTable lists volumes with the interval over the samples, and returns where it ends.
func (s *sheet) volumeTable(r image.Rectangle, p *inference.Prediction) int {
	s.text(r.Min.X+16, r.Min.Y+30, style{px: 20, bold: true, color: ink}, left, "Volume")
	s.text(r.Max.X-16, r.Min.Y+30, style{px: 16, color: faint}, right, "mean [5th, 95th percentile]")
	y := r.Min.Y + 62
	for _, v := range p.Volumes {
		s.fill(image.Rect(r.Min.X+16, y-13, r.Min.X+30, y+1), render.ZoneColor(v.Zone))
		st := style{px: 19, color: ink}
		s.text(r.Min.X+40, y, st, left, v.Zone)
		s.text(r.Max.X-16, y, st, right, millilitres(v.ML))
		y += 32
	}
	if p.Card.Task == modelcard.Anatomy {
		for _, line := range s.wrap(style{px: 16}, "Each sample's own segmentation is measured; the interval is over the samples. WG = TZ ∪ PZ.", r.Dx()-32) {
			s.text(r.Min.X+16, y+6, style{px: 16, color: faint}, left, line)
			y += 22
		}
	}
	return y
}

// millilitres writes a volume with its interval; small ones need the second decimal.
func millilitres(v inference.Interval) string {
	if v.P95 < 10 {
		return fmt.Sprintf("%.2f mL [%.2f, %.2f]", v.Mean, v.P5, v.P95)
	}
	return fmt.Sprintf("%.1f mL [%.1f, %.1f]", v.Mean, v.P5, v.P95)
}

// lesionTable lists as many candidates as there is room for.
func (s *sheet) lesionTable(r image.Rectangle, p *inference.Prediction) {
	y := r.Min.Y + 18
	s.text(r.Min.X+16, y, style{px: 20, bold: true, color: ink}, left, "Lesion candidates")
	small := style{px: 16, color: faint}
	if len(p.Lesions) == 0 {
		s.text(r.Min.X+16, y+30, style{px: 18, color: ink}, left, "None.")
		return
	}
	y += 26
	columns := []struct {
		x    int
		name string
	}{{r.Min.X + 36, "id"}, {r.Min.X + 150, "confidence"}, {r.Min.X + 280, "in samples"}, {r.Max.X - 16, "volume"}}
	for _, c := range columns {
		s.text(c.x, y, small, right, c.name)
	}
	for i, l := range p.Lesions {
		y += 25
		if y+25 > r.Max.Y && i < len(p.Lesions)-1 {
			s.text(r.Min.X+16, y, small, left, fmt.Sprintf("… and %d more; see %s.", len(p.Lesions)-i, ResultFile))
			return
		}
		cells := []string{fmt.Sprint(l.ID), fmt.Sprintf("%.2f", l.Confidence), fmt.Sprintf("%d of %d", l.Present, l.Samples), fmt.Sprintf("%.2f mL", l.VolumeML)}
		for c, text := range cells {
			s.text(columns[c].x, y, style{px: 18, color: ink}, right, text)
		}
	}
}
