package render

import (
	"encoding/hex"
	"image/color"
)

// colorTables holds the anchors of every map, as hexadecimal RGB.
var colorTables = map[ColorMap]string{Viridis: viridisHex, Magma: magmaHex, Inferno: infernoHex}

// ColorMaps returns the maps of this package in the order a menu shows them.
func ColorMaps() []ColorMap { return []ColorMap{Viridis, Magma, Inferno} }

// LUT returns the 256 opaque sRGB colours of a map, lowest value first: matplotlib's viridis, magma
// and inferno (van der Walt and Smith 2015). An unknown name gives a table of zeros; [Renderer]
// refuses scenes that name one.
func LUT(m ColorMap) [256]color.RGBA {
	var lut [256]color.RGBA
	rgb, err := hex.DecodeString(colorTables[m])
	if err != nil || len(rgb) != 3*len(lut) {
		return lut
	}
	for i := range lut {
		lut[i] = color.RGBA{R: rgb[3*i], G: rgb[3*i+1], B: rgb[3*i+2], A: 255}
	}
	return lut
}

// rgbTable is a LUT as 0…1 floats with the last entry repeated, so that entry i+1 exists for every i.
func rgbTable(m ColorMap) *[257][3]float32 {
	var table [257][3]float32
	for i, c := range LUT(m) {
		table[i] = [3]float32{float32(c.R) / 255, float32(c.G) / 255, float32(c.B) / 255}
	}
	table[256] = table[255]
	return &table
}
