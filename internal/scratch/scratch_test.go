package scratch

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// childFolder is the environment variable that makes the test binary make a folder with a file, say where, and wait.
const childFolder = "BAYESLICE_TEST_SCRATCH"

func TestMain(m *testing.M) {
	if os.Getenv(childFolder) != "" {
		f, err := New()
		if err == nil {
			err = os.WriteFile(filepath.Join(f.Path(), "part.nii"), []byte("voxels"), 0o600)
		}
		if err != nil {
			os.Exit(1)
		}
		_, _ = os.Stdout.WriteString(f.root + "\n")
		_, _ = os.Stdin.Read(make([]byte, 1))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func temporary(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"TMPDIR", "TMP", "TEMP"} {
		t.Setenv(name, dir)
	}
	return dir
}

func TestAFolderIsPrivateAndGoes(t *testing.T) {
	dir := temporary(t)
	f, err := New()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{f.root, f.Path()} {
		if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
			t.Errorf("%v, %v", info, err)
		}
	}
	if err := os.WriteFile(filepath.Join(f.Path(), "a"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if n := Sweep(); n != 0 {
		t.Errorf("a folder in use was swept away")
	}
	if _, err := os.Stat(filepath.Join(f.Path(), "a")); err != nil {
		t.Error(err)
	}
	if err := f.Remove(); err != nil {
		t.Error(err)
	}
	if err := f.Remove(); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%v stays", left)
	}
}

// A killed program leaves its folder to the next; what is not of this package stays.
func TestSweepAfterAKill(t *testing.T) {
	dir := temporary(t)
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childFolder+"=1")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 4096)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	root := strings.TrimSpace(string(line[:n]))
	if filepath.Dir(root) != dir || Sweep() != 0 {
		t.Errorf("the folder of a running program, %s, was swept away", root)
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	others := []string{filepath.Join(dir, "bayeslice-demo-1"), filepath.Join(dir, prefix+"readable"), filepath.Join(dir, prefix+"coming")}
	for i, path := range others {
		if err := os.Mkdir(path, []os.FileMode{0o700, 0o755, 0o700}[i]); err != nil {
			t.Fatal(err)
		}
		if i < 2 && runtime.GOOS != "windows" {
			if err := os.WriteFile(filepath.Join(path, lockName), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := Sweep(); n != 1 {
		t.Errorf("%d folders were removed, want that of the killed program", n)
	}
	if _, err := os.Stat(root); !os.IsNotExist(err) {
		t.Errorf("%s: %v", root, err)
	}
	for _, path := range others {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}
