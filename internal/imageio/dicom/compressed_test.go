package dicom

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"testing"
	"testing/fstest"

	"bayeslice/internal/imageio/dicom/dicomtest"
)

// decodeFile reads the only frame of a file.
func decodeFile(data []byte) ([]float32, *Header, error) {
	fsys := fstest.MapFS{"f": &fstest.MapFile{Data: data}}
	h, err := ReadHeader(fsys, "f")
	if err != nil {
		return nil, nil, err
	}
	raw, err := readPixels(context.Background(), fsys, h)
	if err != nil {
		return nil, h, err
	}
	dst := make([]float32, h.Rows*h.Columns)
	h.Frames[0].decodeFrame(raw, dst, LoadOptions{})
	return dst, h, nil
}

// Pictures of a formula compressed by DCMTK and GDCM, losslessly; see testdata/compressed.py.
func TestCompressedPicturesOfAFormula(t *testing.T) {
	names := files(t, "testdata/compressed")
	if len(names) != 15 {
		t.Fatalf("%d files, want 15", len(names))
	}
	for _, name := range names {
		data, err := os.ReadFile("testdata/compressed/" + name)
		if err != nil {
			t.Fatal(err)
		}
		v, h, err := decodeFile(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !h.pixels.encapsulated {
			t.Errorf("%s is not compressed", name)
		}
		for i, got := range v {
			x, y := i%16, i/16
			want := 37*x + 91*y + 13*x*y
			if x > 8 {
				want += 500
			}
			switch want %= 4096; {
			case h.Signed:
				want -= 1000
			case h.BitsAllocated == 8:
				want %= 256
			}
			if got != float32(want) {
				t.Errorf("%s: pixel (%d, %d) is %g, want %d", name, x, y, got, want)
				break
			}
		}
	}
}

// What lossy codecs made is decoded to what the software that made it decodes it to, within the rounding of the last
// step: JPEG-LS and JPEG 2000 exactly, since their arithmetic is given; a cosine transform within one.
func TestLossyPicturesAsTheirMakerDecodesThem(t *testing.T) {
	for name, most := range map[string]float32{"near-2": 0, "near-8": 0, "j2k-lossy": 0, "dct-12": 1, "dct-8": 1} {
		read := func(name string) []float32 {
			data, err := os.ReadFile("testdata/lossy/" + name + ".dcm")
			if err != nil {
				t.Fatal(err)
			}
			v, _, err := decodeFile(data)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			return v
		}
		got, want := read(name), read(name+"-out")
		worst, sum := float32(0), 0.0
		for i := range want {
			d := max(got[i]-want[i], want[i]-got[i])
			worst, sum = max(worst, d), sum+float64(d)
		}
		if len(got) != len(want) || worst > most {
			t.Errorf("%s: differs by up to %g, want %g", name, worst, most)
		}
		t.Logf("%s: largest difference %g, mean %.4f", name, worst, sum/float64(len(want)))
	}
}

// Compressed pixels cut anywhere, or of another size than the header says, give an error.
func TestDamagedCompressedPixels(t *testing.T) {
	for _, name := range []string{"jpeg-6.dcm", "rle.dcm", "jls.dcm", "j2k.dcm"} {
		data, err := os.ReadFile("testdata/compressed/" + name)
		if err != nil {
			t.Fatal(err)
		}
		at := bytes.Index(data, []byte{0xE0, 0x7F, 0x10, 0x00, 'O'})
		for cut := at + 12; cut < len(data)-10; cut++ {
			if _, _, err := decodeFile(data[:cut]); !errors.Is(err, ErrTruncated) && !errors.Is(err, ErrMalformed) {
				t.Fatalf("%s cut at %d of %d: %v", name, cut, len(data), err)
			}
		}
		rows := bytes.Index(data, []byte{0x28, 0, 0x10, 0, 'U', 'S', 2, 0})
		taller := bytes.Clone(data)
		binary.LittleEndian.PutUint16(taller[rows+8:], 13)
		if _, _, err := decodeFile(taller); err == nil {
			t.Errorf("%s: a picture smaller than its header says is accepted", name)
		}
		binary.LittleEndian.PutUint16(taller[rows+8:], 60000)
		if _, _, err := decodeFile(taller); !errors.Is(err, ErrTruncated) && !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: a header that asks for far more than the file can hold: %v", name, err)
		}
	}
	native := dicomtest.Encode(rleLossless, dicomtest.Slice{}.Elements())
	if _, _, err := decodeFile(native); !errors.Is(err, ErrMalformed) {
		t.Errorf("native pixels under a compressed syntax: %v", err)
	}
}

func TestFragmentsOfSeveralFrames(t *testing.T) {
	item := func(b ...byte) []byte {
		return append(binary.LittleEndian.AppendUint32([]byte{0xFE, 0xFF, 0x00, 0xE0}, uint32(len(b))), b...)
	}
	end := []byte{0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0}
	table := item(0, 0, 0, 0, 20, 0, 0, 0) // the second frame begins behind two items of 8 + 2 bytes
	got, err := compressedFrames(bytes.Join([][]byte{table, item(1, 2), item(3, 4), item(5, 6), end}, nil), 2)
	if err != nil || !bytes.Equal(got[0], []byte{1, 2, 3, 4}) || !bytes.Equal(got[1], []byte{5, 6}) {
		t.Errorf("by table: %v %v", got, err)
	}
	got, err = compressedFrames(bytes.Join([][]byte{item(), item(1, 2), item(3, 4), end}, nil), 2)
	if err != nil || !bytes.Equal(got[1], []byte{3, 4}) {
		t.Errorf("one each: %v %v", got, err)
	}
	if _, err = compressedFrames(bytes.Join([][]byte{item(), item(1, 2), item(3, 4), end}, nil), 3); !errors.Is(err, ErrMalformed) {
		t.Errorf("three frames of two fragments: %v", err)
	}
}
