package compare

import (
	"context"
	"errors"
	"math"

	"bayeslice/inference"
	masks "bayeslice/internal/compare"
	"bayeslice/internal/lang"
	"bayeslice/internal/metrics"
	"bayeslice/internal/volume"
	"bayeslice/viewer/viewstate"
)

// contoursBeside is the place of the contours being edited as a second reader.
const contoursBeside = -1

// second is the reader beside the reference with whom it is asked how the model's doubt lies to what they disagree about.
type second struct {
	at     int                 // position in [Comparison.Readers], or contoursBeside
	labels func() masks.Labels // nil: there is no second reader
}

// band is how the band of the model lies to what two readers disagree about.
type band struct {
	second    int // as second.at
	structure string
	voxelML   float64
	agreement metrics.Agreement
	known     bool
}

// beside returns the second reader: whose contours are compared, else the first in the list that is not the reference.
func (c *Comparison) beside() second {
	if c.Side() == Contours && c.edited != nil {
		if read, ok := c.edited.Labels(); ok {
			return second{contoursBeside, read}
		}
	}
	for n, r := range c.Readers() {
		if ref := r.reference; ref != nil && ref != c.s.Reference() {
			return second{n, func() masks.Labels { return masks.Labels{Zones: ref.Zones, Lesions: ref.Lesions} }}
		}
	}
	return second{}
}

// classOf returns the class of a structure.
func classOf(structure string) viewstate.Class {
	for _, class := range viewstate.Classes {
		if class.String() == structure {
			return class
		}
	}
	return viewstate.WG
}

// probability returns how probable a structure is on the model's grid; nil where the model does not tell.
func probability(p *inference.Prediction, structure string) (*volume.Volume, error) {
	for k, name := range p.Card.Classes {
		if name == structure && k > 0 {
			return p.Mean[k], nil
		}
	}
	if structure != masks.NameWG || classOf(structure).Task() != p.Card.Task {
		return nil, nil //nolint:nilnil // another model's
	}
	data := make([]float32, len(p.Mean[0].Data()))
	for i, background := range p.Mean[0].Data() {
		data[i] = 1 - background
	}
	return volume.New(p.Mean[0].Grid(), data, p.Mean[0].Unit())
}

// bandOf compares the model's doubt with what the reference and the second reader disagree about. It runs on the worker.
func bandOf(ctx context.Context, r request, reference masks.Labels) (band, error) {
	b := band{second: r.second.at, structure: r.structure, voxelML: r.grid.VoxelVolume() / 1000}
	if r.second.labels == nil || r.doubt == nil {
		return b, nil
	}
	p, err := probability(r.doubt, r.structure)
	if err != nil || p == nil {
		return b, err
	}
	other, err := onGrid(ctx, r.second.labels(), r.grid)
	if err != nil {
		return b, err
	}
	b.agreement, err = masks.Readers(ctx, p, reference, other, r.structure)
	if errors.Is(err, masks.ErrNothing) || errors.Is(err, metrics.ErrUndefined) {
		return b, nil
	}
	b.known = err == nil
	return b, err
}

// BandText says how much of what two readers disagree about lies in the model's band, and where they agree in it; "" where there
// are not two readers and a model.
func (c *Comparison) BandText() string {
	b := c.band
	if !b.known || c.problem != nil {
		return ""
	}
	a := b.agreement
	one, two := c.Title(c.Selected()), c.Title(b.second)
	if b.second == contoursBeside {
		two = lang.T("your contours")
	}
	if a.Disputed == 0 {
		return lang.T("%s and %s agree everywhere on %s; the model's 10–90 %% band holds %.1f mL.", one, two, b.structure, float64(a.Doubted)*b.voxelML)
	}
	text := lang.T("%s and %s disagree on %.1f mL of %s; the model's 10–90 %% band covers %.0f %% of it.", one, two,
		float64(a.Disputed)*b.voxelML, b.structure, 100*a.Unsure)
	if !math.IsNaN(a.Agreed) {
		text += " " + lang.T("In %.0f %% of the band, which holds %.1f mL, they agree.", 100*a.Agreed, float64(a.Doubted)*b.voxelML)
	}
	return text
}

// BandMeaning explains [Comparison.BandText].
func BandMeaning() string {
	return lang.T("A band that shows what readers doubt covers most of their disagreement. Where they agree in most of it, it is wider than their doubt.")
}
