package dicomout

import "github.com/lucasb-eyer/go-colorful"

// cieLab returns a colour as DICOM stores it (PS3.3 C.10.7.1.1): L from 0 to 100 and a, b from −128 to 127, each over 0…65535.
func cieLab(rgb [3]uint8) [3]int {
	l, a, b := colorful.Color{R: float64(rgb[0]) / 255, G: float64(rgb[1]) / 255, B: float64(rgb[2]) / 255}.LabWhiteRef(colorful.D50)
	scale := func(v float64) int { return int(min(max(v, 0), 1)*65535 + 0.5) }
	return [3]int{scale(l), scale((100*a + 128) / 255), scale((100*b + 128) / 255)}
}
