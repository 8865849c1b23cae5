package report

import (
	"fmt"
	"image"
	"slices"

	"bayeslice/inference"
	"bayeslice/internal/modelcard"
	"bayeslice/render"
)

// histogramBins is the number of bins over probabilities 0…1.
const histogramBins = 20

// histogram is the distribution of a structure's mean probability over the voxels predicted as that
// structure, on the model's grid: what the lower rows of the paper's Figure 3 show.
type histogram struct {
	structure string
	counts    [histogramBins]int
	voxels    int
	median    float64
}

// histograms returns WG, TZ and PZ for anatomy (WG is TZ ∪ PZ, with the sum of both probabilities),
// and one per foreground class otherwise.
func histograms(p *inference.Prediction) []histogram {
	var out []histogram
	if p.Card.Task == modelcard.Anatomy {
		out = append(out, newHistogram(p, "WG", 1, 2))
	}
	for c := 1; c < len(p.Card.Classes); c++ {
		out = append(out, newHistogram(p, p.Card.Classes[c], c))
	}
	return out
}

// newHistogram counts the summed probability of classes over the voxels whose hard label is one of them.
func newHistogram(p *inference.Prediction, name string, classes ...int) histogram {
	h := histogram{structure: name}
	var values []float32
	for i, label := range p.Hard.Data() {
		if !slices.Contains(classes, int(label)) {
			continue
		}
		var sum float32
		for _, c := range classes {
			sum += p.Mean[c].Data()[i]
		}
		h.counts[min(max(int(sum*histogramBins), 0), histogramBins-1)]++
		values = append(values, sum)
	}
	h.voxels = len(values)
	if h.voxels > 0 {
		slices.Sort(values)
		h.median = float64(values[(len(values)-1)/2]+values[len(values)/2]) / 2
	}
	return h
}

// drawHistogram draws the histogram with its axes into r.
func (s *sheet) drawHistogram(r image.Rectangle, h histogram) {
	title := style{px: 20, bold: true, color: ink}
	small := style{px: 16, color: faint}
	s.fill(r, plate)
	s.text(r.Min.X+16, r.Min.Y+30, title, left, "P("+h.structure+") over predicted "+h.structure)
	if h.voxels == 0 {
		s.text((r.Min.X+r.Max.X)/2, (r.Min.Y+r.Max.Y)/2, style{px: 18, color: ink}, centre, "No voxel was predicted as "+h.structure+".")
		return
	}
	s.text(r.Min.X+16, r.Min.Y+54, small, left, fmt.Sprintf("%d voxels · median %.2f", h.voxels, h.median))
	plot := image.Rect(r.Min.X+66, r.Min.Y+74, r.Max.X-20, r.Max.Y-58)
	top := niceShare(float64(slices.Max(h.counts[:])) / float64(h.voxels))
	for tick := range 3 {
		share := top * float64(tick) / 2
		y := plot.Max.Y - int(float64(plot.Dy())*share/top+0.5)
		s.fill(image.Rect(plot.Min.X, y, plot.Max.X, y+1), rule)
		s.text(plot.Min.X-8, y+6, small, right, fmt.Sprintf("%.4g %%", 100*share))
	}
	for b, n := range h.counts {
		x0 := plot.Min.X + b*plot.Dx()/histogramBins
		x1 := plot.Min.X + (b+1)*plot.Dx()/histogramBins
		y := plot.Max.Y - int(float64(plot.Dy())*float64(n)/float64(h.voxels)/top+0.5)
		s.fill(image.Rect(x0+1, y, x1-1, plot.Max.Y), render.ZoneColor(h.structure))
	}
	for tick := range 5 {
		x := plot.Min.X + tick*plot.Dx()/4
		s.fill(image.Rect(x, plot.Max.Y, x+1, plot.Max.Y+6), faint)
		s.text(x, plot.Max.Y+24, small, centre, fmt.Sprintf("%.2f", float64(tick)/4))
	}
	s.text((plot.Min.X+plot.Max.X)/2, plot.Max.Y+46, small, centre, "mean probability")
}

// niceShare rounds a share up to one that reads well on an axis.
func niceShare(share float64) float64 {
	for _, nice := range []float64{0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8} {
		if share <= nice {
			return nice
		}
	}
	return 1
}
