// Package jpegls decodes JPEG-LS images of one component (ITU-T T.87 | ISO/IEC 14495-1), lossless and near-lossless, of
// 2 to 16 bits. Mapping tables, restart intervals and several components are refused. It takes no more memory than the
// size that its caller expects, whatever a file says.
package jpegls

import (
	"errors"
	"fmt"
)

// The errors of [Decode].
var (
	ErrDamaged     = errors.New("jpegls: damaged JPEG-LS pixels")
	ErrTruncated   = errors.New("jpegls: the JPEG-LS pixels end early")
	ErrSize        = errors.New("jpegls: the JPEG-LS image has another size than expected")
	ErrUnsupported = errors.New("jpegls: a rare kind of JPEG-LS")
)

// Image is a decoded image.
type Image struct {
	Samples []uint16 // row by row, width × height
	Bits    int      // of one sample
	Near    int      // largest error of a sample; 0: lossless
}

// Markers (T.87 annex C, T.81 annex B).
const (
	markerSOI   = 0xD8
	markerEOI   = 0xD9
	markerSOS   = 0xDA
	markerDRI   = 0xDD
	markerSOF55 = 0xF7
	markerLSE   = 0xF8
)

// frame is what the marker segments say.
type frame struct {
	width, height, bits int
	near                int
	maximum             int    // MAXVAL; 0: by the bits
	thresholds          [3]int // 0: the default
	reset               int    // 0: the default
}

// Decode decodes an image that must be of width × height pixels. It fails with one of the package's errors. It is safe for
// concurrent use.
func Decode(data []byte, width, height int) (Image, error) {
	f, scan, err := markers(data)
	if err != nil {
		return Image{}, err
	}
	if f.width != width || f.height != height || width < 1 || height < 1 {
		return Image{}, fmt.Errorf("%w (%d×%d)", ErrSize, f.width, f.height)
	}
	if int64(width)*int64(height) > int64(len(scan))*(8<<15) { // a bit is a run of 2^15 at most
		return Image{}, ErrTruncated
	}
	d := newDecoder(f, scan)
	image := Image{Samples: make([]uint16, width*height), Bits: f.bits, Near: f.near}
	return image, d.image(image.Samples)
}

// markers reads the segments up to and with the start of the scan.
func markers(data []byte) (f frame, scan []byte, err error) {
	if len(data) < 4 || data[0] != 0xFF || data[1] != markerSOI {
		return f, nil, fmt.Errorf("%w: they do not begin as JPEG-LS does", ErrDamaged)
	}
	for at := 2; at+4 <= len(data); {
		if data[at] != 0xFF {
			return f, nil, ErrDamaged
		}
		marker := data[at+1]
		if marker == 0xFF { // fill byte
			at++
			continue
		}
		n := int(data[at+2])<<8 | int(data[at+3])
		if marker == markerEOI || n < 2 {
			return f, nil, ErrDamaged
		}
		if at+2+n > len(data) {
			return f, nil, ErrTruncated
		}
		body := data[at+4 : at+2+n]
		at += 2 + n
		if err := f.segment(marker, body); err != nil {
			return f, nil, err
		}
		if marker == markerSOS {
			return f, data[at:], f.check()
		}
	}
	return f, nil, ErrTruncated
}

// segment reads one marker segment.
func (f *frame) segment(marker byte, body []byte) error {
	word := func(i int) int { return int(body[i])<<8 | int(body[i+1]) }
	switch marker {
	case markerSOF55:
		if len(body) < 9 {
			return ErrDamaged
		}
		if body[5] != 1 {
			return fmt.Errorf("%w: %d components", ErrUnsupported, body[5])
		}
		f.bits, f.height, f.width = int(body[0]), word(1), word(3)
	case markerLSE:
		if len(body) < 1 {
			return ErrDamaged
		}
		if body[0] != 1 {
			return fmt.Errorf("%w: preset parameters of kind %d", ErrUnsupported, body[0])
		}
		if len(body) < 11 {
			return ErrDamaged
		}
		f.maximum, f.thresholds, f.reset = word(1), [3]int{word(3), word(5), word(7)}, word(9)
	case markerDRI:
		return fmt.Errorf("%w: restart intervals", ErrUnsupported)
	case markerSOS:
		if len(body) < 6 || body[0] != 1 || f.bits == 0 {
			return ErrDamaged
		}
		if body[2] != 0 || body[5] != 0 {
			return fmt.Errorf("%w: a mapping table or a point transform", ErrUnsupported)
		}
		f.near = int(body[3])
	case 0xC0, 0xC1, 0xC2, 0xC3:
		return fmt.Errorf("%w: an ordinary JPEG under the name of JPEG-LS", ErrUnsupported)
	}
	return nil
}

// check fills the defaults (T.87 C.2.4.1.1) and refuses what cannot be.
func (f *frame) check() error {
	if f.bits < 2 || f.bits > 16 {
		return ErrDamaged
	}
	if f.maximum == 0 {
		f.maximum = 1<<f.bits - 1
	}
	if f.maximum >= 1<<f.bits || f.near > min(255, f.maximum/2) {
		return ErrDamaged
	}
	if f.reset == 0 {
		f.reset = 64
	}
	if f.reset < 3 || f.reset > max(255, f.maximum) {
		return ErrDamaged
	}
	low := f.near + 1
	for i, t := range f.defaultThresholds() {
		if f.thresholds[i] == 0 {
			f.thresholds[i] = t
		}
		if f.thresholds[i] < low || f.thresholds[i] > f.maximum {
			return ErrDamaged
		}
		low = f.thresholds[i]
	}
	return nil
}

// defaultThresholds is T.87 C.2.4.1.1.1.
func (f *frame) defaultThresholds() (t [3]int) {
	basic, floor := [3]int{3, 7, 21}, [3]int{2, 3, 4}
	low := f.near + 1
	for i := range t {
		if f.maximum >= 128 {
			t[i] = (min(f.maximum, 4095)+128)/256*(basic[i]-floor[i]) + floor[i] + (2*i+3)*f.near
		} else {
			t[i] = max(floor[i], basic[i]/(256/(f.maximum+1))+(2*i+3)*f.near)
		}
		if t[i] > f.maximum || t[i] < low {
			t[i] = low
		}
		low = t[i]
	}
	return t
}
