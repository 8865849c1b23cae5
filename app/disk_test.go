//go:build linux

package app

import (
	"errors"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"bayeslice/internal/testenv"
	"bayeslice/internal/uitest"
)

// childDisk is the environment variable that names a folder in which the program finds a small disk of its own.
const childDisk = "BAYESLICE_TEST_DISK"

// enterDisk starts the program anew where [childDisk] is set, with a disk of a megabyte mounted in that folder, which
// no other process sees. It returns where there is nothing to do, or it fails.
func enterDisk() error {
	dir := os.Getenv(childDisk)
	if dir == "" {
		return nil
	}
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.Unsetenv(childDisk); err != nil {
		return err
	}
	return syscall.Exec(unshare, []string{"unshare", "-rm", "sh", "-c", `mount -t tmpfs -o size=1m none "$0" && exec "$1"`, dir, self}, os.Environ())
}

// TestFullDiskInTheWindow draws while the disk with the settings, the autosaved contours and the user's files is full:
// the window says so, saving to it says so, and when there is room again what was drawn meanwhile is written down and
// can be saved.
func TestFullDiskInTheWindow(t *testing.T) {
	if testing.Short() {
		t.Skip("a window takes half a minute")
	}
	if err := exec.Command("unshare", "-rm", "true").Run(); err != nil {
		testenv.SkipOrFail(t, "unshare", "no disk of its own can be mounted here: "+err.Error())
	}
	s := uitest.Start(t, 1280, 800)
	disk := t.TempDir()
	exam := writePhantom(t, smallPhantom())
	p := launch(t, s, Options{Exam: exam, Config: filepath.Join(disk, "config"), Unattended: true}, childDisk+"="+disk, "HOME="+disk)
	inside := func(name string) string { return filepath.Join("/proc", fmt.Sprint(p.PID()), "root", disk, name) }
	view := drawOn(p)
	p.Drag(uitest.Left, "", view.At(0.35, 0.5), view.At(0.6, 0.5))
	p.SeeText("Last step: Brush PZ, slice 12")

	fill(t, inside("filler"))
	p.Key("2")
	for n := range 9 { // the disk's last block still holds a little
		var points []image.Point
		for turn := range 10 {
			points = append(points, view.At(0.25+0.5*float64(turn%2), 0.2+0.06*float64(turn)+0.007*float64(n)))
		}
		p.Drag(uitest.Left, "", points...)
		p.Key("Up")
	}
	p.Until("the trouble with autosaving", func(tree *uitest.Tree) bool {
		return strings.Contains(tree.Texts(), "Autosaving does not work") && strings.Contains(tree.Texts(), "no space")
	})
	p.Key("ctrl+s")
	p.SeeText("Save the contours")
	p.Press("Save")
	p.Until("the failure to save", func(tree *uitest.Tree) bool { return strings.Contains(tree.Texts(), "The contours were not saved") })
	p.Press("Close")

	if err := os.Remove(inside("filler")); err != nil {
		t.Fatal(err)
	}
	p.Drag(uitest.Left, "", view.At(0.4, 0.6), view.At(0.55, 0.6))
	p.Until("autosaving again", func(tree *uitest.Tree) bool { return !strings.Contains(tree.Texts(), "Autosaving does not work") })
	p.Key("ctrl+s")
	p.SeeText("Save the contours")
	p.Press("Save")
	p.Until("the saved contours", func(tree *uitest.Tree) bool { return strings.Contains(tree.Texts(), "Saved and read back") })
	saved, err := filepath.Glob(inside("study-*.nii.gz"))
	if err != nil || len(saved) == 0 {
		t.Errorf("saved are %q, %v", saved, err)
	}
	p.Key("ctrl+q")
	p.End()
}

// fill writes a file until no more fits on its disk.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for block := make([]byte, 512); err == nil; {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk does not get full: %v", err)
	}
}
