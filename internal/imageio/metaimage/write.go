package metaimage

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zlib"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio/codec"
	"bayeslice/internal/volume"
)

// Option changes what a writer writes.
type Option func(*options)

type options struct {
	number  codec.Number
	comment string
}

// As stores the voxels as another type than float32. A value that does not fit makes the write
// fail with [codec.ErrUnsupported]; nothing is clipped.
func As(n codec.Number) Option { return func(o *options) { o.number = n } }

// Comment sets the header's comment, one line. It must not identify a patient.
func Comment(text string) Option { return func(o *options) { o.comment = text } }

// WriteVolume writes an image as MetaImage with deflated voxels, float32 where no [As] is given: one file for .mha, and
// for .mhd a second one beside it, .zraw. A file appears whole or not at all (see
// [codec.WriteFile]). It fails with [codec.ErrUnsupported] where the name ends in neither.
func WriteVolume(path string, v *volume.Volume, opts ...Option) error {
	o := options{number: codec.Float32}
	for _, set := range opts {
		set(&o)
	}
	if err := codec.CheckRange(v.Data(), o.number); err != nil {
		return fmt.Errorf("metaimage: %s: %w", filepath.Base(path), err)
	}
	return writeFile(path, v.Grid(), o, func(w io.Writer) error {
		return codec.WriteValues(w, v.Data(), o.number)
	})
}

// WriteMask writes labels as MetaImage in uint8 ([As] is ignored), otherwise as [WriteVolume].
func WriteMask(path string, m *volume.Mask, opts ...Option) error {
	var o options
	for _, set := range opts {
		set(&o)
	}
	o.number = codec.Uint8
	return writeFile(path, m.Grid(), o, func(w io.Writer) error {
		_, err := w.Write(m.Data())
		return err
	})
}

func writeFile(path string, g geom.Grid, o options, voxels func(io.Writer) error) error {
	var packed bytes.Buffer // the header comes first and gives its length
	z := zlib.NewWriter(&packed)
	if err := voxels(z); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".mha":
		head := encode(g, o, packed.Len(), "LOCAL")
		return codec.WriteFile(path, func(w io.Writer) error {
			_, err := w.Write(append([]byte(head), packed.Bytes()...))
			return err
		})
	case ".mhd":
		return writePair(path, packed.Bytes(), func(data string) string { return encode(g, o, packed.Len(), data) })
	}
	return fmt.Errorf("metaimage: %s: name the file .mha or .mhd: %w", filepath.Base(path), codec.ErrUnsupported)
}

// writePair writes the voxels and then the header; where the header fails, new voxels go too.
func writePair(path string, packed []byte, header func(data string) string) error {
	data := strings.TrimSuffix(path, filepath.Ext(path)) + ".zraw"
	base := filepath.Base(data)
	if err := checkName(base); err != nil {
		return fmt.Errorf("metaimage: %s: choose a plain file name: %w", filepath.Base(path), err)
	}
	_, statErr := os.Stat(data)
	if err := codec.WriteFile(data, func(w io.Writer) error { _, err := w.Write(packed); return err }); err != nil {
		return err
	}
	err := codec.WriteFile(path, func(w io.Writer) error { _, err := io.WriteString(w, header(base)); return err })
	if err != nil && errors.Is(statErr, os.ErrNotExist) {
		err = errors.Join(err, os.Remove(data))
	}
	return err
}

// encode returns the header, in the order in which ITK writes it.
func encode(g geom.Grid, o options, packed int, dataFile string) string {
	var b strings.Builder
	b.WriteString("ObjectType = Image\nNDims = 3\n")
	if o.comment != "" {
		line := strings.NewReplacer("\n", " ", "\r", " ", "\x00", " ").Replace(o.comment)
		fmt.Fprintf(&b, "Comment = %s\n", line)
	}
	b.WriteString("BinaryData = True\nBinaryDataByteOrderMSB = False\nCompressedData = True\n")
	fmt.Fprintf(&b, "CompressedDataSize = %d\n", packed)
	rows := append(append(append([]float64(nil), g.Dir[0][:]...), g.Dir[1][:]...), g.Dir[2][:]...)
	fmt.Fprintf(&b, "TransformMatrix = %s\n", numbers(rows))
	fmt.Fprintf(&b, "Offset = %s\nCenterOfRotation = 0 0 0\nAnatomicalOrientation = RAI\n", numbers(g.Origin[:]))
	fmt.Fprintf(&b, "ElementSpacing = %s\n", numbers(g.Spacing[:]))
	fmt.Fprintf(&b, "DimSize = %d %d %d\n", g.Size[0], g.Size[1], g.Size[2])
	fmt.Fprintf(&b, "ElementType = %s\nElementDataFile = %s\n", elementName(o.number), dataFile)
	return b.String()
}

// elementName is the inverse of elementTypes; of two names with one meaning it gives the one without LONG.
func elementName(n codec.Number) string {
	best := ""
	for name, m := range elementTypes {
		if m == n && (best == "" || len(name) < len(best)) {
			best = name
		}
	}
	return best
}

// numbers writes values so that they read back exactly.
func numbers(v []float64) string {
	words := make([]string, len(v))
	for i, x := range v {
		words[i] = strconv.FormatFloat(x, 'g', -1, 64)
	}
	return strings.Join(words, " ")
}
