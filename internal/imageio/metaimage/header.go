package metaimage

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"bayeslice/internal/imageio/codec"
)

// maxHeader bounds the text before the voxels; real headers have a few kilobytes.
const maxHeader = 1 << 20

// fields is the header: values by lower-case key. Keys that occur twice keep the last value, as in MetaIO.
type fields map[string]string

// Sniff reports whether a file that begins with these bytes is a MetaImage: text lines
// "Key = Value" with the mandatory NDims.
func Sniff(head []byte) bool {
	if i := bytes.Index(head, []byte("ElementDataFile")); i >= 0 {
		head = head[:i]
	}
	for line := range bytes.Lines(head) {
		key, _, ok := bytes.Cut(line, []byte("="))
		if ok && string(bytes.ToLower(bytes.TrimSpace(key))) == "ndims" {
			return true
		}
	}
	return false
}

// readHeader reads lines up to and with ElementDataFile, which by the format comes last, and
// returns how many bytes they took.
func readHeader(r *bufio.Reader) (f fields, length int64, err error) {
	f = fields{}
	for n := 1; ; n++ {
		line, err := readLine(r, maxHeader-length)
		length += int64(len(line))
		if err != nil && (!errors.Is(err, io.EOF) || line == "") {
			return nil, 0, err
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			continue // MetaIO skips what it does not understand
		}
		if !utf8.ValidString(key) {
			return nil, 0, fmt.Errorf("line %d of its header is damaged; copy it again from its source: %w", n, codec.ErrFormat)
		}
		key = strings.ToLower(strings.TrimSpace(key))
		f[key] = strings.TrimSpace(value)
		if key == "elementdatafile" {
			return f, length, nil
		}
	}
}

// readLine reads up to and with the next line feed, at most limit bytes.
func readLine(r *bufio.Reader, limit int64) (string, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case int64(len(line)) > limit:
			return "", fmt.Errorf("its header has no end within %d bytes: %w", maxHeader, codec.ErrFormat)
		case err == nil:
			return string(line), nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(line) == 0:
			return "", fmt.Errorf("its header ends without ElementDataFile: %w", codec.ErrTruncated)
		default:
			return string(line), err
		}
	}
}

// first returns the value of the first of several keys that is there and not empty.
func (f fields) first(keys ...string) (string, bool) {
	for _, k := range keys {
		if v := f[k]; v != "" {
			return v, true
		}
	}
	return "", false
}

// yes reads a flag; absent means no.
func (f fields) yes(keys ...string) bool {
	v, _ := f.first(keys...)
	return v != "" && (v[0] == 'T' || v[0] == 't' || v[0] == '1')
}

// floats reads want numbers from the first of several keys; nil where none is there.
func (f fields) floats(want int, keys ...string) ([]float64, error) {
	v, ok := f.first(keys...)
	if !ok {
		return nil, nil
	}
	words := strings.Fields(v)
	if len(words) != want {
		return nil, fmt.Errorf("its %s has %d numbers where %d belong: %w", keys[0], len(words), want, codec.ErrFormat)
	}
	out := make([]float64, want)
	for i, w := range words {
		x, err := strconv.ParseFloat(w, 64)
		if err != nil {
			return nil, fmt.Errorf("its %s holds %.40q, which is no number: %w", keys[0], w, codec.ErrFormat)
		}
		out[i] = x
	}
	return out, nil
}

// whole reads one whole number; missing gives its default.
func (f fields) whole(key string, missing int64) (int64, error) {
	v, ok := f.first(key)
	if !ok {
		return missing, nil
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("its %s is %.40q, which is no whole number: %w", key, v, codec.ErrFormat)
	}
	return n, nil
}

// elementTypes maps ElementType to voxel types; MetaIO's LONG has 4 bytes everywhere.
var elementTypes = map[string]codec.Number{
	"MET_CHAR": codec.Int8, "MET_UCHAR": codec.Uint8, "MET_SHORT": codec.Int16, "MET_USHORT": codec.Uint16,
	"MET_INT": codec.Int32, "MET_UINT": codec.Uint32, "MET_LONG": codec.Int32, "MET_ULONG": codec.Uint32,
	"MET_LONG_LONG": codec.Int64, "MET_ULONG_LONG": codec.Uint64, "MET_FLOAT": codec.Float32, "MET_DOUBLE": codec.Float64,
}

// layout checks what the header says of the voxels, and returns the number of dimensions.
func (f fields) layout(info *codec.Info) (codec.Layout, int, error) {
	var none codec.Layout
	number, err := f.number()
	if err != nil {
		return none, 0, err
	}
	scale, err := f.scale(info)
	if err != nil {
		return none, 0, err
	}
	l := codec.Layout{Size: [3]int{1, 1, 1}, Frames: 1, Number: number, Order: binary.LittleEndian, Scale: scale}
	if f.yes("binarydatabyteordermsb", "elementbyteordermsb") {
		l.Order = binary.BigEndian
	}
	dims, err := f.whole("ndims", 0)
	if err != nil {
		return none, 0, err
	}
	if dims < 2 || dims > 10 {
		return none, 0, fmt.Errorf("it has NDims = %d; slices, volumes and series of volumes (2 to 4) are read: %w", dims, codec.ErrUnsupported)
	}
	sizes, err := f.floats(int(dims), "dimsize")
	if err != nil {
		return none, 0, err
	}
	if sizes == nil {
		return none, 0, fmt.Errorf("it has no DimSize: %w", codec.ErrFormat)
	}
	for a, s := range sizes {
		if !(s >= 1) || s != math.Trunc(s) {
			return none, 0, fmt.Errorf("its DimSize holds %g: %w", s, codec.ErrFormat)
		}
		n := int(min(s, codec.MaxVoxels+1)) // Bytes refuses what is cut here
		switch {
		case a < 3:
			l.Size[a] = n
		case a == 3:
			l.Frames = n
		case n != 1:
			return none, 0, fmt.Errorf("it has %d dimensions; split it into volumes or series of volumes: %w", dims, codec.ErrUnsupported)
		}
	}
	_, err = l.Bytes()
	return l, int(dims), err
}

// number returns the voxel type, or refuses it.
func (f fields) number() (codec.Number, error) {
	if kind, ok := f.first("objecttype"); ok && !strings.EqualFold(kind, "Image") {
		return 0, fmt.Errorf("it holds a %.40q and not an image: %w", kind, codec.ErrUnsupported)
	}
	if v, ok := f.first("binarydata"); ok && !f.yes("binarydata") {
		return 0, fmt.Errorf("its voxels are text (BinaryData = %.10s); save it as binary: %w", v, codec.ErrUnsupported)
	}
	channels, err := f.whole("elementnumberofchannels", 1)
	if err != nil {
		return 0, err
	}
	if channels != 1 {
		return 0, fmt.Errorf("it has %d channels a voxel (a colour or vector image); save each as an image of its own: %w", channels, codec.ErrUnsupported)
	}
	name, ok := f.first("elementtype")
	if !ok {
		return 0, fmt.Errorf("it has no ElementType: %w", codec.ErrFormat)
	}
	n, ok := elementTypes[strings.ToUpper(name)]
	if !ok {
		return 0, fmt.Errorf("its ElementType %.40q is not read; save it as one number a voxel, such as MET_SHORT or MET_FLOAT: %w", name, codec.ErrUnsupported)
	}
	return n, nil
}

// scale returns the map from stored values to intensities.
func (f fields) scale(info *codec.Info) (codec.Scale, error) {
	slope, err := f.floats(1, "elementtointensityfunctionslope")
	if err != nil {
		return codec.Scale{}, err
	}
	offset, err := f.floats(1, "elementtointensityfunctionoffset")
	if err != nil {
		return codec.Scale{}, err
	}
	s := codec.Identity
	if slope != nil && slope[0] != 0 {
		s.Slope = slope[0]
	}
	if offset != nil {
		s.Inter = offset[0]
	}
	if s != codec.Identity {
		info.Warn("Intensities are scaled as the header says (× %g + %g); some programs leave that out.", s.Slope, s.Inter)
	}
	return s, nil
}
