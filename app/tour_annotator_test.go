package app

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bayeslice/internal/testenv"
	"bayeslice/internal/uitest"
)

// An annotator starts from a model's zones, corrects them with every tool, fills and smooths, takes steps back, looks at
// uncertain spots, and saves.
func TestTourOfTheAnnotator(t *testing.T) {
	needRuntime(t)
	newTour(t, 1280, 800, 1, Options{Exam: tourPhantom(t), Samples: tourSamples(), AutoRun: true}).annotate()
}

// The same on a patient's exam, whose pictures stay on this machine.
func TestTourOfTheAnnotatorOnAPatient(t *testing.T) {
	needRuntime(t)
	path := testenv.Data(t, "picai_prep", "ProstateX-0000")
	v := newTour(t, 1280, 800, 1, Options{Exam: path, Samples: tourSamples(), AutoRun: true})
	v.patient = true
	v.annotate()
}

// annotate does what an annotator does.
func (v *tour) annotate() {
	v.t.Helper()
	v.opened()
	v.ran()
	v.press("F6")
	v.tab("Contour")
	v.reveal("Model's zones")
	v.Press("Model's zones")
	v.scrollBack()
	v.step("the model's zones")
	v.shot("annotator-start")
	v.draw()
	v.undone()
	v.filled()
	v.smoothed()
	v.reviewed()
	v.saved()
	v.Move(viewports(v.Tree())[0].Box.Center())
	v.Key("ctrl+q")
	v.End()
}

// press presses a key over the large image.
func (v *tour) press(keys ...string) {
	v.t.Helper()
	v.Move(viewports(v.Tree())[0].Box.At(0.5, 0.12))
	v.Key(keys...)
}

// state is the name of the last step of drawing with the volumes after it.
func (v *tour) state() string {
	v.t.Helper()
	tree := v.Tree()
	out := ""
	for _, n := range tree.Match("Label", "^Last step: ") {
		out, _, _ = strings.Cut(strings.TrimPrefix(n.Text, "Last step: "), "\n")
	}
	for _, n := range tree.Match("Label", `^\d+\.\d mL$`) {
		out += " " + n.Text
	}
	return out
}

// step waits for another state of what is drawn, and returns it.
func (v *tour) step(what string) string {
	v.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if now := v.state(); now != v.drawn {
			v.drawn = now
			return now
		}
	}
	v.t.Fatalf("%s is not the last step, which is still %q; %s", what, v.drawn, v.Keep("failed", v.Picture()))
	return ""
}

// draw uses the brush, the eraser, the polygon and the lasso.
func (v *tour) draw() {
	v.t.Helper()
	view := viewports(v.Tree())[0].Box
	v.press("b", "3")
	v.Drag(uitest.Left, "", view.At(0.40, 0.58), view.At(0.45, 0.62), view.At(0.52, 0.63))
	v.step("a stroke of the brush")
	v.Drag(uitest.Right, "", view.At(0.42, 0.60), view.At(0.46, 0.61))
	v.step("the brush, erasing")
	v.press("p", "2")
	for _, at := range [][2]float64{{0.45, 0.52}, {0.55, 0.52}, {0.55, 0.6}, {0.45, 0.6}} {
		v.Click(view.At(at[0], at[1]), uitest.Left)
	}
	v.Key("Return")
	v.step("a polygon")
	v.press("shift+p", "4")
	v.Drag(uitest.Left, "", view.At(0.44, 0.58), view.At(0.50, 0.57), view.At(0.50, 0.61), view.At(0.44, 0.61), view.At(0.44, 0.58))
	v.step("a lasso")
	v.press("b", "3")
	v.Move(view.At(0.56, 0.6))
	v.shot("annotator-drawn")
}

// undone takes the last two steps back and the first of them again.
func (v *tour) undone() {
	v.t.Helper()
	after := v.drawn
	v.press("ctrl+z")
	v.step("the step before")
	v.press("ctrl+z")
	v.step("the step before that")
	v.press("ctrl+y")
	v.step("the step again")
	v.press("ctrl+y")
	if got := v.step("the last step again"); got != after {
		v.t.Errorf("the last step is %q, was %q", got, after)
	}
}

// filled clears a slice between drawn ones, fills it with a preview and accepts that.
func (v *tour) filled() {
	v.t.Helper()
	v.Press("Clear slice")
	v.step("a cleared slice")
	v.press("g")
	v.Within(time.Minute, "a preview", func(tree *uitest.Tree) bool { return len(tree.Match("", "^Preview, dashed")) > 0 })
	v.shot("annotator-preview")
	v.press("Return")
	v.step("the filled slice")
}

// smoothed smooths the zones together.
func (v *tour) smoothed() {
	v.t.Helper()
	v.press("shift+g")
	v.step("smoothed zones")
}

// reviewed goes to uncertain spots, and compares what is drawn with the phantom's labels.
func (v *tour) reviewed() {
	v.t.Helper()
	v.tab("Review")
	v.Within(2*time.Minute, "uncertain spots", func(tree *uitest.Tree) bool { return len(tree.Match("Text", `^1  `)) > 0 })
	before := v.sliceTexts()
	v.press("n")
	v.press("n")
	v.Until("the slice of a spot", func(*uitest.Tree) bool { return len(before) > 0 && v.sliceTexts()[0] != before[0] })
	v.shot("annotator-spots")
	if v.patient {
		return // no mask lies beside the images
	}
	field := v.Field("With", "Select").Box
	for _, n := range v.Tree().Where(func(n uitest.Node) bool {
		return n.Kind == "Button" && n.Box.X0 > field.X0 && n.Box.Y0 < float64(field.Center().Y) && n.Box.Y1 > float64(field.Center().Y)
	})[:1] {
		v.Click(n.Box.Center(), uitest.Left)
	}
	items := v.Until("the masks beside the images", func(tree *uitest.Tree) bool { return len(tree.Match("Text", "^zones")) > 0 }).Match("Text", "^zones")
	v.Click(items[0].Seen.Center(), uitest.Left)
	v.Within(2*time.Minute, "the figures", func(tree *uitest.Tree) bool { return len(tree.Match("Text", `^0\.\d\d`)) > 2 })
	v.reveal("Colour the contour by its distance")
	v.Press("Colour the contour by its distance")
	v.shot("annotator-review")
	v.Wheel(v.panel(), -40) // what two readers disagree about, and the model's band
	v.Until("the line of two readers", func(tree *uitest.Tree) bool { return len(tree.Match("", `10–90 % band covers`)) > 0 })
	v.shot("annotator-readers")
	v.scrollBack()
}

// saved writes the contours into the home folder.
func (v *tour) saved() {
	v.t.Helper()
	v.tab("Contour")
	v.press("ctrl+s")
	v.SeeText("Save the contours")
	v.PressLast("Save")
	v.Within(time.Minute, "the note of the saved files", func(tree *uitest.Tree) bool { return len(tree.Match("Label", "^Saved and read back")) > 0 })
	files, err := filepath.Glob(filepath.Join(v.home, "*.nii.gz"))
	if err != nil || len(files) != 2 { // zones, and the lasso's csPCa
		v.t.Errorf("saved %q, %v", files, err)
	}
	for _, f := range files {
		if i, err := os.Stat(f); err != nil || i.Size() < 200 {
			v.t.Errorf("%s: %v", filepath.Base(f), err)
		}
	}
}

// An annotator works through a folder of exams by keyboard: ranks them, opens the first, accepts it, goes on to the next.
func TestTourOfTheWorkList(t *testing.T) {
	needRuntime(t)
	folder := t.TempDir()
	for n := range 2 {
		c := smallPhantom()
		c.Seed = uint64(n + 1)
		made := writePhantom(t, c)
		if err := os.Rename(made, filepath.Join(folder, fmt.Sprintf("exam-%d", n+1))); err != nil {
			t.Fatal(err)
		}
	}
	v := newTour(t, 1280, 800, 1, Options{Exams: folder, Samples: tourSamples()})
	v.Press("Sample")
	v.Within(3*time.Minute, "the ranking", func(tree *uitest.Tree) bool {
		return len(tree.Match("Text", `^[\d.]+ mL$`)) == 2 && len(tree.Find("Button", "Sample")) > 0
	})
	v.shot("list-ranked")
	v.Key("ctrl+shift+n")
	v.opened()
	v.ran()
	v.shot("list-opened")
	first := v.Tree().Match("Text", "^PHANTOM SYNTHETIC")[0].Text
	v.press("ctrl+Return")
	v.Within(2*time.Minute, "the first as done", func(tree *uitest.Tree) bool { return len(tree.Match("", `^1 of 2 completed`)) > 0 })
	v.Until("the other exam", func(tree *uitest.Tree) bool {
		now := tree.Match("Text", "^PHANTOM SYNTHETIC")
		return len(now) == 1 && now[0].Text != first
	})
	v.ran()
	v.shot("list-next")
	v.press("ctrl+shift+f")
	v.Key("ctrl+q")
	v.End()
}
