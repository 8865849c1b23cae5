package dicom

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"bayeslice/internal/imageio/dicom/jpegls"
	"bayeslice/internal/imageio/dicom/openjpeg"
)

// itemHeader is the size of an item's tag and length.
const itemHeader = 8

// fragments splits encapsulated pixel data (PS3.5 A.4) into the basic offset table and the
// fragments behind it. A missing delimiter at the end of the file is forgiven.
func fragments(data []byte) (offsets []uint32, frags [][]byte, starts []uint32, err error) {
	base, first := 0, true
	for at := 0; at+itemHeader <= len(data); {
		group, element := binary.LittleEndian.Uint16(data[at:]), binary.LittleEndian.Uint16(data[at+2:])
		n := int64(binary.LittleEndian.Uint32(data[at+4:]))
		if group == 0xFFFE && element == 0xE0DD {
			break
		}
		if group != 0xFFFE || element != 0xE000 {
			return nil, nil, nil, fmt.Errorf("%w: compressed pixels are not made of items", ErrMalformed)
		}
		if n > int64(len(data)-at-itemHeader) {
			return nil, nil, nil, fmt.Errorf("%w: compressed pixels end early", ErrTruncated)
		}
		body := data[at+itemHeader : at+itemHeader+int(n)]
		next := at + itemHeader + int(n)
		if first {
			for i := 0; i+4 <= len(body); i += 4 {
				offsets = append(offsets, binary.LittleEndian.Uint32(body[i:]))
			}
			base, first = next, false
		} else {
			frags = append(frags, body)
			starts = append(starts, uint32(at-base))
		}
		at = next
	}
	return offsets, frags, starts, nil
}

// compressedFrames returns the compressed bytes of each of count frames: all fragments of a single
// frame, one fragment each where their numbers agree, else as the offset table says.
func compressedFrames(data []byte, count int) ([][]byte, error) {
	offsets, frags, starts, err := fragments(data)
	if err != nil {
		return nil, err
	}
	switch {
	case count == 1 && len(frags) > 0:
		return [][]byte{join(frags)}, nil
	case len(frags) == count:
		return frags, nil
	case len(offsets) != count:
		return nil, fmt.Errorf("%w: %d fragments for %d compressed images, and no table of them", ErrMalformed, len(frags), count)
	}
	out, k := make([][]byte, count), 0
	for f := range out {
		var own [][]byte
		for k < len(frags) && (f+1 == count || starts[k] < offsets[f+1]) {
			own = append(own, frags[k])
			k++
		}
		out[f] = join(own)
	}
	return out, nil
}

func join(parts [][]byte) []byte {
	if len(parts) == 1 {
		return parts[0]
	}
	var out []byte
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// expansion is how many bytes of pixels one compressed byte can become at most, so that a header
// cannot ask for more memory than its file is worth.
func (s syntax) expansion() int64 {
	switch s.codec {
	case codecRLE:
		return 64 // two bytes repeat one up to 128 times
	case codecJPEG:
		return 8 * 64 // two bits or more a block of 64 samples of up to two bytes
	}
	return 1 << 14 // an image of one value takes little more than its headers
}

// maxUnpacked bounds the pixels of one compressed file.
const maxUnpacked = 1 << 30

// decompress returns the native little-endian pixels of all frames of an encapsulated file.
func decompress(ctx context.Context, h *Header, data []byte) ([]byte, error) {
	frames, err := compressedFrames(data, len(h.Frames))
	if err != nil {
		return nil, err
	}
	size := int(h.frameBytes())
	out := make([]byte, size*len(frames))
	for i, f := range frames {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := unpackFrame(ctx, h, f, out[i*size:(i+1)*size]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// unpackFrame decompresses one frame into little-endian samples of the header's allocated size.
func unpackFrame(ctx context.Context, h *Header, src, dst []byte) error {
	switch h.syntax.codec {
	case codecRLE:
		return unpackRLE(src, dst, h.BitsAllocated/8)
	case codecJPEG:
		return unpackJPEG(src, dst, h)
	case codecJPEGLS:
		return unpackJPEGLS(src, dst, h)
	case codecJPEG2000:
		return unpackJPEG2000(ctx, src, dst, h)
	}
	return h.syntax.refusal()
}

// unpackJPEGLS decodes one frame of JPEG-LS.
func unpackJPEGLS(src, dst []byte, h *Header) error {
	img, err := jpegls.Decode(src, h.Columns, h.Rows)
	switch {
	case errors.Is(err, jpegls.ErrTruncated):
		return fmt.Errorf("%w: %w", ErrTruncated, err)
	case errors.Is(err, jpegls.ErrUnsupported):
		return fmt.Errorf("%w: %w; decompress the files first, with dcmdjpls IN OUT", ErrUnsupported, err)
	case err != nil:
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	case img.Bits > h.BitsAllocated:
		return fmt.Errorf("%w: JPEG-LS pixels of %d bits in %d", ErrMalformed, img.Bits, h.BitsAllocated)
	}
	store(dst, img.Samples, h.BitsAllocated/8)
	return nil
}

// unpackJPEG2000 decodes one frame of JPEG 2000.
func unpackJPEG2000(ctx context.Context, src, dst []byte, h *Header) error {
	img, err := openjpeg.Decode(ctx, src, h.Columns, h.Rows)
	switch {
	case err != nil && ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, openjpeg.ErrTooLarge):
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	case err != nil:
		return fmt.Errorf("%w: %w; copy it again from its source", ErrMalformed, err)
	case img.Bits > h.BitsAllocated:
		return fmt.Errorf("%w: JPEG 2000 pixels of %d bits in %d", ErrMalformed, img.Bits, h.BitsAllocated)
	}
	store(dst, img.Samples, h.BitsAllocated/8)
	return nil
}

// unpackRLE decodes one frame of RLE Lossless (PS3.5 annex G): a header of 16 numbers, then one
// PackBits segment for every byte of a sample, the most significant first.
func unpackRLE(src, dst []byte, sampleBytes int) error {
	const headerLen = 64
	if len(src) < headerLen {
		return fmt.Errorf("%w: an RLE image of %d bytes", ErrTruncated, len(src))
	}
	if n := binary.LittleEndian.Uint32(src); int64(n) != int64(sampleBytes) {
		return fmt.Errorf("%w: an RLE image of %d segments where %d are needed", ErrMalformed, n, sampleBytes)
	}
	for s := range sampleBytes {
		from, to := int64(binary.LittleEndian.Uint32(src[4+4*s:])), int64(len(src))
		if s+1 < sampleBytes {
			to = int64(binary.LittleEndian.Uint32(src[8+4*s:]))
		}
		if from < headerLen || from > to || to > int64(len(src)) {
			return fmt.Errorf("%w: an RLE segment from %d to %d of %d bytes", ErrMalformed, from, to, len(src))
		}
		if !packBits(src[from:to], dst[sampleBytes-1-s:], sampleBytes, len(dst)/sampleBytes) {
			return fmt.Errorf("%w: an RLE segment ends early", ErrTruncated)
		}
	}
	return nil
}

// packBits decodes n bytes of src into every stride-th byte of dst; false where src is too short.
func packBits(src, dst []byte, stride, n int) bool {
	at, put := 0, 0
	for put < n {
		if at >= len(src) {
			return false
		}
		c := int8(src[at])
		at++
		run := int(c) + 1 // literal
		if c < 0 {
			run = 1 - int(c) // repeated
		}
		if c == -128 {
			continue
		}
		if at >= len(src) || c >= 0 && at+run > len(src) {
			return false
		}
		for i := range min(run, n-put) {
			b := src[at]
			if c >= 0 {
				b = src[at+i]
			}
			dst[put*stride] = b
			put++
		}
		if c < 0 {
			run = 1
		}
		at += run
	}
	return true
}
