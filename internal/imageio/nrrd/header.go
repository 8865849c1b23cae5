package nrrd

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"bayeslice/internal/imageio/codec"
)

// maxHeader bounds the text before the voxels; real headers have a few kilobytes.
const maxHeader = 1 << 20

// maxDims is the most axes of an image that is read: space, frames, and axes of one sample.
const maxDims = 8

// encoding is how voxels are stored.
type encoding uint8

const (
	raw encoding = iota
	text
	gzipped
	bzipped
)

var encodings = map[string]encoding{
	"raw": raw, "txt": text, "text": text, "ascii": text, "gzip": gzipped, "gz": gzipped, "bzip2": bzipped, "bz2": bzipped,
}

// header is what a file says of its voxels.
type header struct {
	fields   map[string]string // by name, lower case without spaces
	sizes    []int
	encoding encoding
}

// readHeader reads the lines up to and with the empty one, or to the end of a file without voxels, and returns how many
// bytes they took.
func readHeader(in *bufio.Reader) (*header, int64, error) {
	h := &header{fields: map[string]string{}}
	magic, err := readLine(in)
	if err != nil {
		return nil, 0, err
	}
	length := int64(len(magic))
	version, ok := strings.CutPrefix(strings.TrimSpace(magic), "NRRD")
	switch n, err := strconv.Atoi(version); {
	case !ok || err != nil:
		return nil, 0, fmt.Errorf("it does not begin as NRRD does: %w", codec.ErrFormat)
	case n < 1 || n > 5:
		return nil, 0, fmt.Errorf("it is NRRD of version %d, and versions 1 to 5 are read; save it as NRRD0005 or NIfTI: %w", n, codec.ErrUnsupported)
	}
	for {
		line, err := readLine(in)
		if length += int64(len(line)); length > maxHeader {
			return nil, 0, fmt.Errorf("its header has no end within %d bytes: %w", maxHeader, codec.ErrFormat)
		}
		if err != nil {
			return nil, 0, err
		}
		if strings.TrimSpace(line) == "" {
			return h, length, nil // an empty line, or the end of a header without voxels
		}
		if err := h.line(strings.TrimSpace(line)); err != nil {
			return nil, 0, err
		}
	}
}

// readLine reads up to and with the next line feed; "" at the end of the file.
func readLine(in *bufio.Reader) (string, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > maxHeader:
			return "", fmt.Errorf("its header has no end within %d bytes: %w", maxHeader, codec.ErrFormat)
		case err == nil, errors.Is(err, io.EOF):
			return string(line), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return "", fmt.Errorf("reading its header: %w", err)
		}
	}
}

// line takes one line of the header.
func (h *header) line(line string) error {
	if strings.HasPrefix(line, "#") {
		return nil
	}
	name, value, ok := strings.Cut(line, ":")
	if !ok || !utf8.ValidString(name) {
		return fmt.Errorf("its header has the line %.40q, which is no field; copy it again from its source: %w", line, codec.ErrFormat)
	}
	if strings.HasPrefix(value, "=") {
		return nil // a key/value pair says nothing about the voxels
	}
	name = strings.ToLower(strings.ReplaceAll(name, " ", ""))
	if name == "centerings" {
		name = "centers"
	}
	if _, twice := h.fields[name]; twice {
		return fmt.Errorf("its header gives the field %.40q twice: %w", name, codec.ErrFormat)
	}
	h.fields[name] = strings.TrimSpace(value)
	return nil
}

// whole reads one whole number; missing gives its default.
func (h *header) whole(field string, missing int64) (int64, error) {
	v, ok := h.fields[field]
	if !ok {
		return missing, nil
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("its %s is %.40q, which is no whole number: %w", field, v, codec.ErrFormat)
	}
	return n, nil
}

// perAxis returns the words of a field that has one for each axis, nil where it is absent.
func (h *header) perAxis(field string) ([]string, error) {
	words := strings.Fields(h.fields[field])
	if len(words) == 0 {
		return nil, nil
	}
	if len(words) != len(h.sizes) {
		return nil, fmt.Errorf("its %s has %d words for %d axes: %w", field, len(words), len(h.sizes), codec.ErrFormat)
	}
	return words, nil
}

// types maps the format's names of voxel types.
var types = map[string]codec.Number{
	"signedchar": codec.Int8, "int8": codec.Int8, "int8_t": codec.Int8,
	"uchar": codec.Uint8, "unsignedchar": codec.Uint8, "uint8": codec.Uint8, "uint8_t": codec.Uint8,
	"short": codec.Int16, "shortint": codec.Int16, "signedshort": codec.Int16, "signedshortint": codec.Int16, "int16": codec.Int16, "int16_t": codec.Int16,
	"ushort": codec.Uint16, "unsignedshort": codec.Uint16, "unsignedshortint": codec.Uint16, "uint16": codec.Uint16, "uint16_t": codec.Uint16,
	"int": codec.Int32, "signedint": codec.Int32, "int32": codec.Int32, "int32_t": codec.Int32,
	"uint": codec.Uint32, "unsignedint": codec.Uint32, "uint32": codec.Uint32, "uint32_t": codec.Uint32,
	"longlong": codec.Int64, "longlongint": codec.Int64, "signedlonglong": codec.Int64, "signedlonglongint": codec.Int64, "int64": codec.Int64, "int64_t": codec.Int64,
	"ulonglong": codec.Uint64, "unsignedlonglong": codec.Uint64, "unsignedlonglongint": codec.Uint64, "uint64": codec.Uint64, "uint64_t": codec.Uint64,
	"float": codec.Float32, "double": codec.Float64,
}

// layout checks what the header says of the voxels, all of which it takes as one row, and sets h.sizes and h.encoding.
func (h *header) layout() (codec.Layout, error) {
	var none codec.Layout
	name := h.fields["type"]
	number, ok := types[strings.ReplaceAll(strings.ToLower(name), " ", "")]
	switch {
	case name == "":
		return none, fmt.Errorf("its header has no type: %w", codec.ErrFormat)
	case !ok:
		return none, fmt.Errorf("its type %.40q is not read; save it as one number a voxel, such as short or float: %w", name, codec.ErrUnsupported)
	}
	name = h.fields["encoding"]
	if h.encoding, ok = encodings[strings.ToLower(name)]; !ok {
		return none, fmt.Errorf("its voxels are encoded as %.40q; save it as raw or gzip: %w", name, codec.ErrUnsupported)
	}
	l := codec.Layout{Size: [3]int{1, 1, 1}, Frames: 1, Number: number, Order: binary.LittleEndian, Scale: codec.Identity}
	switch endian := strings.ToLower(h.fields["endian"]); {
	case endian == "big":
		l.Order = binary.BigEndian
	case endian != "little" && number.Size() > 1 && h.encoding != text:
		return none, fmt.Errorf("its header does not say in which order the bytes of a voxel are (endian); save it again: %w", codec.ErrFormat)
	}
	if err := h.readSizes(); err != nil {
		return none, err
	}
	n := 1
	for _, s := range h.sizes {
		l.Size[0] = s
		l.Size[1] = n
		if _, err := l.Bytes(); err != nil {
			return none, err
		}
		n *= s
	}
	l.Size = [3]int{n, 1, 1}
	return l, nil
}

// readSizes reads dimension and sizes.
func (h *header) readSizes() error {
	dims, err := h.whole("dimension", 0)
	if err != nil {
		return err
	}
	if dims < 2 || dims > maxDims {
		return fmt.Errorf("it has %d dimensions; slices, volumes and series of volumes (2 to 4) are read: %w", dims, codec.ErrUnsupported)
	}
	words := strings.Fields(h.fields["sizes"])
	if int64(len(words)) != dims {
		return fmt.Errorf("it has %d sizes for %d dimensions: %w", len(words), dims, codec.ErrFormat)
	}
	for _, w := range words {
		n, err := strconv.Atoi(w)
		if err != nil || n < 1 {
			return fmt.Errorf("its sizes hold %.40q: %w", w, codec.ErrFormat)
		}
		h.sizes = append(h.sizes, min(n, codec.MaxVoxels+1)) // Bytes refuses what is cut here
	}
	return nil
}

// detached reports whether the voxels are in another file.
func (h *header) detached() bool {
	_, ok := h.fields["datafile"]
	return ok
}

// dataFile returns the name of the file of the voxels; a leading "./" says the header's folder.
func (h *header) dataFile() (string, error) {
	name := h.fields["datafile"]
	words := strings.Fields(name)
	if len(words) > 0 && (strings.EqualFold(words[0], "LIST") || strings.Contains(words[0], "%")) {
		return "", fmt.Errorf("its voxels are spread over several files (%.100q); save it as one .nrrd: %w", name, codec.ErrUnsupported)
	}
	name = strings.TrimPrefix(name, "./")
	return name, codec.CheckBeside(name)
}
