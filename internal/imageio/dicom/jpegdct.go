package dicom

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"math"
)

// decode8 decodes a stream of eight bits with the standard library.
func (j *jpegStream) decode8(samples []uint16) error {
	img, err := jpeg.Decode(bytes.NewReader(j.data))
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: JPEG pixels end early", ErrTruncated)
	}
	if err != nil {
		return errJPEG
	}
	grey, ok := img.(*image.Gray)
	if !ok || grey.Rect.Dx() != j.width || grey.Rect.Dy() != j.height {
		return errJPEG
	}
	for y := range j.height {
		for x, v := range grey.Pix[y*grey.Stride : y*grey.Stride+j.width] {
			samples[y*j.width+x] = uint16(v)
		}
	}
	return nil
}

// zigzag is the place of each coefficient of a block in its rows (T.81 figure A.6).
var zigzag = [64]int{
	0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
}

// cosines[x][u] is C(u)/2 · cos((2x+1)uπ/16), the factors of T.81 A.3.3.
var cosines = func() (c [8][8]float64) {
	for x := range c {
		for u := range c[x] {
			c[x][u] = math.Cos(float64(2*x+1)*float64(u)*math.Pi/16) / 2
			if u == 0 {
				c[x][u] = math.Sqrt2 / 4
			}
		}
	}
	return c
}()

// scanDCT decodes the blocks of a sequential stream of twelve bits (T.81 F.2), which the standard library does not read. The
// inverse transform is that of the definition, rounded once.
func (j *jpegStream) scanDCT(samples []uint16) error {
	across, down := (j.width+7)/8, (j.height+7)/8
	middle, top := float64(int(1)<<(j.precision-1)), float64(int(1)<<j.precision-1)
	dc := int32(0)
	for n := range across * down {
		if n > 0 && j.restartInterval > 0 && n%j.restartInterval == 0 {
			if !j.restart() {
				return fmt.Errorf("%w: JPEG pixels lack a restart mark", ErrTruncated)
			}
			dc = 0
		}
		var block [64]float64
		if !j.block(&block, &dc) {
			return fmt.Errorf("%w: JPEG pixels end early, in block %d of %d", ErrTruncated, n+1, across*down)
		}
		inverseDCT(&block)
		x0, y0 := n%across*8, n/across*8
		for y := y0; y < min(y0+8, j.height); y++ {
			for x := x0; x < min(x0+8, j.width); x++ {
				v := math.Round(block[(y-y0)*8+x-x0] + middle)
				samples[y*j.width+x] = uint16(min(max(v, 0), top))
			}
		}
	}
	return nil
}

// block reads the coefficients of one block and brings them to their scale.
func (j *jpegStream) block(b *[64]float64, dc *int32) bool {
	quant, ac := j.quant[j.quantTable], j.tables[4+j.tableAC]
	category, ok := j.symbol(j.tables[j.table])
	if !ok || category > 15 {
		return false
	}
	d, ok := j.extended(int(category))
	if !ok {
		return false
	}
	*dc += d
	b[0] = float64(*dc) * float64(quant[0])
	for k := 1; k < 64; k++ {
		s, ok := j.symbol(ac)
		if !ok {
			return false
		}
		run, category := int(s>>4), int(s&15)
		if category == 0 {
			if run != 15 {
				return true // the rest is zero
			}
			k += 15
			continue
		}
		if k += run; k > 63 {
			return false
		}
		v, ok := j.extended(category)
		if !ok {
			return false
		}
		b[zigzag[k]] = float64(v) * float64(quant[k])
	}
	return true
}

// inverseDCT transforms a block in place, columns first.
func inverseDCT(b *[64]float64) {
	var half [64]float64
	for y := range 8 {
		for u := range 8 {
			for v := range 8 {
				half[y*8+u] += cosines[y][v] * b[v*8+u]
			}
		}
	}
	for y := range 8 {
		for x := range 8 {
			sum := 0.0
			for u := range 8 {
				sum += cosines[x][u] * half[y*8+u]
			}
			b[y*8+x] = sum
		}
	}
}
