package app

import (
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"os"
	"testing"
	"time"

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
	var o Options
	if err := json.Unmarshal([]byte(options), &o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := uitest.Serve(windowTree); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
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
	e := &engine{}
	if err := e.openRuntime(); err != nil {
		return ""
	}
	return e.env.Library().Path
}

// needRuntime skips the test where no network can run.
func needRuntime(t testing.TB) {
	t.Helper()
	if err := (&engine{}).openRuntime(); err != nil {
		testenv.SkipOrFail(t, "ort", err.Error())
	}
}

// differing returns the share of pixels of a rectangle that differ visibly between two pictures.
func differing(a, b image.Image, r image.Rectangle) float64 {
	n := 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			if luma(a.At(x, y))-luma(b.At(x, y)) > 8 || luma(b.At(x, y))-luma(a.At(x, y)) > 8 {
				n++
			}
		}
	}
	return float64(n) / float64(r.Dx()*r.Dy())
}

func luma(c color.Color) int { return int(color.GrayModel.Convert(c).(color.Gray).Y) }

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

// screenshotTo names the file that the smoke test writes the window's picture to, for the documentation.
const screenshotTo = "BAYESLICE_SCREENSHOT"

// viewports returns the images on screen, in their order.
func viewports(tree *uitest.Tree) []uitest.Node {
	return tree.Where(func(n uitest.Node) bool { return n.Type == "viewport" })
}

// The window opens a synthetic exam, scrolls, windows, samples both networks, shows a voxel's samples,
// and closes by keyboard, on a real display server.
func TestWindowUnderXvfb(t *testing.T) {
	if testing.Short() {
		t.Skip("the window takes half a minute")
	}
	s := uitest.Start(t, 1280, 800)
	samples, config := 3, smallPhantom()
	if os.Getenv(screenshotTo) != "" {
		samples, config = 24, phantom.DefaultConfig(1)
	}
	p := launch(t, s, Options{Exam: writePhantom(t, config), Samples: samples})
	p.SeeText("SYNTHETIC")
	view := viewports(p.Tree())[0].Box
	inside := image.Rectangle{Min: view.At(0.1, 0.15), Max: view.At(0.9, 0.85)} // without its texts
	changes := func(from image.Image, share float64) func(image.Image) bool {
		return func(img image.Image) bool { return differing(from, img, inside) > share }
	}
	first := p.Screen.Until("the opened exam", time.Minute, changes(image.NewGray(image.Rect(0, 0, 1280, 800)), 0.3))
	p.Wheel(view.Center(), 1)
	scrolled := p.Screen.Until("another slice", 20*time.Second, changes(first, 0.05))
	p.Drag(uitest.Left, "", view.At(0.33, 0.35), view.At(0.38, 0.45), view.At(0.45, 0.55))
	p.Screen.Until("another window", 20*time.Second, changes(scrolled, 0.2))
	p.Key("r")

	needRuntime(t)
	p.Control("Run")
	p.Key("ctrl+r")
	p.Within(2*time.Minute, "the end of the run", func(tree *uitest.Tree) bool {
		return len(tree.Match("Text", `^Zones: .*done`)) > 0 && len(tree.Match("Text", `Lesions: .*done`)) > 0
	})
	p.SeeText("TRAINED ON PHANTOMS")
	p.Key("s", "u", "u")
	p.Click(view.At(0.5, 0.53), uitest.Left)
	p.Press("Histograms")
	p.SeeText("Samples at the clicked voxel")
	p.Move(image.Pt(470, 790))
	shot := p.Quiet(20 * time.Second)
	if path := os.Getenv(screenshotTo); path != "" {
		uitest.Save(t, path, shot)
	}
	p.Move(view.Center())
	p.Key("ctrl+q")
	p.End()
}
