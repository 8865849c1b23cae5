package app

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bayeslice/internal/phantom"
	"bayeslice/internal/testenv"
)

// childExam is the environment variable that makes the test binary be the program: a window on the
// exam it names, on the main thread, which the window system wants and tests do not have.
const (
	childExam   = "BAYESLICE_TEST_WINDOW"
	childConfig = "BAYESLICE_TEST_CONFIG"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childScroll); path != "" {
		os.Exit(scrollWindow(path))
	}
	if os.Getenv(childTraining) != "" {
		if err := Run(context.Background(), Options{Config: os.Getenv(childConfig)}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if path := os.Getenv(childExam); path != "" {
		samples := 3
		if os.Getenv(screenshotTo) != "" {
			samples = 24
		}
		if err := Run(context.Background(), Options{Exam: path, Samples: samples, Config: os.Getenv(childConfig)}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// screen is a virtual display with a mouse, a keyboard and a camera.
type screen struct {
	t       testing.TB
	display string
}

// newScreen starts Xvfb for the length of the test, or skips.
func newScreen(t testing.TB, size string) *screen {
	t.Helper()
	for _, tool := range []string{"Xvfb", "xdotool", "import"} {
		if _, err := exec.LookPath(tool); err != nil {
			testenv.SkipOrFail(t, "display", tool+" is not installed; the window is not tested (make setup-test)")
		}
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", size+"x24", "+extension", "GLX", "-nolisten", "tcp")
	cmd.ExtraFiles = []*os.File{write}
	if err := cmd.Start(); err != nil {
		testenv.SkipOrFail(t, "display", "Xvfb does not start: "+err.Error())
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	_ = write.Close()
	var number bytes.Buffer
	if _, err := io.CopyN(&number, read, 1); err == nil {
		rest := make([]byte, 16)
		n, _ := read.Read(rest)
		number.Write(rest[:n])
	}
	display := strings.TrimSpace(number.String())
	if display == "" {
		testenv.SkipOrFail(t, "display", "Xvfb offers no display")
	}
	return &screen{t: t, display: ":" + display}
}

func (s *screen) environ() []string {
	return append(os.Environ(), "DISPLAY="+s.display, "LANG=en_US.UTF-8", "MESA_SHADER_CACHE_DISABLE=true")
}

// do sends events: arguments of xdotool.
func (s *screen) do(args ...string) {
	s.t.Helper()
	cmd := exec.Command("xdotool", args...)
	cmd.Env = s.environ()
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("xdotool %v: %v\n%s", args, err, out)
	}
}

// picture takes a screenshot. A server that has just started on a busy machine may refuse the first.
func (s *screen) picture() image.Image {
	s.t.Helper()
	var out []byte
	for tries := 0; ; tries++ {
		cmd := exec.Command("import", "-window", "root", "png:-")
		cmd.Env = s.environ()
		var said bytes.Buffer
		cmd.Stderr = &said
		var err error
		if out, err = cmd.Output(); err == nil {
			break
		}
		if tries == 20 {
			s.t.Fatalf("screenshot: %v: %s", err, said.String())
		}
		time.Sleep(500 * time.Millisecond)
	}
	img, err := png.Decode(bytes.NewReader(out))
	if err != nil {
		s.t.Fatal(err)
	}
	return img
}

// until takes screenshots until one satisfies, and returns it.
func (s *screen) until(what string, limit time.Duration, holds func(image.Image) bool) image.Image {
	s.t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(200 * time.Millisecond) {
		img := s.picture()
		if holds(img) {
			return img
		}
		if time.Now().After(end) {
			path := filepath.Join(os.TempDir(), "bayeslice-smoke-failed.png")
			save(s.t, path, img)
			s.t.Fatalf("%s was not seen within %v; the last screenshot is %s", what, limit, path)
		}
	}
}

func save(t testing.TB, path string, img image.Image) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, img); err != nil {
		t.Fatal(err)
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

// amber counts pixels of the badges' ground in the tool bar.
func amber(img image.Image) int {
	n := 0
	for y := range 38 {
		for x := img.Bounds().Dx() / 2; x < img.Bounds().Dx(); x++ {
			r, g, b, _ := img.At(x, y).RGBA()
			if r>>8 > 220 && g>>8 > 150 && g>>8 < 190 && b>>8 < 100 {
				n++
			}
		}
	}
	return n
}

// t2w is the inside of the large viewport at 1280 × 800, without its texts.
var t2w = image.Rect(60, 110, 540, 700)

// writePhantom writes a synthetic exam as DICOM.
func writePhantom(t *testing.T) string {
	t.Helper()
	config := phantom.DefaultConfig(1)
	if os.Getenv(screenshotTo) == "" { // a small one is made in a second
		config.T2W.Columns, config.T2W.Rows, config.T2W.PixelMM = 220, 220, 0.75
		config.DWI.Columns, config.DWI.Rows, config.DWI.PixelMM = 64, 64, 4
	}
	made, err := phantom.Generate(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := made.WriteDICOM(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// screenshotTo names the file that the smoke test writes the window's picture to, for the documentation.
const screenshotTo = "BAYESLICE_SCREENSHOT"

// The window opens a synthetic exam, scrolls, windows, samples both networks, shows a voxel's samples,
// and closes by keyboard, on a real display server.
func TestWindowUnderXvfb(t *testing.T) {
	if testing.Short() {
		t.Skip("the window takes half a minute")
	}
	s := newScreen(t, "1280x800")
	var log bytes.Buffer
	child := exec.Command(os.Args[0])
	child.Env = append(s.environ(), childExam+"="+writePhantom(t), childConfig+"="+t.TempDir(), "XDG_CONFIG_HOME="+t.TempDir())
	child.Stdout, child.Stderr = &log, &log
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	t.Cleanup(func() { _ = child.Process.Kill() })

	middle := []string{"mousemove", "298", "405"}
	dark := image.NewGray(image.Rect(0, 0, 1280, 800))
	first := s.until("the opened exam", time.Minute, func(img image.Image) bool {
		return differing(img, dark, t2w) > 0.3 && amber(img) > 500
	})
	s.do(append(middle, "click", "4")...)
	scrolled := s.until("another slice", 20*time.Second, func(img image.Image) bool { return differing(first, img, t2w) > 0.05 })
	s.do("mousemove", "200", "300", "mousedown", "1", "mousemove", "230", "340", "mousemove", "260", "420", "mouseup", "1")
	s.until("another window", 20*time.Second, func(img image.Image) bool { return differing(scrolled, img, t2w) > 0.2 })
	s.do(append(middle, "key", "r")...)

	if problem := runtimeProblem(); problem != "" {
		testenv.SkipOrFail(t, "ort", problem)
	}
	badges := amber(first)
	s.do("key", "ctrl+r")
	s.until("the UNTRAINED badge", 2*time.Minute, func(img image.Image) bool { return amber(img) > badges*3/2 })
	s.until("the end of the run", 2*time.Minute, runEnded)
	s.do("key", "s", "key", "u", "key", "u", "mousemove", "300", "430", "click", "1", "mousemove", "1095", "53", "click", "1", "mousemove", "470", "785")
	time.Sleep(time.Second)
	if path := os.Getenv(screenshotTo); path != "" {
		save(t, path, s.picture())
	}
	s.do(append(middle, "key", "ctrl+q")...)
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("the program ended with %v\n%s", err, log.String())
		}
	case <-time.After(30 * time.Second):
		t.Error("the window does not close")
	}
	for _, bad := range []string{"Error in Fyne call thread", "panic", "Fyne error"} {
		if strings.Contains(log.String(), bad) {
			t.Errorf("the program wrote %q:\n%s", bad, log.String())
		}
	}
}

// runEnded reports whether the Run button is blue, that is: allowed.
func runEnded(img image.Image) bool {
	r, g, b, _ := img.At(960, 659).RGBA()
	return r>>8 < 100 && g>>8 > 120 && b>>8 > 190
}

// runtimeProblem says what keeps networks from running here, or "".
func runtimeProblem() string {
	if err := (&engine{}).openRuntime(); err != nil {
		return err.Error()
	}
	return ""
}
