package app

import (
	"bytes"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bayeslice/internal/nets"
	"bayeslice/internal/testenv"
	"bayeslice/training/cohort"
	"bayeslice/training/trainer"
)

// childTraining makes the test binary be the program with an empty window.
const childTraining = "BAYESLICE_TEST_TRAINING"

// trainScreenshotTo names the file that the smoke test writes the training page's picture to, for the documentation.
const trainScreenshotTo = "BAYESLICE_SCREENSHOT_TRAINING"

// Where things are on the training page at 1280 × 800.
var (
	trainAnatomies = []string{"mousemove", "160", "164"}
	trainNetwork   = []string{"mousemove", "250", "288"}
	trainSteps     = []string{"mousemove", "160", "356"}
	trainStart     = []string{"mousemove", "200", "755"}
	trainPause     = []string{"mousemove", "1155", "66"}
	trainCancel    = []string{"mousemove", "1235", "66"}
	trainOpen      = []string{"mousemove", "1215", "66"}
	trainRunsTab   = []string{"mousemove", "94", "54"}
	trainFirstRun  = []string{"mousemove", "362", "134"}
)

// blueAt reports whether a button of high importance is at a place, and allowed.
func blueAt(x, y int) func(image.Image) bool {
	return func(img image.Image) bool {
		r, g, b, _ := img.At(x, y).RGBA()
		return r>>8 < 100 && g>>8 > 120 && b>>8 > 190
	}
}

// curveIn counts pixels of the loss curve's colour in the first chart.
func curveIn(img image.Image) int {
	n := 0
	for y := 170; y < 428; y++ {
		for x := 466; x < 826; x++ {
			if r, g, b, _ := img.At(x, y).RGBA(); b>>8 > 170 && g>>8 > 130 && r>>8 < 130 {
				n++
			}
		}
	}
	return n
}

// A network is trained in the window on phantoms: started, paused, cancelled, resumed from the list of runs,
// and its model opened, by mouse and keyboard on a real display server.
func TestTrainingUnderXvfb(t *testing.T) {
	if testing.Short() {
		t.Skip("training in the window takes a minute")
	}
	s := newScreen(t, "1280x800")
	e := &engine{}
	if err := e.openRuntime(); err != nil {
		testenv.SkipOrFail(t, "ort", err.Error())
	}
	home := t.TempDir()
	var log bytes.Buffer
	child := exec.Command(os.Args[0])
	child.Env = append(s.environ(), childTraining+"=1", childConfig+"="+t.TempDir(), "XDG_CONFIG_HOME="+t.TempDir(), "HOME="+home,
		"XDG_CACHE_HOME="+filepath.Join(home, "cache"), "BAYESLICE_ONNXRUNTIME="+e.env.Library().Path)
	child.Stdout, child.Stderr = &log, &log
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	t.Cleanup(func() { _ = child.Process.Kill() })
	click := func(at []string) { s.do(append(slices.Clone(at), "click", "1")...) }
	text := func(at []string, text string) {
		click(at)
		s.do("key", "ctrl+a", "type", text)
	}

	s.until("the start page", time.Minute, blueAt(330, 400))
	s.do("mousemove", "470", "400", "key", "ctrl+t")
	page := s.until("the plan", 2*time.Minute, blueAt(20, 755))
	text(trainAnatomies, "2")
	click(trainNetwork)
	s.until("the list of networks", 20*time.Second, func(img image.Image) bool {
		return differing(page, img, image.Rect(115, 305, 390, 420)) > 0.2
	})
	for range slices.Index(nets.PresetNames(), "tiny") + 1 {
		s.do("key", "Down")
	}
	s.do("key", "Return")
	text(trainSteps, "60")
	s.do("mousemove", "250", "540")
	s.until("the new plan", time.Minute, blueAt(20, 755))
	click(trainStart)

	dir := filepath.Join(home, "Bayeslice", "runs", "zones-ce-tiny-1")
	logged(t, dir, trainer.Stepped, 1)
	click(trainPause)
	logged(t, dir, trainer.PausedKind, 1)
	chosenAsTyped(t, dir)
	click(trainPause) // is Resume now
	logged(t, dir, trainer.Continued, 1)
	click(trainCancel)
	logged(t, dir, trainer.Stopped, 1)
	click(trainRunsTab)
	for end := time.Now().Add(2 * time.Minute); count(t, dir, trainer.Started) < 2; time.Sleep(3 * time.Second) {
		click(trainFirstRun) // Resume, which is allowed once the run has stopped
		if time.Now().After(end) {
			save(t, filepath.Join(os.TempDir(), "bayeslice-smoke-failed.png"), s.picture())
			t.Fatal("the run does not go on")
		}
	}
	logged(t, dir, trainer.Finished, 1)
	s.until("the button for the model", 20*time.Second, blueAt(1168, 66))
	img := s.until("the whole curve", 20*time.Second, func(img image.Image) bool { return curveIn(img) > 300 })
	if path := os.Getenv(trainScreenshotTo); path != "" {
		save(t, path, img)
	}
	click(trainOpen)
	s.until("the images again", 20*time.Second, blueAt(330, 400))
	s.do("mousemove", "298", "605", "key", "ctrl+q")
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("the program ended with %v\n%s", err, log.String())
		}
	case <-time.After(30 * time.Second):
		t.Error("the window does not close")
	}
	for _, bad := range []string{"Error in Fyne call thread", "panic", "Fyne error: "} {
		if strings.Contains(log.String(), bad) {
			t.Errorf("the program wrote %q:\n%s", bad, log.String())
		}
	}
}

// logged waits until a run has logged n events of a kind.
func logged(t *testing.T, dir string, kind trainer.Kind, n int) {
	t.Helper()
	for end := time.Now().Add(4 * time.Minute); count(t, dir, kind) < n; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d of %d events %q", count(t, dir, kind), n, kind)
		}
	}
}

// count returns how many events of a kind a run has logged.
func count(t *testing.T, dir string, kind trainer.Kind) int {
	t.Helper()
	events, err := trainer.ReadLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range events {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// chosenAsTyped checks the settings of the run against what was typed.
func chosenAsTyped(t *testing.T, dir string) {
	t.Helper()
	run, err := trainer.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	choice, err := cohort.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	c := run.Config()
	got := fmt.Sprintf("%s %s %s, %d steps, rate %g, seed %d, %s, %d anatomies, synthetic %v", c.Net.Task, c.Loss.Kind, c.Preset, c.Steps, c.Rate, c.Seed, c.Device, choice.Anatomies, c.Data.Synthetic)
	if want := "anatomy CE tiny, 60 steps, rate 0.0001, seed 1, cpu, 2 anatomies, synthetic true"; got != want {
		t.Errorf("the run is %s, want %s", got, want)
	}
}
