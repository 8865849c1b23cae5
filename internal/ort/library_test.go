package ort

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"bayeslice/internal/ort/fetch"
)

// A process loads one library only, so that loading is tested in processes of its own: the test
// program runs itself with this variable set, and prints what Open says.
const openInChild = "BAYESLICE_TEST_OPEN"

func TestMain(m *testing.M) {
	if os.Getenv(openInChild) != "" {
		e, err := Open(Options{Settings: os.Getenv("BAYESLICE_TEST_SETTINGS")})
		if err != nil {
			if !errors.Is(err, ErrLibrary) {
				os.Stdout.WriteString("not ErrLibrary: ")
			}
			os.Stdout.WriteString(err.Error())
		} else {
			os.Stdout.WriteString("loaded " + e.Library().From)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func openElsewhere(t *testing.T, env ...string) string {
	t.Helper()
	return openAs(t, os.Args[0], env...)
}

// openAs is openElsewhere with the test program under another path.
func openAs(t *testing.T, program string, env ...string) string {
	t.Helper()
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), append(env, openInChild+"=1")...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestOpenSaysWhatIsWrongWithALibrary(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the sentences below are those of Linux's loader")
	}
	dir := t.TempDir()
	text := filepath.Join(dir, "text.so")
	write(t, text, []byte("not a library"))
	other := filepath.Join(dir, "other.so")
	head := make([]byte, 64) // an ELF header of a machine that Go does not know
	copy(head, "\x7fELF\x02\x01\x01")
	head[16], head[18], head[20], head[52] = 3, 0xF7, 1, 64
	write(t, other, head)
	for place, want := range map[string]string{
		filepath.Join(dir, "missing.so"): "there is no such file",
		text:                             "it is not a Linux (ELF) shared library",
		other:                            "it is built for",
		dir:                              "there is no such file",
	} {
		got := openElsewhere(t, EnvLibrary+"="+place)
		if !strings.HasPrefix(got, ErrLibrary.Error()) || !strings.Contains(got, want) || !strings.Contains(got, "bayeslice setup") {
			t.Errorf("%s: %q, want %q and the remedy", place, got, want)
		}
	}
}

func TestOpenRefusesOtherSharedLibraries(t *testing.T) {
	found, err := filepath.Glob("/usr/lib/*-linux-gnu/libm.so.6")
	if err != nil || len(found) == 0 {
		t.Skip("no other shared library is known on this system")
	}
	if got := openElsewhere(t, EnvLibrary+"="+found[0]); !strings.Contains(got, "not ONNX Runtime") {
		t.Errorf("%q", got)
	}
}

func TestOpenWithoutAnyLibrary(t *testing.T) {
	if _, err := exec.LookPath("libonnxruntime.so.1"); err == nil || runtime.GOOS != "linux" {
		t.Skip("the system may have a library of its own")
	}
	cache := t.TempDir()
	got := openElsewhere(t, EnvLibrary+"=", "XDG_CACHE_HOME="+cache, "LD_LIBRARY_PATH=")
	if !strings.HasPrefix(got, ErrLibrary.Error()) || !strings.Contains(got, "bayeslice setup") {
		t.Errorf("%q", got)
	}
	dir := filepath.Join(cache, "bayeslice", "onnxruntime", fetch.Version)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, fetch.LibraryName()), []byte("cut short"))
	got = openElsewhere(t, EnvLibrary+"=", "XDG_CACHE_HOME="+cache, "LD_LIBRARY_PATH=")
	if !strings.Contains(got, "(user cache): it is not a Linux (ELF) shared library") {
		t.Errorf("a damaged library in the cache is not named: %q", got)
	}
}

func TestSearchOrder(t *testing.T) {
	e := openEnv(t)
	path := e.Library().Path
	if got := openElsewhere(t, EnvLibrary+"="+path, "BAYESLICE_TEST_SETTINGS=/nowhere"); got != "loaded environment variable "+EnvLibrary {
		t.Errorf("environment before settings: %q", got)
	}
	if got := openElsewhere(t, EnvLibrary+"=", "BAYESLICE_TEST_SETTINGS="+filepath.Dir(path)); got != "loaded settings" {
		t.Errorf("settings (a folder) before the cache: %q", got)
	}
	t.Setenv(EnvLibrary, "/from-environment")
	var from []string
	for _, l := range Search(Options{Library: "/from-option", Settings: "/from-settings"}) {
		from = append(from, l.From)
	}
	want := "option,environment variable " + EnvLibrary + ",settings,beside the program,user cache,system"
	if got := strings.Join(from, ","); got != want {
		t.Errorf("order = %s, want %s", got, want)
	}
}

func TestAPackageBringsItsLibrary(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("symbolic links need rights there")
	}
	library := openEnv(t).Library().Path
	root := t.TempDir()
	for _, dir := range []string{"folder", "usr/bin", "usr/lib/bayeslice", "elsewhere"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	program, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, place := range []string{"folder/program", "usr/bin/program"} {
		write(t, filepath.Join(root, place), program)
		if err := os.Chmod(filepath.Join(root, place), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	link := func(from, to string) {
		if err := os.Symlink(from, filepath.Join(root, to)); err != nil {
			t.Fatal(err)
		}
	}
	link(library, filepath.Join("folder", filepath.Base(library)))
	link(library, filepath.Join("usr/lib/bayeslice", filepath.Base(library)))
	link(filepath.Join(root, "folder/program"), "elsewhere/program")
	for place, want := range map[string]string{
		"folder/program": "loaded beside the program", "elsewhere/program": "loaded beside the program", "usr/bin/program": "loaded of this installation",
	} { // the user's cache has one too, which comes later
		if got := openAs(t, filepath.Join(root, place), EnvLibrary+"="); got != want {
			t.Errorf("%s: %q, want %q", place, got, want)
		}
	}
}

func TestOneLibraryPerProcess(t *testing.T) {
	e := openEnv(t)
	if _, err := Open(Options{Library: e.Library().Path}); err != nil {
		t.Errorf("the loaded library again: %v", err)
	}
	copied := filepath.Join(t.TempDir(), filepath.Base(e.Library().Path))
	b, err := os.ReadFile(e.Library().Path)
	if err != nil {
		t.Skip("the library was found by the system's loader")
	}
	write(t, copied, b)
	if _, err := Open(Options{Library: copied}); !errors.Is(err, ErrLibrary) || !strings.Contains(err.Error(), "restart") {
		t.Errorf("another library: error = %v", err)
	}
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
