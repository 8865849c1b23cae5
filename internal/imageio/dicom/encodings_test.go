package dicom

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"bayeslice/internal/imageio/dicom/dicomtest"
	"bayeslice/internal/testenv"
)

type el = dicomtest.Element

// pair makes two slices of one encoding with the given pixel module.
func pair(syntax string, pixels []uint16, extra ...el) [][]byte {
	var out [][]byte
	for i := range 2 {
		s := dicomtest.Slice{Instance: i, Position: [3]float64{0, 0, float64(3 * i)}, Columns: 2, Rows: 2, Pixels: pixels, Extra: extra}
		out = append(out, dicomtest.Encode(syntax, s.Elements()))
	}
	return out
}

func us(v uint16) []uint16 { return []uint16{v} }

func TestStoredValues(t *testing.T) {
	raw := []uint16{0, 1, 0x0FFF, 0x8001}
	twelve := []el{{Tag: 0x00280101, VR: "US", Value: us(12)}, {Tag: 0x00280102, VR: "US", Value: us(11)}}
	signed := el{Tag: 0x00280103, VR: "US", Value: us(1)}
	mono1 := el{Tag: 0x00280004, VR: "CS", Value: "MONOCHROME1"}
	for name, c := range map[string]struct {
		extra  []el
		invert bool
		want   [4]float32
	}{
		"16 bits":             {nil, false, [4]float32{0, 1, 4095, 32769}},
		"16 bits signed":      {[]el{signed}, false, [4]float32{0, 1, 4095, -32767}},
		"12 bits":             {twelve, false, [4]float32{0, 1, 4095, 1}},
		"12 bits signed":      {append(twelve, signed), false, [4]float32{0, 1, -1, 1}},
		"12 bits high":        {[]el{twelve[0]}, false, [4]float32{0, 0, 255, 2048}}, // HighBit 15: the upper 12 bits
		"rescaled":            {[]el{{Tag: 0x00281053, VR: "DS", Value: "0.5"}, {Tag: 0x00281052, VR: "DS", Value: "-10"}}, false, [4]float32{-10, -9.5, 2037.5, 16374.5}},
		"slope 0 is no slope": {[]el{{Tag: 0x00281053, VR: "DS", Value: "0"}}, false, [4]float32{0, 1, 4095, 32769}},
		"inverted 12 bits":    {append(twelve, mono1), true, [4]float32{4095, 4094, 0, 4094}},
		"inverted signed":     {append(append([]el(nil), twelve...), mono1, signed), true, [4]float32{-1, -2, 0, -2}},
		"inverted, as stored": {append(twelve, mono1), false, [4]float32{0, 1, 4095, 1}},
	} {
		for _, syntax := range []string{dicomtest.ExplicitLE, dicomtest.ImplicitLE, dicomtest.ExplicitBE, dicomtest.Deflated} {
			s, fsys := scanOne(t, pair(syntax, raw, c.extra...)...)
			v, err := s.Stacks[0].Load(context.Background(), fsys, LoadOptions{Invert: c.invert})
			if err != nil {
				t.Errorf("%s, %s: %v", name, syntax, err)
			} else if [4]float32(v[4:8]) != c.want {
				t.Errorf("%s, %s: %v, want %v", name, syntax, v[4:8], c.want)
			}
		}
	}
}

func TestEightAndThirtyTwoBits(t *testing.T) {
	eight := []el{{Tag: 0x00280100, VR: "US", Value: us(8)}, {Tag: 0x00280101, VR: "US", Value: us(8)}, {Tag: 0x00280102, VR: "US", Value: us(7)},
		{Tag: 0x7FE00010, VR: "OB", Value: []byte{1, 2, 3, 255}}}
	s, fsys := scanOne(t, pair(dicomtest.ExplicitLE, nil, eight...)...)
	if v := load(t, s.Stacks[0], fsys); [4]float32(v[:4]) != [4]float32{1, 2, 3, 255} {
		t.Errorf("8 bits: %v", v[:4])
	}
	wide := []el{{Tag: 0x00280100, VR: "US", Value: us(32)}, {Tag: 0x00280101, VR: "US", Value: us(32)}, {Tag: 0x00280102, VR: "US", Value: us(31)},
		{Tag: 0x00280103, VR: "US", Value: us(1)}, {Tag: 0x7FE00010, VR: "OW", Value: []byte{1, 0, 0, 0, 255, 255, 255, 255, 0, 0, 1, 0, 0, 0, 0, 128}}}
	s, fsys = scanOne(t, pair(dicomtest.ExplicitLE, nil, wide...)...)
	if v := load(t, s.Stacks[0], fsys); [4]float32(v[:4]) != [4]float32{1, -1, 65536, -1 << 31} {
		t.Errorf("32 bits: %v", v[:4])
	}
}

func TestFilesWithoutPreamble(t *testing.T) {
	whole := pair(dicomtest.ExplicitLE, []uint16{1, 2, 3, 4})
	for i, f := range whole {
		whole[i] = f[132:]
	}
	s, fsys := scanOne(t, whole...)
	if v := load(t, s.Stacks[0], fsys); v[3] != 4 {
		t.Errorf("meta without preamble: %v", v)
	}
	for _, syntax := range []string{dicomtest.ExplicitLE, dicomtest.ImplicitLE, dicomtest.ExplicitBE} {
		bare := pair(syntax, []uint16{1, 2, 3, 4})
		for i, f := range bare {
			metaLen := int(f[140]) // value of (0002,0000)
			bare[i] = f[132+12+metaLen:]
		}
		s, fsys := scanOne(t, bare...)
		if v := load(t, s.Stacks[0], fsys); v[3] != 4 {
			t.Errorf("bare data set %s: %v", syntax, v)
		}
	}
}

// The files hold one picture in nine encodings; testdata/encodings.py gives its checksum by pydicom.
func TestEncodingsOfOnePicture(t *testing.T) {
	root := testenv.Data(t, "dcm_qa_ts", "In")
	const want = 0xd3332454 // see encodings.py
	fsys := os.DirFS(root)
	for _, name := range files(t, root) {
		h, err := ReadHeader(fsys, name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		raw, err := readPixels(context.Background(), fsys, h)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		dst := make([]float32, h.Rows*h.Columns)
		h.Frames[0].decodeFrame(raw, dst, LoadOptions{})
		if got := checksum(dst); got != want {
			t.Errorf("%s (%s): checksum %#x, want %#x", name, h.TransferSyntax, got, want)
		}
	}
}

func TestBadFilesGiveSentinels(t *testing.T) {
	good := dicomtest.Slice{}.Bytes()
	edit := func(extra ...el) []byte { return dicomtest.Slice{Extra: extra}.Bytes() }
	deep := el{Tag: 0x52009229, VR: "SQ", Value: [][]el{{}}}
	for range 60 {
		deep = el{Tag: 0x52009229, VR: "SQ", Value: [][]el{{{Tag: 0x00289110, VR: "SQ", Value: [][]el{{deep}}}}}}
	}
	huge := append([]byte(nil), good...)
	copy(huge[len(huge)-24-4:], []byte{0xFE, 0xFF, 0xFF, 0x7F}) // the length of the pixel data
	for name, c := range map[string]struct {
		data []byte
		want error
	}{
		"empty":          {nil, ErrNotDICOM},
		"text":           {[]byte("This is a text file that somebody named image.dcm.\n" + strings.Repeat("more text ", 40)), ErrNotDICOM},
		"preamble only":  {good[:132], ErrNotDICOM},
		"cut in header":  {good[:300], ErrTruncated},
		"cut in pixels":  {good[:len(good)-5], ErrTruncated},
		"huge length":    {huge, ErrTruncated},
		"no rows":        {edit(el{Tag: 0x00280010, VR: "US", Value: us(0)}), ErrMalformed},
		"more rows":      {edit(el{Tag: 0x00280010, VR: "US", Value: us(60000)}), ErrTruncated},
		"colour":         {edit(el{Tag: 0x00280004, VR: "CS", Value: "RGB"}), ErrNotImage},
		"24 bits":        {edit(el{Tag: 0x00280100, VR: "US", Value: us(24)}), ErrUnsupported},
		"bits beyond":    {edit(el{Tag: 0x00280101, VR: "US", Value: us(17)}), ErrMalformed},
		"a segmentation": {edit(el{Tag: 0x00080060, VR: "CS", Value: "SEG"}), ErrNotImage},
		"many frames":    {edit(el{Tag: 0x00280008, VR: "IS", Value: "2000000000"}), ErrTruncated},
		"no frames":      {edit(el{Tag: 0x00280008, VR: "IS", Value: "-3"}), ErrMalformed},
		"deep nesting":   {edit(deep), ErrMalformed},
	} {
		fsys, names := fileSystem(c.data)
		if _, err := ReadHeader(fsys, names[0]); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}
