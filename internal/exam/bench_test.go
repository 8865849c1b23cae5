package exam

import (
	"context"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"bayeslice/internal/testenv"
)

// BenchmarkReading opens a real exam, all pixels of all series, in turns with dcm2niix, which also writes what it reads, as
// NIfTI, and with pydicom. Peers that are not installed are left out.
func BenchmarkReading(b *testing.B) {
	path := testenv.Data(b, "picai_prep", "ProstateX-0000")
	niix := testenv.Peer{Row: "reading a real exam, every series", Peer: dcm2niix(b), Unit: "s", Note: "dcm2niix also writes NIfTI files"}
	version, ask := testenv.Python(b, filepath.Join("testdata", "readpeer.py"), path)
	pydicom := testenv.Peer{Row: niix.Row, Peer: version, Unit: "s"}
	if niix.Peer == "" {
		niix.Peer, niix.Missing, niix.Note = "dcm2niix", "peer not installed: Debian's dcm2niix", ""
	}
	if ask == nil {
		pydicom.Peer, pydicom.Missing = "pydicom", "peer not installed: Debian's python3-pydicom"
	}
	for b.Loop() {
		start := time.Now()
		if _, err := Open(context.Background(), path, Options{}); err != nil {
			b.Fatal(err)
		}
		took := time.Since(start).Seconds()
		niix.Mine, pydicom.Mine = append(niix.Mine, took), append(pydicom.Mine, took)
		if niix.Missing == "" {
			start = time.Now()
			testenv.Quiet(b, "dcm2niix", "-z", "n", "-b", "n", "-o", b.TempDir(), path)
			niix.Theirs = append(niix.Theirs, time.Since(start).Seconds())
		}
		if ask != nil {
			pydicom.Theirs = append(pydicom.Theirs, testenv.AskNumbers(b, ask, "")[0])
		}
	}
	niix.Report(b)
	pydicom.Report(b)
}

// dcm2niix names the installed version, "" where there is none.
func dcm2niix(b *testing.B) string {
	if testenv.Installed("dcm2niix") == "" {
		return ""
	}
	out, _ := exec.Command("dcm2niix", "--version").CombinedOutput() // it prints its version and exits with 3
	if v := regexp.MustCompile(`v1\.0\.\d+`).Find(out); v != nil {
		return "dcm2niix " + string(v)
	}
	b.Logf("dcm2niix says %s", out)
	return "dcm2niix"
}

// BenchmarkDecoding opens a real exam whose pixels GDCM has compressed, in turns with GDCM itself (testdata/gdcmpeer.py). It
// fails where a pixel differs from that of the uncompressed exam.
func BenchmarkDecoding(b *testing.B) {
	out := b.TempDir()
	version, ask := testenv.Python(b, filepath.Join("testdata", "gdcmpeer.py"), testenv.Data(b, "picai_prep", "ProstateX-0000"), out)
	var want *Exam
	if ask != nil {
		want = reopen(b, filepath.Join(out, "raw"))
	}
	for _, syntax := range []struct{ name, folder string }{{"RLE", "rle"}, {"JPEG-LS", "jpegls"}, {"JPEG 2000", "j2k"}} {
		b.Run(syntax.folder, func(b *testing.B) {
			row := testenv.Peer{Row: "the same exam compressed as " + syntax.name, Peer: version, Unit: "s", Note: "GDCM on one thread; the same pixels"}
			if ask == nil {
				row.Peer, row.Missing, row.Note = "GDCM", "peer not installed: Debian's python3-gdcm", ""
				row.Report(b)
				return
			}
			for b.Loop() {
				start := time.Now()
				got := reopen(b, filepath.Join(out, syntax.folder))
				row.Mine = append(row.Mine, time.Since(start).Seconds())
				row.Theirs = append(row.Theirs, testenv.AskNumbers(b, ask, syntax.folder)[0])
				samePixels(b, got, want)
			}
			row.Report(b)
		})
	}
}

func reopen(b *testing.B, path string) *Exam {
	b.Helper()
	e, err := Open(context.Background(), path, Options{})
	if err != nil {
		b.Fatal(err)
	}
	return e
}

func samePixels(b *testing.B, got, want *Exam) {
	b.Helper()
	if len(got.Series) != len(want.Series) || len(want.Series) == 0 {
		b.Fatalf("%d series, want %d", len(got.Series), len(want.Series))
	}
	for i, s := range want.Series {
		if g := got.Series[i].Volume; (g == nil) != (s.Volume == nil) || g != nil && !slices.Equal(g.Data(), s.Volume.Data()) {
			b.Fatalf("series %s differs", s.ID)
		}
	}
}
