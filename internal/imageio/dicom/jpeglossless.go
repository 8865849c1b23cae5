package dicom

import "fmt"

// JPEG markers that a lossless stream of one component has (ITU-T T.81 annex B).
const (
	markerSOI  = 0xD8
	markerSOF3 = 0xC3 // lossless, sequential, Huffman
	markerDHT  = 0xC4
	markerSOS  = 0xDA
	markerDRI  = 0xDD
)

// huffman is a decoding table: for a code of n bits, codes[n-1] holds the first code and the values.
type huffman struct {
	first  [16]int32 // smallest code of each length
	count  [16]int32
	offset [16]int32 // of its value in values
	values []byte
}

// jpegLossless decodes process 14 of ITU-T T.81: annex H prediction with Huffman codes.
type jpegLossless struct {
	data            []byte
	at              int
	width, height   int
	precision       int
	tables          [4]*huffman
	table           int // of the only component
	predictor       int
	pointTransform  int
	restartInterval int

	bits  uint32 // bit reservoir, the next bit highest of n
	nbits int
}

var errJPEG = fmt.Errorf("%w: damaged JPEG Lossless pixels", ErrMalformed)

// unpackJPEG decodes one frame into little-endian samples of the header's allocated size.
func unpackJPEG(src, dst []byte, h *Header) error {
	j := &jpegLossless{data: src}
	if err := j.markers(); err != nil {
		return err
	}
	if j.width != h.Columns || j.height != h.Rows || j.precision > h.BitsAllocated || h.BitsAllocated > 16 {
		return fmt.Errorf("%w: a JPEG of %d×%d pixels of %d bits in an image of %d×%d of %d", ErrMalformed,
			j.width, j.height, j.precision, h.Columns, h.Rows, h.BitsAllocated)
	}
	samples := make([]uint16, j.width*j.height)
	if err := j.scan(samples); err != nil {
		return err
	}
	for i, s := range samples {
		s <<= j.pointTransform
		if h.BitsAllocated == 8 {
			dst[i] = byte(s)
			continue
		}
		dst[2*i], dst[2*i+1] = byte(s), byte(s>>8)
	}
	return nil
}

// markers reads the segments up to and with the start of the scan.
func (j *jpegLossless) markers() error {
	if len(j.data) < 4 || j.data[0] != 0xFF || j.data[1] != markerSOI {
		return fmt.Errorf("%w: compressed pixels are no JPEG", ErrMalformed)
	}
	for at := 2; at+4 <= len(j.data); {
		if j.data[at] != 0xFF {
			return errJPEG
		}
		marker := j.data[at+1]
		if marker == 0xFF { // fill byte
			at++
			continue
		}
		n := int(j.data[at+2])<<8 | int(j.data[at+3])
		if n < 2 || at+2+n > len(j.data) {
			return fmt.Errorf("%w: JPEG pixels end early", ErrTruncated)
		}
		body := j.data[at+4 : at+2+n]
		at += 2 + n
		if err := j.segment(marker, body); err != nil {
			return err
		}
		if marker == markerSOS {
			j.at = at
			return nil
		}
	}
	return fmt.Errorf("%w: JPEG pixels end before their scan", ErrTruncated)
}

// segment reads one marker segment.
func (j *jpegLossless) segment(marker byte, body []byte) error {
	switch {
	case marker == markerSOF3:
		if len(body) < 9 || body[5] != 1 {
			return errJPEG
		}
		j.precision = int(body[0])
		j.height, j.width = int(body[1])<<8|int(body[2]), int(body[3])<<8|int(body[4])
		if j.precision < 2 || j.precision > 16 {
			return errJPEG
		}
	case marker >= 0xC0 && marker <= 0xCF && marker != markerDHT && marker != 0xC8 && marker != 0xCC:
		return fmt.Errorf("%w: a JPEG of process %d under the name of JPEG Lossless; decompress the files first, with gdcmconv --raw IN OUT", ErrUnsupported, marker-0xC0)
	case marker == markerDHT:
		return j.huffmanTables(body)
	case marker == markerDRI && len(body) >= 2:
		j.restartInterval = int(body[0])<<8 | int(body[1])
	case marker == markerSOS:
		if len(body) < 6 || body[0] != 1 || j.precision == 0 || j.width == 0 || j.height == 0 {
			return errJPEG
		}
		j.table, j.predictor, j.pointTransform = int(body[2]>>4), int(body[3]), int(body[5]&15)
		if j.table > 3 || j.tables[j.table] == nil || j.predictor < 1 || j.predictor > 7 || j.pointTransform >= j.precision {
			return errJPEG
		}
	}
	return nil
}

// huffmanTables reads a DHT segment (T.81 B.2.4.2 and annex C).
func (j *jpegLossless) huffmanTables(body []byte) error {
	for len(body) >= 17 {
		id := body[0]
		if id > 3 { // only class 0 is used without DCT
			return errJPEG
		}
		t := &huffman{}
		total, code := int32(0), int32(0)
		for n := range 16 {
			t.count[n] = int32(body[1+n])
			t.first[n], t.offset[n] = code, total
			total += t.count[n]
			code = (code + t.count[n]) << 1
			if code > 2<<(n+1) {
				return errJPEG
			}
		}
		if len(body) < 17+int(total) {
			return errJPEG
		}
		t.values = body[17 : 17+total]
		j.tables[id] = t
		body = body[17+total:]
	}
	return nil
}

// fill takes the next byte of the scan into the reservoir; false at a marker or the end.
func (j *jpegLossless) fill() bool {
	if j.at >= len(j.data) {
		return false
	}
	b := j.data[j.at]
	if b == 0xFF {
		if j.at+1 >= len(j.data) || j.data[j.at+1] != 0 {
			return false // a marker
		}
		j.at++
	}
	j.at++
	j.bits = j.bits<<8 | uint32(b)
	j.nbits += 8
	return true
}

// take returns n ≤ 16 bits.
func (j *jpegLossless) take(n int) (int32, bool) {
	for j.nbits < n {
		if !j.fill() {
			return 0, false
		}
	}
	j.nbits -= n
	return int32(j.bits>>j.nbits) & (1<<n - 1), true
}

// difference decodes one prediction error (T.81 H.1.2.2).
func (j *jpegLossless) difference(t *huffman) (int32, bool) {
	code := int32(0)
	for n := range 16 {
		b, ok := j.take(1)
		if !ok {
			return 0, false
		}
		code = code<<1 | b
		if k := code - t.first[n]; k >= 0 && k < t.count[n] {
			return j.magnitude(int(t.values[t.offset[n]+k]))
		}
	}
	return 0, false
}

// magnitude reads the extra bits of a difference category.
func (j *jpegLossless) magnitude(category int) (int32, bool) {
	switch {
	case category == 0:
		return 0, true
	case category == 16:
		return 32768, true
	case category > 16:
		return 0, false
	}
	v, ok := j.take(category)
	if v < 1<<(category-1) {
		v -= 1<<category - 1
	}
	return v, ok
}

// scan decodes all samples (before the point transform is undone), modulo 2^16.
func (j *jpegLossless) scan(samples []uint16) error {
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
	return nil
}

// predict is T.81 table H.1: left a, above b, above left c.
func (j *jpegLossless) predict(a, b, c int32) uint16 {
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

// restart skips to behind the next restart marker.
func (j *jpegLossless) restart() bool {
	j.bits, j.nbits = 0, 0
	for ; j.at+1 < len(j.data); j.at++ {
		if j.data[j.at] == 0xFF && j.data[j.at+1] >= 0xD0 && j.data[j.at+1] <= 0xD7 {
			j.at += 2
			return true
		}
	}
	return false
}
