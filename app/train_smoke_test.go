package app

import (
	"fmt"
	"image"
	"os"
	"path/filepath"
	"testing"
	"time"

	"bayeslice/internal/uitest"
	"bayeslice/training/cohort"
	"bayeslice/training/trainer"
)

// trainScreenshotTo names the file that the smoke test writes the training page's picture to, for the documentation.
const trainScreenshotTo = "BAYESLICE_SCREENSHOT_TRAINING"

// curveIn counts pixels of the loss curve's colour in a box.
func curveIn(img image.Image, box uitest.Box) int {
	n := 0
	for y := int(box.Y0); y < int(box.Y1); y++ {
		for x := int(box.X0); x < int(box.X1); x++ {
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
	s := uitest.Start(t, 1280, 800)
	needRuntime(t)
	home := t.TempDir()
	p := launch(t, s, Options{}, "HOME="+home)
	p.Control("Open a synthetic demo exam")
	p.Move(image.Pt(470, 700))
	p.Key("ctrl+t")
	p.Fill("Anatomies", "2")
	p.Choose("Network", "Tiny")
	p.Fill("Steps", "60")
	p.Key("Tab")
	p.Press("Start")

	dir := filepath.Join(home, "Bayeslice", "runs", "zones-ce-tiny-1")
	logged(t, dir, trainer.Stepped, 1)
	p.Press("Pause")
	logged(t, dir, trainer.PausedKind, 1)
	chosenAsTyped(t, dir)
	p.Press("Resume")
	logged(t, dir, trainer.Continued, 1)
	p.Press("Cancel")
	logged(t, dir, trainer.Stopped, 1)
	p.Press("Runs")
	p.Until("the run in the list, stopped", func(tree *uitest.Tree) bool {
		all := tree.Find("Button", "Resume")
		return len(all) == 1 && !all[0].Disabled
	})
	p.Press("Resume")
	logged(t, dir, trainer.Started, 2)
	logged(t, dir, trainer.Finished, 1)
	chart := p.Tree().Where(func(n uitest.Node) bool { return n.Type == "curveChart" })[0].Box
	img := p.Screen.Until("the whole curve", 20*time.Second, func(img image.Image) bool { return curveIn(img, chart) > 300 })
	if path := os.Getenv(trainScreenshotTo); path != "" {
		uitest.Save(t, path, img)
	}
	named := p.Until("the buttons for the model, in the list of runs and of the run that is shown", func(tree *uitest.Tree) bool {
		return len(tree.Find("Button", "Open model")) == 2
	}).Find("Button", "Open model")
	p.Click(named[1].Box.Center(), uitest.Left)
	p.Control("Open a synthetic demo exam")
	p.Move(image.Pt(298, 605))
	p.Key("ctrl+q")
	p.End()
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
