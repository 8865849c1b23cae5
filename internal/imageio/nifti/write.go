package nifti

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio/codec"
	"bayeslice/internal/volume"
)

// Intent codes of nifti1.h that the writers use.
const (
	IntentNone     = 0
	IntentEstimate = 1001 // an estimate of a parameter, such as a probability
	IntentLabel    = 1002 // labels; the code that [WriteMask] writes
)

// Option changes what a writer writes.
type Option func(*options)

type options struct {
	number     codec.Number
	descrip    string
	intent     int16
	intentName string
}

// As stores the voxels as another type than float32. A value that does not fit makes the write
// fail with [codec.ErrUnsupported]; nothing is clipped.
func As(n codec.Number) Option { return func(o *options) { o.number = n } }

// Describe sets the description (descrip), of which 79 bytes are kept. It must not identify a patient.
func Describe(text string) Option { return func(o *options) { o.descrip = text } }

// Intent sets the intent code and name, of which 15 bytes are kept.
func Intent(code int16, name string) Option {
	return func(o *options) { o.intent, o.intentName = code, name }
}

// WriteVolume writes an image as NIfTI-1, float32 where no [As] is given, compressed where path
// ends in .gz. Both sform and qform are set, so that every reader finds the same grid, to 10⁻⁴ mm. The file appears whole or
// not at all (see [codec.WriteFile]). It fails with [codec.ErrUnsupported] where the name does not
// end in .nii or .nii.gz, or an axis is longer than 32767 voxels.
func WriteVolume(path string, v *volume.Volume, opts ...Option) error {
	o := options{number: codec.Float32}
	for _, set := range opts {
		set(&o)
	}
	if err := codec.CheckRange(v.Data(), o.number); err != nil {
		return fmt.Errorf("nifti: %s: %w", filepath.Base(path), err)
	}
	return writeFile(path, v.Grid(), o, func(w io.Writer) error {
		return codec.WriteValues(w, v.Data(), o.number)
	})
}

// WriteMask writes labels as NIfTI-1 in uint8 with the intent "label". [As] is ignored; otherwise it is
// as [WriteVolume].
func WriteMask(path string, m *volume.Mask, opts ...Option) error {
	o := options{intent: IntentLabel}
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
	compressed := true
	if _, ok := cutSuffix(path, ".nii.gz"); !ok {
		compressed = false
		if _, ok := cutSuffix(path, ".nii"); !ok {
			return fmt.Errorf("nifti: %s: name the file .nii or .nii.gz: %w", filepath.Base(path), codec.ErrUnsupported)
		}
	}
	for a, n := range g.Size {
		if n > math.MaxInt16 {
			return fmt.Errorf("nifti: %s: axis %d has %d voxels and NIfTI-1 holds %d, crop the image: %w",
				filepath.Base(path), a, n, math.MaxInt16, codec.ErrUnsupported)
		}
	}
	head := encode1(g, o)
	return codec.WriteFile(path, func(w io.Writer) error {
		if !compressed {
			return writeParts(w, head, voxels)
		}
		z := gzip.NewWriter(w)
		if err := writeParts(z, head, voxels); err != nil {
			return err
		}
		return z.Close()
	})
}

func writeParts(w io.Writer, head []byte, voxels func(io.Writer) error) error {
	if _, err := w.Write(head); err != nil {
		return err
	}
	return voxels(w)
}

// encode1 returns the 348 bytes of a little-endian NIfTI-1 header and the 4 that say that no
// extension follows.
func encode1(g geom.Grid, o options) []byte {
	b := make([]byte, headerSize1+4)
	le := binary.LittleEndian
	i16 := func(at int, v int) { le.PutUint16(b[at:], uint16(int16(v))) }
	f32 := func(at int, v float64) { le.PutUint32(b[at:], math.Float32bits(float32(v))) }
	le.PutUint32(b, headerSize1)
	b[38] = 'r' // regular, which some readers want
	i16(40, 3)
	for a := range 7 {
		i16(42+2*a, 1)
		f32(80+4*a, 1)
	}
	q, qfac := quaternion(g)
	f32(76, qfac)
	m := g.Affine()
	origin := toLPS(g.Origin)
	for a := range 3 {
		i16(42+2*a, g.Size[a])
		f32(80+4*a, g.Spacing[a])
		f32(256+4*a, q[a])
		f32(268+4*a, origin[a])
		sign := -1.0
		if a == 2 {
			sign = 1
		}
		for c := range 4 {
			f32(280+16*a+4*c, sign*m[a][c])
		}
	}
	for code, n := range numbers {
		if n == o.number {
			i16(70, code)
		}
	}
	i16(72, 8*o.number.Size())
	f32(108, headerSize1+4)
	f32(112, 1)
	b[123] = 2 // mm
	copy(b[148:227], cut(o.descrip, 79))
	i16(68, int(o.intent))
	copy(b[328:343], cut(o.intentName, 15))
	i16(252, 1) // both orientations are scanner coordinates
	i16(254, 1)
	copy(b[344:], "n+1\x00")
	return b
}

// cut shortens text to at most n bytes of whole characters.
func cut(text string, n int) string {
	text = strings.ReplaceAll(text, "\x00", " ")
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}
