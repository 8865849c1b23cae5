package render

// rgbRow is a row of pixels as display values 0…1, kept in floats so that it is rounded only once.
type rgbRow struct{ r, g, b []float32 }

func newRGBRow(w int) rgbRow {
	return rgbRow{r: make([]float32, w), g: make([]float32, w), b: make([]float32, w)}
}

func (row *rgbRow) clear() {
	clear(row.r)
	clear(row.g)
	clear(row.b)
}

// grey writes windowed values from column x on; missing ones stay black.
func (row *rgbRow) grey(x int, values []float32, low, scale float32) {
	r, g, b := row.r[x:][:len(values)], row.g[x:][:len(values)], row.b[x:][:len(values)]
	for i, v := range values {
		if v == missing {
			continue
		}
		t := clampUnit((v - low) * scale)
		r[i], g[i], b[i] = t, t, t
	}
}

// tint blends values from column x on through a colour table.
func (row *rgbRow) tint(x int, values []float32, s shading, table *[257][3]float32) {
	r, g, b := row.r[x:][:len(values)], row.g[x:][:len(values)], row.b[x:][:len(values)]
	for i, v := range values {
		if v == missing || v < s.low {
			continue
		}
		t := clampUnit((v-s.low)*s.scale) * 255
		at := int(t)
		f := t - float32(at)
		c, d := &table[at], &table[at+1]
		r[i] += s.opacity * (c[0] + f*(d[0]-c[0]) - r[i])
		g[i] += s.opacity * (c[1] + f*(d[1]-c[1]) - g[i])
		b[i] += s.opacity * (c[2] + f*(d[2]-c[2]) - b[i])
	}
}

// blend mixes one colour into pixel i.
func (row *rgbRow) blend(i int, r, g, b, alpha float32) {
	row.r[i] += alpha * (r - row.r[i])
	row.g[i] += alpha * (g - row.g[i])
	row.b[i] += alpha * (b - row.b[i])
}

// store rounds the row into opaque RGBA bytes.
func (row *rgbRow) store(pix []uint8) {
	for i := range row.r {
		p := pix[4*i : 4*i+4 : 4*i+4]
		p[0], p[1], p[2], p[3] = byteOf(row.r[i]), byteOf(row.g[i]), byteOf(row.b[i]), 255
	}
}

// byteOf rounds a display value 0…1 to 8 bits.
func byteOf(v float32) uint8 { return uint8(v*255 + 0.5) }
