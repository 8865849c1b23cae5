package exam

import (
	"context"
	"os/exec"
	"path/filepath"
	"regexp"
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
		niix.Peer, niix.Missing, niix.Note = "dcm2niix", "not installed: Debian's dcm2niix", ""
	}
	if ask == nil {
		pydicom.Peer, pydicom.Missing = "pydicom", "not installed: Debian's python3-pydicom"
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
