package dicom

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/suyashkumar/dicom/pkg/tag"
)

// Bounds of a file. A full enhanced multi-frame prostate series is some 50 MB.
const (
	firstPrefix  = 64 << 10
	maxHeader    = 256 << 20 // bytes before the pixel data
	maxFile      = 2 << 30
	maxInflated  = 512 << 20 // of a deflated file
	maxInflation = 1100      // deflate cannot expand more than about 1032-fold
)

// sieveFile reads the header of a file, no more of it than needed, and of that what keep wants.
func sieveFile(fsys fs.FS, name string, keep func(t tag.Tag, depth int) bool) (*sieved, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: not a regular file", ErrNotDICOM)
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%w: %d MB in one file", ErrTooLarge, info.Size()>>20)
	}
	var data []byte
	for want := int64(firstPrefix); ; want *= 4 {
		if data, err = growPrefix(f, data, min(want, info.Size())); err != nil {
			return nil, err
		}
		s, err := sieve(data, info.Size(), keep)
		if !errors.Is(err, errMore) {
			return s, err
		}
		if int64(len(data)) >= info.Size() || want > maxHeader {
			return nil, fmt.Errorf("%w: no pixel data in the first %d MB", ErrTooLarge, maxHeader>>20)
		}
	}
}

// growPrefix reads on until data holds n bytes of the file.
func growPrefix(r io.Reader, data []byte, n int64) ([]byte, error) {
	have := int64(len(data))
	if n <= have {
		return data, nil
	}
	grown := make([]byte, n)
	copy(grown, data)
	if got, err := io.ReadFull(r, grown[have:]); err != nil {
		return nil, fmt.Errorf("%w: %d of %d bytes could be read", ErrTruncated, have+int64(got), n)
	}
	return grown, nil
}

// sieve walks a file of which data is a prefix (or all). It returns [errMore] where the prefix
// ends before the pixel data do begin.
func sieve(data []byte, size int64, keep func(t tag.Tag, depth int) bool) (*sieved, error) {
	start, syn, err := locate(data, size)
	if err != nil {
		return nil, err
	}
	w := &walker{data: data, size: size, syn: syn, keep: keep}
	if syn.uid == deflatedLE {
		if int64(len(data)) < size {
			return nil, errMore
		}
		if w.data, err = inflate(data[start:]); err != nil {
			return nil, err
		}
		w.size, start = int64(len(w.data)), 0
	}
	s := &sieved{syntax: syn}
	var kept bytes.Buffer
	for off := start; off+8 <= w.size; {
		e, err := w.next(off)
		if err != nil {
			return nil, err
		}
		if e.tag == tag.PixelData {
			s.pixels = &pixelSpan{offset: e.offset, length: e.length, encapsulated: e.length < 0, vr: e.vr}
			if e.length < 0 {
				s.pixels.length = w.size - e.offset
			}
			break
		}
		if off, err = w.element(e, 0, &kept); err != nil {
			return nil, err
		}
	}
	s.kept = kept.Bytes()
	return s, nil
}

// inflate decompresses a deflated data set (RFC 1951), within bounds.
func inflate(b []byte) ([]byte, error) {
	limit := min(int64(maxInflated), int64(len(b))*maxInflation)
	out, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(b)), limit+1))
	if err != nil && len(out) == 0 {
		return nil, fmt.Errorf("%w: deflated data cannot be read", ErrMalformed)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: deflated data are damaged or end early", ErrTruncated)
	}
	if int64(len(out)) > limit {
		return nil, fmt.Errorf("%w: deflated data hold more than %d MB", ErrTooLarge, limit>>20)
	}
	return out, nil
}

// locate finds where the data set begins and how it is encoded: after preamble and file meta
// information, or at the start of a bare data set as old systems wrote them.
func locate(data []byte, size int64) (int64, syntax, error) {
	if len(data) >= preambleLen && string(data[128:preambleLen]) == "DICM" {
		return meta(data, size, preambleLen)
	}
	if len(data) >= 8 && data[0] == 2 && data[1] == 0 && isVR(data[4:6]) {
		return meta(data, size, 0)
	}
	syn, err := guessSyntax(data)
	return 0, syn, err
}

// meta reads the file meta information (group 0002, always explicit VR little endian) at off.
func meta(data []byte, size, off int64) (int64, syntax, error) {
	w := &walker{data: data, size: size, syn: syntaxOf(explicitLE)}
	uid := ""
	for off+8 <= size {
		b, err := w.bytesAt(off, 2)
		if err != nil {
			return 0, syntax{}, err
		}
		if b[0] != 2 || b[1] != 0 {
			break
		}
		e, err := w.next(off)
		if err != nil {
			return 0, syntax{}, err
		}
		if e.length < 0 {
			return 0, syntax{}, fmt.Errorf("%w: file meta element %v has no length", ErrMalformed, e.tag)
		}
		if e.tag == tag.TransferSyntaxUID && e.length <= 64 {
			if b, err = w.bytesAt(e.offset, e.length); err != nil {
				return 0, syntax{}, err
			}
			uid = string(bytes.Trim(b, " \x00"))
		}
		off = e.offset + e.length
	}
	if uid != "" {
		return off, syntaxOf(uid), nil
	}
	if off > int64(len(data)) {
		return 0, syntax{}, errMore
	}
	syn, err := guessSyntax(data[off:])
	return off, syn, err
}

// isVR reports whether two bytes look like an explicit VR.
func isVR(b []byte) bool {
	return b[0] >= 'A' && b[0] <= 'Z' && b[1] >= 'A' && b[1] <= 'Z'
}

// guessSyntax recognises a data set without transfer syntax by its first element, which must be of
// group 0008 and short.
func guessSyntax(b []byte) (syntax, error) {
	notDICOM := fmt.Errorf("%w: neither the DICM mark nor a data set at its start", ErrNotDICOM)
	if len(b) < 8 {
		return syntax{}, notDICOM
	}
	switch {
	case b[0] == 8 && b[1] == 0 && isVR(b[4:6]):
		return syntaxOf(explicitLE), nil
	case b[0] == 0 && b[1] == 8 && isVR(b[4:6]):
		return syntaxOf(explicitBE), nil
	case b[0] == 8 && b[1] == 0 && b[5] == 0 && b[6] == 0 && b[7] == 0:
		return syntaxOf(implicitLE), nil
	}
	return syntax{}, notDICOM
}
