package viewstate

import (
	"image/color"
	"math"
	"slices"

	"bayeslice/inference"
	"bayeslice/internal/lang"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/volume"
	"bayeslice/render"
)

// Class is a structure whose probability can be shown.
type Class uint8

// Classes, in display order. WG, the whole gland, is TZ ∪ PZ: its probability is one minus the background's.
const (
	WG Class = iota
	TZ
	PZ
	CsPCa
)

// Classes lists every class in display order.
var Classes = [...]Class{WG, TZ, PZ, CsPCa}

var classNames = [...]string{"WG", "TZ", "PZ", "csPCa"}

// String returns the short name used on screen and in model cards.
func (c Class) String() string { return classNames[c] }

// Task returns the task of the models that predict the class.
func (c Class) Task() modelcard.Task {
	if c == CsPCa {
		return modelcard.Diagnosis
	}
	return modelcard.Anatomy
}

// Color returns the class's colour: Okabe-Ito hues, told apart by colour-blind readers on black.
func (c Class) Color() color.NRGBA { return render.ZoneColor(c.String()) }

// Layer is the map drawn over the grey image.
type Layer uint8

// Layers. Probability and StandardDeviation are of the selected class; entropy and mutual
// information are over all classes of the model that predicts it.
const (
	NoLayer Layer = iota
	Probability
	StandardDeviation
	Entropy
	MutualInformation
)

// Layers lists every layer in display order.
var Layers = [...]Layer{NoLayer, Probability, StandardDeviation, Entropy, MutualInformation}

var layerNames = [...]lang.Text{lang.Mark("None"), lang.Mark("Probability"), lang.Mark("Standard deviation"), lang.Mark("Entropy"), lang.Mark("Mutual information")}

// String returns the display name.
func (l Layer) String() string { return layerNames[l].String() }

// Unit returns what the layer's values are measured in.
func (l Layer) Unit() string {
	switch l {
	case Probability, StandardDeviation:
		return "probability"
	case Entropy, MutualInformation:
		return "nats"
	}
	return ""
}

// Meaning returns one sentence for the reader.
func (l Layer) Meaning() string {
	switch l {
	case Probability:
		return lang.T("Mean probability of the class over the samples.")
	case StandardDeviation:
		return lang.T("How much the samples disagree about the class.")
	case Entropy:
		return lang.T("Total uncertainty: of the data and of the model.")
	case MutualInformation:
		return lang.T("Model (epistemic) uncertainty: what more training data could reduce.")
	}
	return ""
}

// Contours says which lines of the mean probability are drawn.
type Contours uint8

// Contour modes. Outlines are the 50 % lines of every class; Bands add the 10 % and 90 % lines of the selected class.
const (
	NoContours Contours = iota
	Outlines
	Bands
)

// ContourModes lists every mode in display order.
var ContourModes = [...]Contours{NoContours, Outlines, Bands}

var contourNames = [...]lang.Text{lang.Mark("Off"), lang.Mark("50 %"), lang.Mark("Bands")}

// String returns the display name.
func (c Contours) String() string { return contourNames[c].String() }

// Legend describes the colour bar of the active layer.
type Legend struct {
	Layer     Layer
	Class     Class // meaningful for Probability and StandardDeviation
	Map       render.ColorMap
	Low, High float64 // values at the two ends of the bar; values under Low are not drawn
	Title     string  // with the unit, of what an extension draws in place of the layer; "" for the layer
}

// colorMap returns the layer's colour map: one for probability and another for uncertainty, so that
// they cannot be mistaken for each other.
func (l Layer) colorMap() render.ColorMap {
	if l == Probability {
		return render.Viridis
	}
	return render.Magma
}

// field returns the volume of a layer and class of a prediction, and the top of its display range.
func field(p *inference.Prediction, l Layer, c Class) (v *volume.Volume, high float64) {
	switch l {
	case Probability:
		return classMap(p, p.Mean, c, true), 1
	case StandardDeviation:
		v = classMap(p, p.SD, c, false)
		return v, niceCeil(maximum(v), 0.05, 0.5)
	case Entropy:
		return p.Entropy, math.Log(math.Max(2, float64(len(p.Card.Classes))))
	case MutualInformation:
		return p.MutualInformation, niceCeil(maximum(p.MutualInformation), 0.01, math.Log(math.Max(2, float64(len(p.Card.Classes)))))
	}
	return nil, 0
}

// classMap picks a class's map. WG comes from the background's: its probability is the complement
// (invert), its standard deviation is the same.
func classMap(p *inference.Prediction, maps []*volume.Volume, c Class, invert bool) *volume.Volume {
	at := 0
	if c != WG {
		at = slices.Index(p.Card.Classes, c.String())
	}
	if at < 0 || at >= len(maps) || maps[at] == nil {
		return nil
	}
	if c != WG || !invert {
		return maps[at]
	}
	background := maps[0].Data()
	data := make([]float32, len(background))
	for i, b := range background {
		data[i] = 1 - b
	}
	v, err := volume.New(maps[0].Grid(), data, maps[0].Unit())
	if err != nil { // the lengths are equal by construction
		return nil
	}
	return v
}

// maximum returns the largest finite value of a volume, 0 for none.
func maximum(v *volume.Volume) float64 {
	if v == nil {
		return 0
	}
	top := float32(0)
	for _, x := range v.Data() {
		if x > top && !math.IsInf(float64(x), 1) {
			top = x
		}
	}
	return float64(top)
}

// niceCeil rounds up to 1, 2 or 5 times a power of ten, within lo…hi, so that a colour bar keeps its
// range while samples come in.
func niceCeil(v, lo, hi float64) float64 {
	if !(v > lo) {
		return lo
	}
	step := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5, 10} {
		if m*step >= v*(1-1e-9) {
			return math.Min(m*step, hi)
		}
	}
	return hi
}
