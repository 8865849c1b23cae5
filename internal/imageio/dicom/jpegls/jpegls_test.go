package jpegls

import (
	"errors"
	"os"
	"testing"
)

// The picture of ITU-T T.87 annex H.3: 4 × 4 samples of eight bits, and the bits that the Recommendation works out by hand.
var (
	exampleH3 = []byte{
		0xFF, 0xD8, 0xFF, 0xF7, 0x00, 0x0B, 0x08, 0x00, 0x04, 0x00, 0x04, 0x01, 0x01, 0x11, 0x00,
		0xFF, 0xDA, 0x00, 0x08, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00,
		0xC0, 0x00, 0x00, 0x6C, 0x80, 0x20, 0x8E, 0x01, 0xC0, 0x00, 0x00, 0x57, 0x40, 0x00, 0x00, 0x6E, 0xE6, 0x00, 0x00,
		0x01, 0xBC, 0x18, 0x00, 0x00, 0x05, 0xD8, 0x00, 0x00, 0x91, 0x60, 0xFF, 0xD9,
	}
	pictureH3 = [16]uint16{0, 0, 90, 74, 68, 50, 43, 205, 64, 145, 145, 145, 100, 145, 145, 145}
)

func TestExampleOfTheRecommendation(t *testing.T) {
	got, err := Decode(exampleH3, 4, 4)
	if err != nil || got.Bits != 8 || got.Near != 0 || [16]uint16(got.Samples) != pictureH3 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestWhatIsRefused(t *testing.T) {
	edit := func(at int, b byte) []byte {
		out := append([]byte(nil), exampleH3...)
		out[at] = b
		return out
	}
	for name, c := range map[string]struct {
		data []byte
		want error
	}{
		"nothing":          {nil, ErrDamaged},
		"text":             {[]byte("not JPEG-LS at all"), ErrDamaged},
		"header alone":     {exampleH3[:15], ErrTruncated},
		"cut in the scan":  {exampleH3[:40], ErrTruncated},
		"another size":     {edit(10, 5), ErrSize},
		"three components": {edit(11, 3), ErrUnsupported},
		"one bit":          {edit(6, 1), ErrDamaged},
		"seventeen bits":   {edit(6, 17), ErrDamaged},
		"vast error":       {edit(22, 200), ErrDamaged},
		"a mapping table":  {edit(21, 1), ErrUnsupported},
		"a JPEG":           {edit(3, 0xC3), ErrUnsupported},
	} {
		if _, err := Decode(c.data, 4, 4); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// FuzzDecode decodes whatever bytes come; nothing may panic, and samples are within their bits.
func FuzzDecode(f *testing.F) {
	f.Add(exampleH3, uint8(4), uint8(4))
	near, err := os.ReadFile("testdata/near.jls") // the stream of ../testdata/lossy/near-2.dcm
	if err != nil {
		f.Fatal(err)
	}
	f.Add(near, uint8(43), uint8(30))
	f.Fuzz(func(t *testing.T, data []byte, width, height uint8) {
		img, err := Decode(data, int(width), int(height))
		if err != nil {
			return
		}
		if len(img.Samples) != int(width)*int(height) {
			t.Fatalf("%d samples", len(img.Samples))
		}
		for _, s := range img.Samples {
			if int(s) >= 1<<img.Bits {
				t.Fatalf("sample %d of %d bits", s, img.Bits)
			}
		}
	})
}
