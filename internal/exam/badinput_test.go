package exam

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bayeslice/internal/imageio/dicom/dicomtest"
	"bayeslice/internal/testenv"
)

// write puts files (by slash-separated name) under a new folder and returns it.
func write(t *testing.T, files map[string][]byte) string {
	t.Helper()
	root := t.TempDir()
	for name, data := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// t2Slices makes n slices of an axial T2 in one study, under prefix.
func t2Slices(files map[string][]byte, prefix, study string, number, n int, change func(*dicomtest.Slice)) {
	for i := range n {
		s := dicomtest.Slice{
			Study: study, Series: fmt.Sprintf("%s.%d", study, number), Number: number, Instance: i + 1, Description: "t2_tse_tra",
			Sequence: "*tse2d1_25", Scanning: "SE", TE: 104, TR: 5000, Position: [3]float64{-50, -50, 3 * float64(i)},
		}
		if change != nil {
			change(&s)
		}
		files[fmt.Sprintf("%s/%d-%02d.dcm", prefix, number, i)] = s.Bytes()
	}
}

func TestBadInputIsASentence(t *testing.T) {
	slice := dicomtest.Slice{Description: "t2"}.Bytes()
	two := map[string][]byte{}
	t2Slices(two, "JANE^DOE/a", "1.2.3", 4, 6, nil)
	t2Slices(two, "JANE^DOE/b", "1.2.4", 4, 6, nil)
	jpeg := dicomtest.Encode("1.2.840.10008.1.2.4.92", dicomtest.Slice{Number: 4}.Elements())
	for name, c := range map[string]struct {
		path string
		want error
		says string
	}{
		"empty folder":   {write(t, nil), ErrNoImages, "empty"},
		"absent":         {filepath.Join(t.TempDir(), "nothing"), ErrUnreadable, "no such file"},
		"only junk":      {write(t, map[string][]byte{"notes.txt": []byte("hello"), "a/b.pdf": []byte("%PDF")}), ErrNoImages, "none is"},
		"text .dcm":      {filepath.Join(write(t, map[string][]byte{"x.dcm": []byte(strings.Repeat("not an image. ", 30))}), "x.dcm"), ErrUnsupported, "neither DICOM"},
		"truncated":      {filepath.Join(write(t, map[string][]byte{"x.dcm": slice[:len(slice)-4]}), "x.dcm"), ErrUnreadable, "cut short"},
		"all truncated":  {write(t, map[string][]byte{"x.dcm": slice[:len(slice)-4]}), ErrUnreadable, "cut short"},
		"one slice":      {write(t, map[string][]byte{"x.dcm": slice}), ErrSingleSlice, "all slices"},
		"compressed":     {write(t, map[string][]byte{"x.dcm": jpeg}), ErrUnsupported, "gdcmconv --raw"},
		"two exams":      {write(t, two), ErrSeveralExams, "--study"},
		"broken ZIP":     {filepath.Join(write(t, map[string][]byte{"x.zip": []byte("PK\x03\x04 no more")}), "x.zip"), ErrUnreadable, "zip"},
		"no mask size":   {filepath.Join(write(t, map[string][]byte{"x.mha": []byte("NDims = 3\nElementType = MET_SHORT\nElementDataFile = LOCAL\n")}), "x.mha"), ErrUnreadable, "convert it again"},
		"outside MHD":    {filepath.Join(write(t, map[string][]byte{"x.mhd": []byte("NDims = 3\nDimSize = 2 2 2\nElementType = MET_UCHAR\nElementSpacing = 1 1 1\nElementDataFile = ../x.raw\n")}), "x.mhd"), ErrUnsupported, "outside its own folder"},
		"outside NHDR":   {filepath.Join(write(t, map[string][]byte{"x.nhdr": []byte("NRRD0005\ntype: uchar\ndimension: 3\nsizes: 2 2 2\nencoding: raw\ndata file: /etc/passwd\n")}), "x.nhdr"), ErrUnsupported, "outside its own folder"},
		"damaged NIfTI":  {filepath.Join(write(t, map[string][]byte{"x.nii": []byte("no header")}), "x.nii"), ErrUnreadable, "x.nii"},
		"empty DICOMDIR": {filepath.Join(write(t, map[string][]byte{"DICOMDIR": directoryOf(`A\B`)}), "DICOMDIR"), ErrNoImages, "copy the whole medium"},
		"DICOMDIR out":   {filepath.Join(write(t, map[string][]byte{"DICOMDIR": directoryOf(`..\B`)}), "DICOMDIR"), ErrUnreadable, "outside its folder"},
	} {
		e, err := Open(context.Background(), c.path, Options{})
		if !errors.Is(err, c.want) || e != nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
			continue
		}
		if text := err.Error(); !strings.Contains(text, c.says) || strings.Contains(text, "JANE") || strings.Contains(text, os.TempDir()) || strings.Contains(text, "\n") {
			t.Errorf("%s: %q should say %q in one line, without folders", name, text, c.says)
		}
		if goSpeak.MatchString(err.Error()) || !remedy.MatchString(err.Error()) {
			t.Errorf("%s: %q should say what to do, in words", name, err)
		}
		t.Logf("%s: %v", name, err)
	}
}

// directoryOf makes a DICOMDIR of file IDs.
func directoryOf(ids ...string) []byte {
	var records [][]dicomtest.Element
	for _, id := range ids {
		records = append(records, []dicomtest.Element{{Tag: 0x00041430, VR: "CS", Value: "IMAGE"}, {Tag: 0x00041500, VR: "CS", Value: id}})
	}
	return dicomtest.Encode(dicomtest.ExplicitLE, []dicomtest.Element{{Tag: 0x00041220, VR: "SQ", Value: records}})
}

func TestStudySelects(t *testing.T) {
	files := map[string][]byte{}
	dated := func(s *dicomtest.Slice) {
		s.Extra = append(s.Extra, dicomtest.Element{Tag: 0x00080020, VR: "DA", Value: "20110707"})
	}
	t2Slices(files, "a", "1.2.3", 4, 6, dated)
	t2Slices(files, "b", "1.2.4", 5, 6, dated)
	t2Slices(files, "b", "1.2.4", 6, 7, func(s *dicomtest.Slice) { s.Description = "dwi_ADC" })
	root := write(t, files)
	_, err := Open(context.Background(), root, Options{})
	var several *SeveralExamsError
	if !errors.As(err, &several) || len(several.Studies) != 2 || several.Studies[0].Date != "2011-07-07" {
		t.Fatalf("error %v", err)
	}
	if text := err.Error(); strings.Contains(text, "2011") || !strings.Contains(text, "(1 MR series with T2W; 6 images)") || !strings.Contains(text, "(2 MR series with T2W, ADC; 13 images)") {
		t.Errorf("studies told apart by %q", text)
	}
	for _, s := range several.Studies {
		for _, want := range []string{s.Key, strings.TrimPrefix(s.Name, "Study "), strings.ToLower(s.Key[:4])} {
			e, err := Open(context.Background(), root, Options{Study: want})
			if err != nil || e.Key != s.Key || len(e.Series) != s.Series {
				t.Errorf("study %q: %v", want, err)
			}
		}
	}
	if _, err := Open(context.Background(), root, Options{Study: "ZZZZ"}); !errors.Is(err, ErrNoSuchStudy) {
		t.Errorf("an unknown study: %v", err)
	}
	one, err := Open(context.Background(), filepath.Join(root, "b", "5-00.dcm"), Options{})
	if err != nil || len(one.Series) != 2 || one.Series[0].Images != 6 {
		t.Errorf("one file of a series does not open its series: %v", err)
	}
	salted, err := Open(context.Background(), filepath.Join(root, "b"), Options{Salt: []byte("clinic")})
	if err != nil || salted.Key == one.Key {
		t.Errorf("another salt gives the same key (%v)", err)
	}
}

func TestLinksInACircleEnd(t *testing.T) {
	files := map[string][]byte{}
	t2Slices(files, "real/series", "1.2.3", 4, 6, nil)
	root := write(t, files)
	for link, to := range map[string]string{"exam/linked": "../real", "exam/again": "../real/series", "real/up": "..", "real/gone": "nowhere"} {
		if err := os.MkdirAll(filepath.Join(root, filepath.Dir(link)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(to, filepath.Join(root, link)); err != nil {
			t.Skip("no symbolic links here: ", err)
		}
		if _, err := os.Lstat(filepath.Join(root, link)); err != nil {
			t.Skip("no symbolic links here, though none was refused: ", err)
		}
	}
	e, err := Open(context.Background(), filepath.Join(root, "exam"), Options{})
	if err != nil || len(e.Series) != 1 || e.Series[0].Images != 6 {
		t.Fatalf("exam %+v, %v", e, err)
	}
	if _, copies := codes(e)[DuplicateSlice]; copies {
		t.Error("a folder reached by two links was read twice")
	}
}

// zipOf makes a ZIP of files.
func zipOf(t *testing.T, files map[string][]byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "exam.zip")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(f)
	for name, data := range files {
		e, err := w.Create(name)
		if err == nil {
			_, err = e.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestZIP(t *testing.T) {
	files := map[string][]byte{"../../evil.txt": []byte("nothing is written"), "notes.txt": []byte("hello")}
	t2Slices(files, "exam", "1.2.3", 4, 6, nil)
	e, err := Open(context.Background(), zipOf(t, files), Options{})
	if err != nil || e.Chosen(T2W) == nil || e.Chosen(T2W).Images != 6 {
		t.Fatalf("ZIP: %v", err)
	}
	if _, err := Open(context.Background(), zipOf(t, map[string][]byte{"a.dcm": make([]byte, 60<<20)}), Options{}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a ZIP that swells 1000-fold: %v", err)
	}
}

func TestZIPWithNIfTILeavesNothingBehind(t *testing.T) {
	nii, err := os.ReadFile(testenv.Data(t, "autoradiomics", "nifti_prostate", "img.nii.gz"))
	if err != nil {
		t.Fatal(err)
	}
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	e, err := Open(context.Background(), zipOf(t, map[string][]byte{"case/t2w.nii.gz": nii}), Options{})
	if err != nil || e.Chosen(T2W) == nil {
		t.Fatalf("ZIP of NIfTI: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(tmp, "bayeslice-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestDICOMDIR(t *testing.T) {
	files := map[string][]byte{}
	t2Slices(files, "im", "1.2.3", 4, 6, nil)
	var ids []string
	upper := map[string][]byte{}
	for name, data := range files {
		id := strings.ToUpper(strings.ReplaceAll(strings.TrimSuffix(filepath.Base(name), ".dcm"), "-", "_"))
		ids = append(ids, `IM\`+id)
		upper["im/"+strings.ToLower(id)+";1"] = data // as ISO 9660 media show them
	}
	slices.Sort(ids)
	upper["DICOMDIR"] = directoryOf(append(ids, `IM\GONE`)...)
	upper["im/unlisted"] = dicomtest.Slice{Study: "1.2.99"}.Bytes()
	e, err := Open(context.Background(), filepath.Join(write(t, upper), "DICOMDIR"), Options{})
	if err != nil || len(e.Series) != 1 || e.Series[0].Images != 6 {
		t.Fatalf("DICOMDIR: %+v %v", e, err)
	}
	if i, ok := codes(e)[AbsentFiles]; !ok || !strings.Contains(i.Text, "GONE") {
		t.Errorf("the absent file is not named: %v", e.Issues)
	}
}

func TestCancelledOpen(t *testing.T) {
	files := map[string][]byte{}
	t2Slices(files, "a", "1.2.3", 4, 6, nil)
	root := write(t, files)
	ctx, cancel := context.WithCancel(context.Background())
	_, err := Open(ctx, root, Options{Progress: func(p Progress) {
		if p.Done == 2 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want cancellation", err)
	}
	last := map[string]Progress{}
	if _, err := Open(context.Background(), root, Options{Progress: func(p Progress) { last[p.Stage] = p }}); err != nil {
		t.Fatal(err)
	}
	for _, stage := range []string{"reading headers", "reading images"} {
		if p := last[stage]; p.Done != 6 || p.Total != 6 {
			t.Errorf("%s ended at %d of %d, want 6 of 6", stage, p.Done, p.Total)
		}
	}
}
