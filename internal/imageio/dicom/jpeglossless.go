package dicom

import "fmt"

// difference decodes one prediction error of process 14 (T.81 H.1.2.2).
func (j *jpegStream) difference(t *huffman) (int32, bool) {
	category, ok := j.symbol(t)
	switch {
	case !ok || category > 16:
		return 0, false
	case category == 16:
		return 32768, true
	}
	return j.extended(int(category))
}

// scan decodes all samples of a lossless stream (T.81 annex H), modulo 2^16.
func (j *jpegStream) scan(samples []uint16) error {
	t, w := j.tables[j.table], j.width
	if j.restartInterval%w != 0 {
		return errJPEG // T.81 H.1.1 wants whole rows
	}
	start := uint16(1) << (j.precision - j.pointTransform - 1)
	for y := range j.height {
		restarted := y == 0
		if y > 0 && j.restartInterval > 0 && y*w%j.restartInterval == 0 {
			if restarted = j.restart(); !restarted {
				return fmt.Errorf("%w: JPEG pixels lack a restart mark", ErrTruncated)
			}
		}
		for x := range w {
			d, ok := j.difference(t)
			if !ok {
				return fmt.Errorf("%w: JPEG pixels end early, in row %d of %d", ErrTruncated, y+1, j.height)
			}
			i := y*w + x
			var p uint16
			switch { // T.81 H.1.1: the edges have predictors of their own
			case restarted && x == 0:
				p = start
			case restarted:
				p = samples[i-1]
			case x == 0:
				p = samples[i-w]
			default:
				p = j.predict(int32(samples[i-1]), int32(samples[i-w]), int32(samples[i-w-1]))
			}
			samples[i] = p + uint16(d)
		}
	}
	for i := range samples {
		samples[i] <<= j.pointTransform
	}
	return nil
}

// predict is T.81 table H.1: left a, above b, above left c.
func (j *jpegStream) predict(a, b, c int32) uint16 {
	switch j.predictor {
	case 1:
		return uint16(a)
	case 2:
		return uint16(b)
	case 3:
		return uint16(c)
	case 4:
		return uint16(a + b - c)
	case 5:
		return uint16(a + (b-c)>>1)
	case 6:
		return uint16(b + (a-c)>>1)
	}
	return uint16((a + b) >> 1)
}
