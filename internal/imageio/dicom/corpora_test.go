package dicom

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"

	"bayeslice/internal/testenv"
)

// storedValues reads all stored values of a file, which may be in gzip.
func storedValues(t *testing.T, path string) ([]float32, *Header, error) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.HasPrefix(data, []byte("\x1f\x8b")) {
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if data, err = io.ReadAll(z); err != nil {
			t.Fatal(err)
		}
	}
	fsys := fstest.MapFS{"f": &fstest.MapFile{Data: data}}
	h, err := ReadHeader(fsys, "f")
	if err != nil {
		return nil, h, err
	}
	if !h.syntax.decodable() {
		return nil, h, h.syntax.refusal()
	}
	raw, err := readPixels(context.Background(), fsys, h)
	if err != nil {
		return nil, h, err
	}
	out := make([]float32, h.Rows*h.Columns*len(h.Frames))
	stored := make([]int64, len(out))
	h.format().values(raw, stored)
	for n, v := range stored {
		out[n] = float32(v)
	}
	return out, h, nil
}

// notRead are the files of corpora.json that are refused, and why: doses and segmentations are no images to read from, and one
// JPEG 2000 header claims a picture of four thousand million columns, which pydicom hands out as random memory.
var notRead = map[string]error{
	"pydicom_test_files/JPEG2000-embedded-sequence-delimiter.dcm": ErrMalformed,
	"pydicom_test_files/rtdose.dcm":                               ErrNotImage,
	"pydicom_test_files/rtdose_1frame.dcm":                        ErrNotImage,
	"pydicom_test_files/rtdose_expb.dcm":                          ErrNotImage,
	"pydicom_test_files/rtdose_expb_1frame.dcm":                   ErrNotImage,
	"pydicom_test_files/rtdose_rle.dcm":                           ErrNotImage,
	"pydicom_test_files/rtdose_rle_1frame.dcm":                    ErrNotImage,
	"dcmqi_seg/segmentations/sparse-labelmap-noppv.dcm":           ErrNotImage,
	"dcmqi_seg/segmentations/sparse-labelmap-ppv5.dcm":            ErrNotImage,
	"highdicom_seg/test_files/seg_image_ct_binary_fractional.dcm": ErrNotImage,
	"highdicom_seg/test_files/seg_image_ct_true_fractional.dcm":   ErrNotImage,
}

// Every greyscale file of the test data holds what pydicom with GDCM reads in it, value by value; after a lossy cosine
// transform, within one, since the last rounding is free.
func TestStoredValuesOfEveryFile(t *testing.T) {
	b, err := os.ReadFile("testdata/corpora.json")
	if err != nil {
		t.Fatal(err)
	}
	var files []struct {
		Name, Syntax string
		Shape        [3]int
		CRC32        uint32
		Values       []float32
	}
	if err := json.Unmarshal(b, &files); err != nil {
		t.Fatal(err)
	}
	root := testenv.Data(t)
	seen, exact, within, refused := map[string]bool{}, map[string]int{}, map[string]int{}, map[string]int{}
	for _, f := range files {
		seen[f.Syntax] = true
		got, h, err := storedValues(t, filepath.Join(root, filepath.FromSlash(f.Name)))
		if why, ok := notRead[f.Name]; ok || err != nil {
			if !ok || !errors.Is(err, why) {
				t.Errorf("%s (%s): %v, want %v", f.Name, f.Syntax, err, why)
			}
			refused[f.Syntax]++
			continue
		}
		if [3]int{len(h.Frames), h.Rows, h.Columns} != f.Shape {
			t.Errorf("%s: %d frames of %d×%d, want %v", f.Name, len(h.Frames), h.Rows, h.Columns, f.Shape)
			continue
		}
		if checksum(got) == f.CRC32 {
			exact[f.Syntax]++
			continue
		}
		most := float32(0)
		for n, want := range f.Values {
			v := got[n*7919%len(got)]
			most = max(most, v-want, want-v)
		}
		within[f.Syntax]++
		if lossy := f.Syntax == "1.2.840.10008.1.2.4.50" || f.Syntax == "1.2.840.10008.1.2.4.51"; !lossy || most > 1 {
			t.Errorf("%s (%s): values differ, by up to %g in a sample of them", f.Name, f.Syntax, most)
		}
	}
	for _, s := range slices.Sorted(maps.Keys(seen)) {
		t.Logf("%-24s %-22s %3d equal, %d within 1, %d refused", s, compressions[s].name, exact[s], within[s], refused[s])
	}
}
