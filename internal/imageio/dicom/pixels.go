package dicom

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// readPixels returns the native pixel data of all frames of a file.
func readPixels(ctx context.Context, fsys fs.FS, h *Header) ([]byte, error) {
	f, err := fsys.Open(h.Name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if h.syntax.uid == deflatedLE {
		return deflatedPixels(io.LimitReader(f, min(info.Size(), maxFile)), h)
	}
	if err := skipTo(f, h.pixels.offset); err != nil {
		return nil, early(err)
	}
	if h.pixels.encapsulated {
		data, err := io.ReadAll(io.LimitReader(f, info.Size()-h.pixels.offset))
		if err != nil {
			return nil, early(err)
		}
		return decompress(ctx, h, data)
	}
	data := make([]byte, h.pixelBytes(len(h.Frames)))
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, early(err)
	}
	return data, nil
}

// early is what it means that a file could not be read as far as its header says: it is cut short, or the system or the ZIP
// around it failed.
func early(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrTruncated
	}
	return err
}

// skipTo moves a freshly opened file to off; entries of a ZIP cannot seek.
func skipTo(f fs.File, off int64) error {
	if s, ok := f.(io.Seeker); ok {
		_, err := s.Seek(off, io.SeekStart)
		return err
	}
	_, err := io.CopyN(io.Discard, f, off)
	return err
}

// deflatedPixels inflates the data set again; headers do not keep it.
func deflatedPixels(f io.Reader, h *Header) ([]byte, error) {
	data, err := io.ReadAll(f)
	if err != nil {
		return nil, early(err)
	}
	start, _, err := locate(data, int64(len(data)))
	if err != nil {
		return nil, err
	}
	if data, err = inflate(data[start:]); err != nil {
		return nil, err
	}
	end := h.pixels.offset + h.pixelBytes(len(h.Frames))
	if end > int64(len(data)) {
		return nil, fmt.Errorf("%w: %d bytes where %d are needed", ErrTruncated, len(data), end)
	}
	return data[h.pixels.offset:end], nil
}

// storedFormat says how to take a stored value out of its allocated bits.
type storedFormat struct {
	order  binary.ByteOrder
	bytes  int
	shift  uint // of the lowest used bit
	bits   uint
	signed bool
}

func (h *Header) format() storedFormat {
	return storedFormat{
		order: h.syntax.order, bytes: h.BitsAllocated / 8, bits: uint(h.BitsStored),
		shift: uint(h.High + 1 - h.BitsStored), signed: h.Signed,
	}
}

// values takes the first values of raw, as many as dst holds, bits outside the used ones left out and the sign extended.
func (f storedFormat) values(raw []byte, dst []int64) {
	switch {
	case f.bytes == 1:
		for n := range dst {
			dst[n] = int64(raw[n])
		}
	case f.bytes == 2 && f.order == binary.LittleEndian: // nearly always: without a call for each value
		raw = raw[:2*len(dst)]
		for n := range dst {
			dst[n] = int64(binary.LittleEndian.Uint16(raw[2*n:]))
		}
	case f.bytes == 2:
		for n := range dst {
			dst[n] = int64(f.order.Uint16(raw[2*n:]))
		}
	default:
		for n := range dst {
			dst[n] = int64(f.order.Uint32(raw[4*n:]))
		}
	}
	left, right := 64-f.shift-f.bits, 64-f.bits
	if f.signed {
		for n, v := range dst {
			dst[n] = v << left >> right
		}
		return
	}
	for n, v := range dst {
		dst[n] = int64(uint64(v) << left >> right)
	}
}

// decodeFrame writes the values of one native frame into dst.
func (f *Frame) decodeFrame(raw []byte, dst []float32, o LoadOptions) {
	format := f.Header.format()
	slope, intercept := f.rescale()
	m, mapped := f.mapTo(o.RealWorld)
	if mapped {
		slope, intercept = m.Slope, m.Intercept
	}
	mirror := int64(1)<<format.bits - 1 // v → mirror − v
	if format.signed {
		mirror = -1
	}
	invert := o.Invert && !mapped && f.Header.Photometric == "MONOCHROME1"
	var stored [1024]int64
	for len(dst) > 0 {
		part := stored[:min(len(stored), len(dst))]
		format.values(raw, part)
		if invert {
			for n, v := range part {
				part[n] = mirror - v
			}
		}
		for n, v := range part {
			dst[n] = float32(float64(v)*slope + intercept)
		}
		raw, dst = raw[len(part)*format.bytes:], dst[len(part):]
	}
}

// rescale returns the modality rescale; a slope of zero would erase the image and counts as absent.
func (f *Frame) rescale() (slope, intercept float64) {
	if f.Slope == 0 {
		return 1, f.Intercept
	}
	return f.Slope, f.Intercept
}
