package render

import (
	"image/color"

	"bayeslice/internal/volume"
)

// Names of what [ZoneColor] colours. The zones are those of the inference statistics.
const (
	ZoneGland       = "WG" // whole gland, TZ ∪ PZ
	ZoneTransition  = "TZ"
	ZonePeripheral  = "PZ"
	ZoneCancer      = "csPCa"
	ZoneReference   = "reference" // a reader's or the data set's annotation
	ZoneUncertainty = "uncertainty"
)

// zoneStyle is a colour with the line that carries it, in logical pixels.
type zoneStyle struct {
	color       color.NRGBA
	width, dash float64
}

// zoneStyles is the Okabe–Ito palette (Okabe and Ito 2008), safe for colour-blind readers on black.
var zoneStyles = map[string]zoneStyle{
	ZoneGland:       {color.NRGBA{R: 230, G: 230, B: 230, A: 255}, 1.5, 5},
	ZoneTransition:  {color.NRGBA{R: 86, G: 180, B: 233, A: 255}, 1.5, 0},
	ZonePeripheral:  {color.NRGBA{R: 0, G: 158, B: 115, A: 255}, 1.5, 0},
	ZoneCancer:      {color.NRGBA{R: 230, G: 159, B: 0, A: 255}, 2.5, 0},
	ZoneReference:   {color.NRGBA{R: 204, G: 121, B: 167, A: 255}, 1.5, 2},
	ZoneUncertainty: {color.NRGBA{R: 240, G: 228, B: 66, A: 255}, 1, 0},
}

// ZoneColor returns the colour of a structure, named as the constants above; neutral grey for any other name.
func ZoneColor(name string) color.NRGBA {
	if s, ok := zoneStyles[name]; ok {
		return s.color
	}
	return color.NRGBA{R: 170, G: 170, B: 170, A: 255}
}

// ZoneContour returns the structure's contour of field at level in its house style: the gland dashed,
// cancer thick, a reference dotted. scale is the number of device pixels in a logical one.
func ZoneContour(name string, field *volume.Volume, level, scale float64) Contour {
	s, ok := zoneStyles[name]
	if !ok {
		s = zoneStyle{color: ZoneColor(name), width: 1.5}
	}
	return Contour{Field: field, Level: level, Color: s.color, Width: s.width * scale, Dash: s.dash * scale}
}

// bandLevels are the probabilities of the inner, nominal and outer confidence contour.
var bandLevels = [3]float64{0.9, 0.5, 0.1}

// ZoneBand returns the inner (90 %), nominal (50 %) and outer (10 %) contour of a mean probability
// map. The outer two are thinner and half transparent, so that the nominal one leads.
func ZoneBand(name string, probability *volume.Volume, scale float64) []Contour {
	var band []Contour
	for _, level := range bandLevels {
		c := ZoneContour(name, probability, level, scale)
		if level != 0.5 {
			c.Width *= 0.6
			c.Color.A = 150
		}
		band = append(band, c)
	}
	return band
}

// MaskField returns a volume that is 1 where m holds one of the labels (any label but 0 where none
// is given) and 0 elsewhere: contoured at 0.5 it outlines them.
func MaskField(m *volume.Mask, labels ...uint8) *volume.Volume {
	var in [256]float32
	for l := range in {
		if len(labels) == 0 && l > 0 {
			in[l] = 1
		}
	}
	for _, l := range labels {
		in[l] = 1
	}
	data := make([]float32, len(m.Data()))
	for i, l := range m.Data() {
		data[i] = in[l]
	}
	field, err := volume.New(m.Grid(), data, "")
	if err != nil {
		panic("render: a mask that does not fit its own grid: " + err.Error())
	}
	return field
}
