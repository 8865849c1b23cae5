package app

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"bayeslice/internal/about"
	"bayeslice/internal/phantom"
	"bayeslice/internal/testenv"
	"bayeslice/internal/uitest"
)

// childWindow is the environment variable that makes the test binary be the program, with the [Options] that it
// holds as JSON, on the main thread, which the window system wants and tests do not have.
const childWindow = "BAYESLICE_TEST_WINDOW"

func TestMain(m *testing.M) {
	if path := os.Getenv(childScroll); path != "" {
		os.Exit(scrollWindow(path))
	}
	if options := os.Getenv(childWindow); options != "" {
		os.Exit(runWindow(options))
	}
	os.Exit(m.Run())
}

// runWindow is the child: the program, which says at a socket what its window shows. It returns the exit code.
func runWindow(options string) int {
	if err := cmp.Or(enterDisk(), enterTrace()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	var o Options
	if err := json.Unmarshal([]byte(options), &o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := uitest.Serve(windowTree); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := serveHeld(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if path := os.Getenv(childBeat); path != "" {
		if err := beat(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	o.Program = about.Program{Name: "Bayeslice", ID: "org.bayeslice.Bayeslice", Version: "0.0.0"}
	if err := Run(context.Background(), o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// launch starts the program with its own settings and home folder, and the library of this machine.
func launch(t testing.TB, s *uitest.Screen, o Options, env ...string) *uitest.Program {
	t.Helper()
	if o.Config == "" { // nothing is kept from before, and nobody reads what a first start asks
		o.Config, o.Unattended = t.TempDir(), true
	}
	options, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	env = append([]string{childWindow + "=" + string(options), "HOME=" + home, "XDG_CONFIG_HOME=" + home + "/config", "XDG_CACHE_HOME=" + home + "/cache"}, env...)
	if library := runtimeLibrary(); library != "" {
		env = append(env, "BAYESLICE_ONNXRUNTIME="+library)
	}
	return s.Launch(env...)
}

// runtimeLibrary is where ONNX Runtime is on this machine, or "".
func runtimeLibrary() string {
	_, library, err := (&engine{}).Runtime()
	if err != nil {
		return ""
	}
	return library
}

// needRuntime skips the test where no network can run.
func needRuntime(t testing.TB) {
	t.Helper()
	if _, _, err := (&engine{}).Runtime(); err != nil {
		testenv.SkipOrFail(t, "ort", err.Error())
	}
}

// smallPhantom makes a synthetic exam that is written and read in a second.
func smallPhantom() phantom.Config {
	c := phantom.DefaultConfig(1)
	c.T2W.Columns, c.T2W.Rows, c.T2W.PixelMM = 220, 220, 0.75
	c.DWI.Columns, c.DWI.Rows, c.DWI.PixelMM = 64, 64, 4
	return c
}

// writePhantom writes a synthetic exam as DICOM and returns its folder.
func writePhantom(t testing.TB, c phantom.Config) string {
	t.Helper()
	made, err := phantom.Generate(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := made.WriteDICOM(context.Background(), dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// viewports returns the images on screen, in their order.
func viewports(tree *uitest.Tree) []uitest.Node {
	return tree.Where(func(n uitest.Node) bool { return n.Type == "viewport" })
}
