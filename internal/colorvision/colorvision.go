// Package colorvision tells for tests how colours look to readers with a colour-vision deficiency and how
// far apart two colours are. Nothing in the program uses it while it runs.
package colorvision

import (
	"image/color"

	colorful "github.com/lucasb-eyer/go-colorful"
)

// Deficiency is a kind of dichromacy, the strongest form of a colour-vision deficiency.
type Deficiency uint8

// Deficiencies: none, no long-wave (red) cones, no middle-wave (green) cones, no short-wave (blue) cones.
const (
	None Deficiency = iota
	Protanopia
	Deuteranopia
	Tritanopia
)

// Deficiencies lists them all.
var Deficiencies = [...]Deficiency{None, Protanopia, Deuteranopia, Tritanopia}

// String returns the name.
func (d Deficiency) String() string {
	return [...]string{"normal vision", "protanopia", "deuteranopia", "tritanopia"}[d]
}

// matrices act on linear RGB: Machado, Oliveira and Fernandes, "A Physiologically-based Model for
// Simulation of Color Vision Deficiency", IEEE TVCG 15 (2009), severity 1.
var matrices = [...][3][3]float64{
	None:         {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
	Protanopia:   {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}},
	Deuteranopia: {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}},
	Tritanopia:   {{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}},
}

// seen returns how a colour looks with a deficiency; its alpha is not looked at.
func seen(c color.NRGBA, d Deficiency) colorful.Color {
	r, g, b := colorful.Color{R: float64(c.R) / 255, G: float64(c.G) / 255, B: float64(c.B) / 255}.LinearRgb()
	var out [3]float64
	for i, row := range matrices[d] {
		out[i] = min(max(row[0]*r+row[1]*g+row[2]*b, 0), 1)
	}
	return colorful.LinearRgb(out[0], out[1], out[2])
}

// Difference returns how far apart two colours look with a deficiency, as CIEDE2000 (Sharma, Wu and Dalal
// 2005) under D65: 1 can just be seen side by side, black and white are 100 apart.
func Difference(a, b color.NRGBA, d Deficiency) float64 {
	return 100 * seen(a, d).DistanceCIEDE2000(seen(b, d)) // the library counts L from 0 to 1
}

// Contrast returns the contrast ratio of two colours by WCAG 2.2, 1…21: texts want 4.5, large ones and
// marks of controls 3.
func Contrast(a, b color.NRGBA) float64 {
	luminance := func(c color.NRGBA) float64 {
		r, g, b := seen(c, None).LinearRgb()
		return 0.2126*r + 0.7152*g + 0.0722*b
	}
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}
