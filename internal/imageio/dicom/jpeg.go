package dicom

import "fmt"

// JPEG markers that a stream of one component has (ITU-T T.81 annex B).
const (
	markerSOI  = 0xD8
	markerSOF0 = 0xC0 // baseline
	markerSOF1 = 0xC1 // extended sequential, Huffman
	markerSOF2 = 0xC2 // progressive
	markerSOF3 = 0xC3 // lossless, sequential, Huffman
	markerDHT  = 0xC4
	markerSOS  = 0xDA
	markerDQT  = 0xDB
	markerDRI  = 0xDD
)

// huffman is a decoding table: for a code of n bits, codes[n-1] holds the first code and the values.
type huffman struct {
	first  [16]int32 // smallest code of each length
	count  [16]int32
	offset [16]int32 // of its value in values
	values []byte
}

// jpegStream is a JPEG of one component: what its marker segments say, and the bits of its scan.
type jpegStream struct {
	data            []byte
	at              int
	process         int // of the frame: 0 to 3, as its marker
	width, height   int
	precision       int
	tables          [8]*huffman // 0…3 of class 0 (differences), 4…7 of class 1 (AC)
	quant           [4]*[64]int32
	table, tableAC  int // of the only component
	quantTable      int
	predictor       int
	pointTransform  int
	restartInterval int

	bits  uint32 // bit reservoir, the next bit highest of n
	nbits int
}

var errJPEG = fmt.Errorf("%w: damaged JPEG pixels", ErrMalformed)

// unpackJPEG decodes one frame into little-endian samples of the header's allocated size, whichever of the processes that
// are read its stream is of.
func unpackJPEG(src, dst []byte, h *Header) error {
	j := &jpegStream{data: src}
	if err := j.markers(); err != nil {
		return err
	}
	if j.width != h.Columns || j.height != h.Rows || j.precision > h.BitsAllocated || h.BitsAllocated > 16 {
		return fmt.Errorf("%w: a JPEG of %d×%d pixels of %d bits in an image of %d×%d of %d", ErrMalformed,
			j.width, j.height, j.precision, h.Columns, h.Rows, h.BitsAllocated)
	}
	samples := make([]uint16, j.width*j.height)
	decode := j.scanDCT
	switch {
	case j.process == markerSOF3-markerSOF0:
		decode = j.scan
	case j.precision == 8:
		decode = j.decode8
	}
	if err := decode(samples); err != nil {
		return err
	}
	store(dst, samples, h.BitsAllocated/8)
	return nil
}

// store writes samples as little-endian numbers of size bytes.
func store[T uint16 | int32](dst []byte, samples []T, size int) {
	for i, s := range samples {
		for b := range size {
			dst[i*size+b] = byte(s >> (8 * b))
		}
	}
}

// markers reads the segments up to and with the start of the scan.
func (j *jpegStream) markers() error {
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
func (j *jpegStream) segment(marker byte, body []byte) error {
	switch {
	case marker == markerSOF0, marker == markerSOF1, marker == markerSOF2, marker == markerSOF3:
		return j.frame(marker, body)
	case marker >= 0xC0 && marker <= 0xCF && marker != markerDHT && marker != 0xC8 && marker != 0xCC:
		return fmt.Errorf("%w: a JPEG of process %d; decompress the files first, with gdcmconv --raw IN OUT", ErrUnsupported, marker-0xC0)
	case marker == markerDHT:
		return j.huffmanTables(body)
	case marker == markerDQT:
		return j.quantTables(body)
	case marker == markerDRI && len(body) >= 2:
		j.restartInterval = int(body[0])<<8 | int(body[1])
	case marker == markerSOS:
		return j.startOfScan(body)
	}
	return nil
}

// frame reads a start of frame.
func (j *jpegStream) frame(marker byte, body []byte) error {
	if len(body) < 9 || body[5] != 1 {
		return errJPEG
	}
	j.process, j.precision, j.quantTable = int(marker-markerSOF0), int(body[0]), int(body[8])
	j.height, j.width = int(body[1])<<8|int(body[2]), int(body[3])<<8|int(body[4])
	lossless := marker == markerSOF3 && j.precision >= 2 && j.precision <= 16
	if !lossless && j.precision != 8 && (j.precision != 12 || marker != markerSOF1) {
		return fmt.Errorf("%w: a JPEG of process %d with %d bits", ErrMalformed, j.process, j.precision)
	}
	return nil
}

// startOfScan reads which tables the scan uses.
func (j *jpegStream) startOfScan(body []byte) error {
	if len(body) < 6 || body[0] != 1 || j.precision == 0 || j.width == 0 || j.height == 0 {
		return errJPEG
	}
	j.table, j.tableAC, j.predictor, j.pointTransform = int(body[2]>>4), int(body[2]&15), int(body[3]), int(body[5]&15)
	if j.process != markerSOF3-markerSOF0 {
		if j.precision == 12 && (j.table > 3 || j.tableAC > 3 || j.quantTable > 3 || j.tables[j.table] == nil ||
			j.tables[4+j.tableAC] == nil || j.quant[j.quantTable] == nil) {
			return errJPEG
		}
		return nil
	}
	if j.table > 3 || j.tables[j.table] == nil || j.predictor < 1 || j.predictor > 7 || j.pointTransform >= j.precision {
		return errJPEG
	}
	return nil
}

// huffmanTables reads a DHT segment (T.81 B.2.4.2 and annex C).
func (j *jpegStream) huffmanTables(body []byte) error {
	for len(body) >= 17 {
		class, id := body[0]>>4, body[0]&15
		if class > 1 || id > 3 {
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
		j.tables[4*class+id] = t
		body = body[17+total:]
	}
	return nil
}

// quantTables reads a DQT segment (T.81 B.2.4.1); values stay in the order of the file (zigzag).
func (j *jpegStream) quantTables(body []byte) error {
	for len(body) > 0 {
		wide, id := int(body[0]>>4), body[0]&15
		n := 64 * (1 + wide)
		if wide > 1 || id > 3 || len(body) < 1+n {
			return errJPEG
		}
		t := new([64]int32)
		for i := range t {
			t[i] = int32(body[1+i])
			if wide == 1 {
				t[i] = int32(body[1+2*i])<<8 | int32(body[2+2*i])
			}
		}
		j.quant[id] = t
		body = body[1+n:]
	}
	return nil
}

// fill takes the next byte of the scan into the reservoir; false at a marker or the end.
func (j *jpegStream) fill() bool {
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
func (j *jpegStream) take(n int) (int32, bool) {
	for j.nbits < n {
		if !j.fill() {
			return 0, false
		}
	}
	j.nbits -= n
	return int32(j.bits>>j.nbits) & (1<<n - 1), true
}

// symbol decodes one Huffman code (T.81 F.2.2.3).
func (j *jpegStream) symbol(t *huffman) (byte, bool) {
	code := int32(0)
	for n := range 16 {
		b, ok := j.take(1)
		if !ok {
			return 0, false
		}
		code = code<<1 | b
		if k := code - t.first[n]; k >= 0 && k < t.count[n] {
			return t.values[t.offset[n]+k], true
		}
	}
	return 0, false
}

// extended reads the bits of a number of a category below 16 (T.81 F.2.2.1).
func (j *jpegStream) extended(category int) (int32, bool) {
	if category == 0 {
		return 0, true
	}
	v, ok := j.take(category)
	if v < 1<<(category-1) {
		v -= 1<<category - 1
	}
	return v, ok
}

// restart skips to behind the next restart marker.
func (j *jpegStream) restart() bool {
	j.bits, j.nbits = 0, 0
	for ; j.at+1 < len(j.data); j.at++ {
		if j.data[j.at] == 0xFF && j.data[j.at+1] >= 0xD0 && j.data[j.at+1] <= 0xD7 {
			j.at += 2
			return true
		}
	}
	return false
}
