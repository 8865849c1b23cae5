package exam

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bayeslice/internal/imageio/dicom/dicomtest"
)

// entry is one file of a ZIP made for a test.
type entry struct {
	name string
	data []byte
	size uint64 // what the ZIP says that it unpacks to; 0: the truth
}

// rawZIP makes a ZIP of entries whose headers may lie.
func rawZIP(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Store, CRC32: crc32.ChecksumIEEE(e.data),
			CompressedSize64: uint64(len(e.data)), UncompressedSize64: uint64(len(e.data))}
		if e.size > 0 {
			h.UncompressedSize64 = e.size
		}
		f, err := w.CreateRaw(h)
		if err == nil {
			_, err = f.Write(e.data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// images are the slices of a small series as entries under folder.
func images(folder string) []entry {
	var out []entry
	for i := range 6 {
		s := dicomtest.Slice{Study: "1.2.3", Series: "1.2.3.4", Number: 4, Instance: i + 1, Position: [3]float64{0, 0, 3 * float64(i)}}
		out = append(out, entry{name: folder + string(rune('a'+i)), data: s.Bytes()})
	}
	return out
}

const maskNRRD = "NRRD0005\ntype: uchar\ndimension: 3\nsizes: 2 2 2\nencoding: raw\nspace: lps\nspace directions: (1,0,0) (0,1,0) (0,0,1)\nspace origin: (0,0,0)\n\n01010101"

const slabNHDR = "NRRD0005\ntype: uchar\ndimension: 3\nsizes: 2 2 10\nencoding: raw\nspace: lps\nspace directions: (1,0,0) (0,1,0) (0,0,3)\nspace origin: (0,0,0)\ndata file: t2w.raw\n"

// slabVoxels are the voxels of slabNHDR, too many different ones for labels.
func slabVoxels() []byte {
	out := make([]byte, 40)
	for i := range out {
		out[i] = byte(5 * i)
	}
	return out
}

// Nothing of a ZIP is written outside the temporary folder, which is gone afterwards, however its entries are named; and no
// size that it claims is believed.
func TestHostileZIPs(t *testing.T) {
	outer := t.TempDir()
	tmp := filepath.Join(outer, "tmp")
	if err := os.Mkdir(tmp, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", tmp)
	t.Setenv("TMP", tmp)
	for name, c := range map[string]struct {
		data []byte
		want error // nil: opens
	}{
		"upwards":          {rawZIP(t, append(images("../../"), entry{name: "../../../x.nrrd", data: []byte(maskNRRD)})...), nil},
		"absolute":         {rawZIP(t, append(images("/etc/"), entry{name: "/x.nrrd", data: []byte(maskNRRD)})...), nil},
		"backslashes":      {rawZIP(t, append(images(`..\..\`), entry{name: `..\..\x.nrrd`, data: []byte(maskNRRD)})...), nil},
		"a file as folder": {rawZIP(t, entry{name: "x.nrrd", data: []byte(maskNRRD)}, entry{name: "x.nrrd/y.nrrd", data: []byte(maskNRRD)}), ErrUnreadable},
		"more than it has": {rawZIP(t, entry{name: "x.nrrd", data: []byte(maskNRRD), size: 1 << 20}), ErrUnreadable},
		"less than it has": {rawZIP(t, entry{name: "x.nrrd", data: []byte(maskNRRD), size: uint64(len(maskNRRD) - 3)}), ErrUnreadable},
		"far more":         {rawZIP(t, entry{name: "x.nrrd", data: []byte(maskNRRD), size: 1 << 40}), ErrTooLarge},
		"an overflow":      {rawZIP(t, entry{name: "x", data: []byte("x"), size: 1 << 63}, entry{name: "y", data: []byte("y"), size: 1 << 63}), ErrTooLarge},
		"detached voxels":  {rawZIP(t, entry{name: "a/t2w.nhdr", data: []byte(slabNHDR)}, entry{name: "a/t2w.raw", data: slabVoxels()}), nil},
		"voxels elsewhere": {rawZIP(t, entry{name: "a/t2w.nhdr", data: []byte(slabNHDR)}, entry{name: "b/t2w.raw", data: slabVoxels()}), ErrUnreadable},
		"cut short":        {rawZIP(t, images("")...)[:400], ErrUnreadable},
		"a ZIP in a ZIP":   {rawZIP(t, entry{name: "inner.zip", data: rawZIP(t, images("")...)}), ErrNoImages},
	} {
		path := filepath.Join(outer, "exam.zip")
		if err := os.WriteFile(path, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(context.Background(), path, Options{})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if err != nil && (!oneSentence.MatchString(err.Error()) || goSpeak.MatchString(err.Error()) || !remedy.MatchString(err.Error())) {
			t.Errorf("%s: %q", name, err)
		}
		if left, err := filepath.Glob(filepath.Join(outer, "*", "*")); err != nil || len(left) > 0 {
			t.Errorf("%s: left behind %v %v", name, left, err)
		}
		if beside, err := filepath.Glob(filepath.Join(outer, "*")); err != nil || len(beside) != 2 {
			t.Errorf("%s: written outside: %v %v", name, beside, err)
		}
	}
}

// A NIfTI of a few kilobytes that unpacks to gigabytes is refused before memory is taken for it.
func TestCompressedBombs(t *testing.T) {
	header := make([]byte, 352+1<<20)
	header[0], header[1] = 0x5C, 1 // 348
	copy(header[40:], []byte{3, 0, 0xFF, 0x7F, 0xFF, 0x7F, 1, 0})
	header[70], header[72] = 16, 32
	copy(header[344:], "n+1\x00")
	header[110], header[111] = 0xB0, 0x43 // voxels at byte 352
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := w.Write(header); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "bomb.nii.gz")
	if err := os.WriteFile(path, z.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	_, heap, _, err := openWatched(path)
	if err == nil || heap > 256<<20 || !strings.Contains(err.Error(), "bomb.nii.gz") {
		t.Errorf("%v with %d MB on the heap", err, heap>>20)
	}
}

// FuzzZIP opens whatever bytes come as a ZIP: an exam or a sentence, and nothing left behind.
func FuzzZIP(f *testing.F) {
	f.Add(rawZIP(f, images("a/")...))
	f.Add(rawZIP(f, entry{name: "t2w.nrrd", data: []byte(maskNRRD)}, entry{name: "../x.nhdr", data: []byte(strings.Replace(maskNRRD, "\n\n", "\ndata file: x.raw\n\n", 1))}))
	f.Add(rawZIP(f, entry{name: "x.nrrd", data: []byte(maskNRRD), size: 99}))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		path := filepath.Join(dir, "exam.zip")
		if err := os.WriteFile(path, append([]byte("PK\x03\x04"), data[min(4, len(data)):]...), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("TMPDIR", dir)
		e, err := Open(context.Background(), path, Options{})
		if err == nil && len(e.Series) == 0 || err != nil && !oneSentence.MatchString(err.Error()) {
			t.Fatalf("%v, %q", e, err)
		}
		if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) != 1 {
			t.Fatalf("left behind: %v, %v", left, err)
		}
	})
}
