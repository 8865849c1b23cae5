package exam

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bayeslice/internal/imageio"
	"bayeslice/internal/imageio/dicom"
	"bayeslice/internal/imageio/dicom/dicomtest"
	"bayeslice/internal/volume"
)

// What copying a file again would not mend says what would, and is no [ErrUnreadable].
func TestRefusalsNameTheirRemedy(t *testing.T) {
	made := func(change func(*dicomtest.Slice)) []byte {
		s := dicomtest.Slice{Number: 4}
		change(&s)
		return s.Bytes()
	}
	extra := func(tag uint32, vr, value string) func(*dicomtest.Slice) {
		return func(s *dicomtest.Slice) {
			s.Extra = append(s.Extra, dicomtest.Element{Tag: tag, VR: vr, Value: value})
		}
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write([]byte("a tape archive")); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	full := dicomtest.Slice{Number: 4}.Bytes()
	for name, c := range map[string]struct {
		file string
		data []byte
		want error
		says string
	}{
		"mosaic":    {"x.dcm", made(extra(0x00080008, "CS", `ORIGINAL\PRIMARY\M\MOSAIC`)), ErrUnsupported, "export it as single slices"},
		"SEG":       {"x.dcm", made(extra(0x00080060, "CS", "SEG")), ErrUnsupported, "(SEG); open the folder of the greyscale MR images"},
		"colour":    {"x.dcm", made(extra(0x00280004, "CS", "RGB")), ErrUnsupported, "open the folder of the greyscale MR images"},
		"NRRD":      {"x.nrrd", []byte("NRRD1004\ntype: short\n"), ErrUnsupported, "save it as NRRD0005 or NIfTI"},
		"table":     {"x.csv", []byte("case,grade\n1,2\n"), ErrUnsupported, "open the folder or ZIP of the exam"},
		"archive":   {"x.tar.gz", packed.Bytes(), ErrUnsupported, "unpack it"},
		"picture":   {"x.png", []byte("\x89PNG\r\n\x1a\n"), ErrUnsupported, "open the DICOM"},
		"cut short": {"x.dcm", full[:len(full)-4], ErrUnreadable, "copy it again"},
		"empty":     {"x", nil, ErrUnreadable, "copy it again"},
	} {
		path := filepath.Join(write(t, map[string][]byte{c.file: c.data}), c.file)
		_, err := Open(context.Background(), path, Options{})
		if !errors.Is(err, c.want) || errors.Is(err, ErrUnreadable) == errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %v that says %q", name, err, c.want, c.says)
		}
		if errors.Is(err, ErrUnsupported) != errors.Is(err, imageio.ErrUnsupported) {
			t.Errorf("%s: %v is not what package imageio calls so", name, err)
		}
		t.Logf("%s: %v", name, err)
	}
	_, err := Open(context.Background(), write(t, map[string][]byte{"x.dcm": full[:len(full)-4]}), Options{})
	if !errors.Is(err, dicom.ErrTruncated) {
		t.Errorf("the cause is lost: %v", err)
	}
}

func TestFoldersWithoutImagesSayWhatTheyHold(t *testing.T) {
	object := dicomtest.Slice{Number: 4, Extra: []dicomtest.Element{{Tag: 0x00080060, VR: "CS", Value: "SEG"}}}.Bytes()
	for says, files := range map[string]map[string][]byte{
		"image to read (1 SEG)": {"a.dcm": object},
	} {
		_, err := Open(context.Background(), write(t, files), Options{})
		if !errors.Is(err, ErrNoImages) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
}

func TestNIfTIUnderAnotherName(t *testing.T) {
	root := save(t, map[string]*volume.Volume{"t2w.nii": image(t, 300)})
	odd := filepath.Join(root, "t2w.image")
	if err := os.Rename(filepath.Join(root, "t2w.nii"), odd); err != nil {
		t.Fatal(err)
	}
	if e, err := Open(context.Background(), odd, Options{}); err != nil || e.Chosen(T2W) == nil {
		t.Errorf("%v, %v", e, err)
	}
}

func TestUsableSeriesOpensBesideAMosaic(t *testing.T) {
	mosaic := func(s *dicomtest.Slice) {
		s.Extra = append(s.Extra, dicomtest.Element{Tag: 0x00080008, VR: "CS", Value: `ORIGINAL\PRIMARY\M\MOSAIC`})
	}
	files := map[string][]byte{}
	t2Slices(files, "a", "1.2.3", 3, 1, mosaic)
	only := write(t, files)
	if _, err := Open(context.Background(), only, Options{}); !errors.Is(err, ErrUnsupported) {
		t.Errorf("a mosaic alone: %v", err)
	}
	if err := imageio.Write(filepath.Join(only, "t2w.nii"), image(t, 300)); err != nil {
		t.Fatal(err)
	}
	e, err := Open(context.Background(), only, Options{})
	if err != nil || e.Chosen(T2W) == nil {
		t.Fatalf("a NIfTI beside a mosaic: %v", err)
	}
	if i, ok := codes(e)[Unreadable]; !ok || !strings.Contains(i.Text, "mosaic") {
		t.Errorf("the mosaic is not said: %v", e.Issues)
	}
	t2Slices(files, "a", "1.2.3", 4, 6, nil)
	e, err = Open(context.Background(), write(t, files), Options{})
	if err != nil || e.Chosen(T2W) == nil || e.Chosen(T2W).Number != 4 || len(e.Series) != 2 || e.Series[0].Problem == "" {
		t.Fatalf("a series beside a mosaic: %v", err)
	}
	if i, ok := codes(e)[NotAVolume]; !ok || !strings.Contains(i.Text, "mosaic") {
		t.Errorf("the mosaic is not said: %v", e.Issues)
	}
}

func TestBlankImages(t *testing.T) {
	blank := func(value float64) *volume.Volume {
		g := image(t, 0).Grid()
		data := make([]float32, g.Voxels())
		for i := range data {
			data[i] = float32(value)
		}
		v, err := volume.New(g, data, "")
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for says, v := range map[string]*volume.Volume{"the value 0;": blank(0), "the value 7;": blank(7), "no voxel holds a number": blank(math.NaN())} {
		_, err := Open(context.Background(), filepath.Join(save(t, map[string]*volume.Volume{"t2w.nii": v}), "t2w.nii"), Options{})
		if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
	e, err := Open(context.Background(), save(t, map[string]*volume.Volume{"t2w.nii": image(t, 300), "adc.nii": blank(0), "lesion_t2w.nii": blank(0)}), Options{})
	if err != nil || len(e.Series) != 1 || len(e.Labels) != 1 || len(e.Problems) != 1 {
		t.Fatalf("exam %+v, %v", e, err)
	}
	if i := codes(e)[Unreadable]; !strings.Contains(i.Text, "same value everywhere") {
		t.Errorf("issue %+v", i)
	}
}
