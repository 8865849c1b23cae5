//go:build unix

package cli

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"bayeslice/internal/soaktest"
	"bayeslice/internal/worklist"
)

// within runs a command line and fails the test where it does not come back in time, as on a pipe that nobody writes to.
func within(t *testing.T, most time.Duration, args ...string) (code int, out, errs string) {
	t.Helper()
	done, began := make(chan struct{}), time.Now()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		defer close(done)
		code, out, errs = execute(ctx, Options{}, args...)
	}()
	select {
	case <-done:
	case <-time.After(most):
		t.Fatalf("%v hangs", args)
	}
	if unreadable.MatchString(errs) || code == ExitFailure && errs == "" {
		t.Errorf("%v: code %d, %.2000q", args, code, errs)
	}
	t.Logf("%v: code %d after %v, %.200q", args[:2], code, time.Since(began).Round(time.Millisecond), errs)
	return code, out, errs
}

// pipe and endlessFile put into a folder what is no file.
func pipe(t *testing.T, path string)        { t.Helper(); must(t, syscall.Mkfifo(path, 0o600)) }
func endlessFile(t *testing.T, path string) { t.Helper(); must(t, os.Symlink("/dev/zero", path)) }

// An exam opens, and quickly, whatever lies beside it: pipes, sockets, devices, circles of links, and names that are no text.
func TestWhatIsNoFileBesideAnExam(t *testing.T) {
	_, exam := goodModel(t)
	for _, name := range []string{"IM1", "fifo.nii", "fifo.mha", "fifo.dcm", "DICOMDIR", "all.zip", "t2w.bval"} {
		pipe(t, filepath.Join(exam, name))
	}
	for _, name := range []string{"zero", "zero.nii.gz", "zero.nrrd"} {
		endlessFile(t, filepath.Join(exam, name))
	}
	must(t, os.Symlink(".", filepath.Join(exam, "itself")))
	must(t, os.Symlink("b", filepath.Join(exam, "a")))
	must(t, os.Symlink("a", filepath.Join(exam, "b")))
	must(t, os.Symlink("nowhere", filepath.Join(exam, "gone.nii")))
	for _, name := range []string{"\xff\xfe", "a\nb\x1b[31m", strings.Repeat("n", 255), "日本語"} {
		must(t, os.WriteFile(filepath.Join(exam, name), []byte("notes"), 0o600))
	}
	deep := exam
	for range 12 {
		deep = filepath.Join(deep, strings.Repeat("d", 250))
		must(t, os.Mkdir(deep, 0o700))
	}
	short, err := os.MkdirTemp("/tmp", "s") //nolint:usetesting // the path of a socket has at most 108 bytes
	must(t, err)
	defer os.RemoveAll(short)
	socket, err := net.Listen("unix", filepath.Join(short, "s"))
	must(t, err)
	defer socket.Close()
	must(t, os.Symlink(filepath.Join(short, "s"), filepath.Join(exam, "socket.nii")))
	if code, out, errs := within(t, 60*time.Second, "exam", "show", exam); code != ExitOK || !strings.Contains(out, "T2W") {
		t.Errorf("code %d, %s %s", code, out, errs)
	}
	for _, path := range []string{"IM1", "fifo.nii", "all.zip", "DICOMDIR", "zero", "zero.nii.gz", "zero.nrrd", "a", "socket.nii", "gone.nii"} {
		if code, _, errs := within(t, 20*time.Second, "exam", "show", filepath.Join(exam, path)); code != ExitFailure {
			t.Errorf("%s: code %d, %s", path, code, errs)
		}
	}
}

// What is no file in place of one that a command reads is refused, and never waited for.
func TestWhatIsNoFileIsNotReadAsOne(t *testing.T) {
	dir := t.TempDir()
	fifo, zero := filepath.Join(dir, "fifo"), filepath.Join(dir, "zero")
	pipe(t, fifo)
	endlessFile(t, zero)
	exams := filepath.Join(dir, "exams")
	must(t, os.MkdirAll(filepath.Join(exams, "one"), 0o700))
	pipe(t, filepath.Join(exams, worklist.FileName))
	run := filepath.Join(dir, "run")
	must(t, os.Mkdir(run, 0o700))
	for _, name := range []string{"run.json", "log.jsonl", "data.json", "study.toml", "results.json", "result.json"} {
		pipe(t, filepath.Join(run, name))
	}
	for _, args := range [][]string{
		{"worklist", "show", exams}, {"train", "show", run}, {"train", "resume", run}, {"study", "status", run}, {"evaluate", "compare", run, run, "-o", filepath.Join(dir, "c")},
		{"study", "plan", fifo, "-o", filepath.Join(dir, "p")}, {"study", "plan", zero, "-o", filepath.Join(dir, "p")},
		{"model", "show", fifo}, {"model", "show", zero}, {"infer", exams, "--model", fifo, "-o", filepath.Join(dir, "o")},
		{"dicomweb", "find", "--url", "http://127.0.0.1:1", "--token-file", fifo}, {"dicomweb", "find", "--url", "http://127.0.0.1:1", "--token-file", zero},
		{"dicomweb", "send", "--url", "http://127.0.0.1:1", fifo}, {"evaluate", fifo, zero, "-o", filepath.Join(dir, "e")},
	} {
		if code, _, errs := within(t, 20*time.Second, args...); code == ExitOK {
			t.Errorf("%v: code %d, %s", args, code, errs)
		}
	}
}

// Files that are cut, replaced or gone while an exam is opened end in an exam or in a sentence.
func TestFilesThatChangeWhileTheyAreRead(t *testing.T) {
	_, exam := goodModel(t)
	for round := range 12 {
		copied := filepath.Join(t.TempDir(), "exam")
		must(t, os.CopyFS(copied, os.DirFS(exam)))
		var files []string
		must(t, filepath.WalkDir(copied, func(path string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				files = append(files, path)
			}
			return err
		}))
		done := make(chan struct{})
		go func() {
			defer close(done)
			for i, path := range files {
				switch (i + round) % 4 {
				case 0:
					_ = os.Truncate(path, int64(100*i))
				case 1:
					_ = os.Remove(path)
				case 2:
					_ = os.WriteFile(path, []byte("something else"), 0o600)
				}
				time.Sleep(time.Duration(round) * 200 * time.Microsecond)
			}
			if round%3 == 0 {
				_ = os.RemoveAll(copied)
			}
		}()
		within(t, 60*time.Second, "exam", "show", copied)
		<-done
	}
}

// A folder of very many small files is searched to its end or up to the bound, and can be stopped.
func TestVeryManyFiles(t *testing.T) {
	n := 5_000 // an exam among many is opened by a test of the package exam
	if soaktest.Long() {
		n = 100_000
	}
	dir := t.TempDir()
	for i := range n {
		must(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("note%06d", i)), []byte("a note"), 0o600))
	}
	if code, _, errs := within(t, 3*time.Minute, "exam", "show", dir); code != ExitFailure || !strings.Contains(errs, "images") {
		t.Errorf("code %d, %s", code, errs)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	code, _, errs := execute(ctx, Options{}, "exam", "show", dir)
	if took := time.Since(began); code == ExitOK || took > 3*time.Second {
		t.Errorf("stopped after %v with code %d, %s", took, code, errs)
	}
}

// What may not be read is said, and what can be read beside it is opened. The tests may run as root, who may read everything,
// so the program is run as nobody.
func TestWhatMayNotBeRead(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can run the program as somebody else")
	}
	_, exam := goodModel(t)
	dir, err := os.MkdirTemp("/tmp", "bayeslice-nobody-*") //nolint:usetesting // nobody must be able to enter all folders above it
	must(t, err)
	defer os.RemoveAll(dir)
	must(t, os.Chmod(dir, 0o755))
	self, err := os.Executable()
	must(t, err)
	from, err := os.Open(self)
	must(t, err)
	defer from.Close()
	program := filepath.Join(dir, "bayeslice")
	to, err := os.OpenFile(program, os.O_CREATE|os.O_WRONLY, 0o755)
	must(t, err)
	_, err = io.Copy(to, from)
	must(t, err)
	must(t, to.Close())
	whole, closed, some := filepath.Join(dir, "whole"), filepath.Join(dir, "closed"), filepath.Join(dir, "some")
	for _, to := range []string{whole, closed, some} {
		must(t, os.CopyFS(to, os.DirFS(exam)))
		must(t, exec.Command("chmod", "-R", "a+rX", to).Run())
	}
	must(t, os.Chmod(closed, 0o700))
	must(t, exec.Command("sh", "-c", "find "+some+" -type f | sort | head -n 3 | xargs chmod 600").Run())
	nobody := func(path string) (string, error) {
		c := exec.Command(program, "exam", "show", path)
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		c.Env, c.Dir = []string{"HOME=/nonexistent", "TMPDIR=/tmp"}, "/"
		out, err := c.CombinedOutput()
		return string(out), err
	}
	if out, err := nobody(whole); err != nil {
		t.Errorf("what may be read: %v, %s", err, out)
	}
	if out, err := nobody(closed); err == nil || !strings.Contains(out, "it may not be read; ask for access") {
		t.Errorf("a closed folder: %v, %s", err, out)
	}
	if out, err := nobody(some); err != nil || !strings.Contains(out, "3 ") {
		t.Errorf("three closed files: %v, %s", err, out)
	}
}
