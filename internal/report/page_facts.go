package report

import (
	"context"
	"fmt"
	"math"
	"slices"

	"bayeslice/inference"
	"bayeslice/internal/align"
	"bayeslice/internal/exam"
	"bayeslice/internal/measure"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/sectors"
	"bayeslice/internal/volume"
)

// AddPSA works out the PSA density of a PSA in ng/mL from the volume of the gland over the samples. It
// fails with [ErrPage] where no model segmented the gland, or with [measure.ErrMeasure].
func (g *Page) AddPSA(psa float64) error {
	if p := g.of(modelcard.Anatomy); p != nil {
		for _, v := range p.Volumes {
			if v.Zone == "WG" {
				d, err := measure.PSADensity(psa, v.ML.Mean, v.ML.P5, v.ML.P95)
				if err == nil {
					g.Density = &d
				}
				return err
			}
		}
	}
	return fmt.Errorf("%w: a PSA density needs the volume of the gland; run an anatomy model too", ErrPage)
}

// AddSectors proposes a sector for every lesion candidate from the zones that the anatomy model predicted,
// the one that holds the largest part of the candidate. Without both models it does nothing.
func (g *Page) AddSectors() error {
	a, d := g.of(modelcard.Anatomy), g.of(modelcard.Diagnosis)
	if a == nil || d == nil || len(d.Lesions) == 0 {
		return nil
	}
	tz, pz := slices.Index(a.Card.Classes, "TZ"), slices.Index(a.Card.Classes, "PZ")
	if tz < 1 || pz < 1 {
		return nil
	}
	if len(a.Hard.Labels()) == 0 {
		return nil // no gland was predicted, which the volumes say
	}
	m, err := sectors.NewMap(a.Hard, uint8(tz), uint8(pz))
	if err != nil {
		return err
	}
	g.Sectors = map[int]string{}
	for _, l := range d.Lesions {
		if shares := m.Of(d.Grid, l.Voxels); len(shares) > 0 {
			g.Sectors[l.ID] = shares[0].Place.Text()
		}
	}
	return nil
}

// AddAlignment estimates how the exam's diffusion images lie on T2W, over the predicted gland or, without
// one, the middle of the image, and says so in Alignment. It takes some two seconds. It fails with ctx's
// error; images that cannot be compared are a sentence too. Progress may be nil.
func (g *Page) AddAlignment(ctx context.Context, progress func(done, total int)) error {
	t2w := g.Exam.Chosen(exam.T2W)
	var diffusion []*volume.Volume
	for _, r := range []exam.Role{exam.ADC, exam.HighB} {
		if s := g.Exam.Chosen(r); s != nil && s.Volume != nil {
			diffusion = append(diffusion, s.Volume)
		}
	}
	if t2w == nil || t2w.Volume == nil || len(diffusion) == 0 {
		return nil
	}
	region := align.CentralRegion(t2w.Volume.Grid())
	where := "the middle of the image"
	if p := g.of(modelcard.Anatomy); p != nil {
		on, err := volume.ResampleMask(ctx, p.Hard, t2w.Volume.Grid())
		if err != nil {
			return err
		}
		if r, ok := align.RegionOf(on); ok {
			region, where = r, "the gland"
		}
	}
	estimate, err := align.Check(ctx, t2w.Volume, diffusion, region, progress)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		g.Alignment = "T2W and diffusion: whether they lie on each other could not be measured"
		return nil //nolint:nilerr // the report says it
	}
	g.Alignment = AlignmentText(estimate, where, AnyMoved(g.Predictions))
	return nil
}

// AnyMoved reports whether a network saw images that were displaced.
func AnyMoved(all []*inference.Prediction) bool {
	return slices.ContainsFunc(all, func(p *inference.Prediction) bool { return len(p.Moved) > 0 })
}

// AlignmentText says in one sentence how diffusion lies on T2W. where is what was compared, such as "the gland"; moved says that a
// network saw images that were displaced, which the issues tell more of.
func AlignmentText(e *align.Estimate, where string, moved bool) string {
	s := e.Shift
	shift := fmt.Sprintf("%.1f mm %s, %.1f mm %s, %.1f mm %s", math.Abs(s.Left), side(s.Left, "left", "right"),
		math.Abs(s.Back), side(s.Back, "back", "front"), math.Abs(s.Head), side(s.Head, "up", "down"))
	switch {
	case !e.Confidence.Reliable():
		return "T2W and diffusion over " + where + ": the shift could not be measured reliably; compare the images by eye."
	case e.Notable():
		given := "the model was given the images as they are"
		if moved {
			given = "the model was given them moved, as told below"
		}
		return "Warning: over " + where + " diffusion is shifted against T2W by " + shift + " (" + e.Confidence.String() + " estimate); " + given + "."
	}
	return "T2W and diffusion agree over " + where + " to half a voxel of diffusion (estimated shift " + shift + "; " + e.Confidence.String() + " estimate)."
}

func side(v float64, positive, negative string) string {
	if v < 0 {
		return negative
	}
	return positive
}
