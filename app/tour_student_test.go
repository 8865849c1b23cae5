package app

import (
	"image"
	"testing"
	"time"

	"bayeslice/internal/uitest"
)

// A student compares what four losses have learnt, on one slice: contours and histograms beside each other, a
// reliability diagram, its sliders, single samples, the distribution at a voxel, the guided tour and the quiz.
func TestTourOfTheStudent(t *testing.T) {
	needRuntime(t)
	v := newTour(t, 1280, 800, 1, Options{Samples: tourSamples()})
	v.Press("Open a synthetic demo exam")
	v.Within(3*time.Minute, "the demo exam", func(tree *uitest.Tree) bool { return len(tree.Find("", "SYNTHETIC")) > 0 })
	v.Press("Compare")
	v.tab("Calibration")
	v.Press("Use the phantom’s labels")
	v.PressLast("Compare")
	v.Within(4*time.Minute, "the end of the comparison", func(tree *uitest.Tree) bool { return len(tree.Match("", "^Every model has run")) > 0 })
	v.shot("student-compare")

	diagram := v.one("reliabilityChart")
	v.Click(diagram.Box.At(0.55, 0.45), uitest.Left)
	v.Until("the voxels of a column", func(tree *uitest.Tree) bool {
		return len(tree.Find("", "Click a column to see its voxels: blue where it came true, orange where it did not.")) == 0
	})
	v.shot("student-column")
	v.Click(diagram.Box.At(0.55, 0.45), uitest.Left)
	v.reveal("Threshold")
	v.Slide("Threshold", 0.25)
	v.shot("student-threshold")
	v.reveal("Fit temperature")
	v.Press("Fit temperature")
	v.Until("calibrated histograms", func(tree *uitest.Tree) bool { return len(tree.Match("", `calibrated, T \d`)) > 0 })
	v.shot("student-calibrated")
	v.PressLast("Reset")
	v.Until("histograms as they were", func(tree *uitest.Tree) bool { return len(tree.Match("", `calibrated, T \d`)) == 0 })

	v.scrollBack()
	v.Press("Samples")
	v.Press("Draw one sample instead of the mean")
	v.Press("Next")
	v.shot("student-sample")
	v.Press("Play")
	v.Press("Pause")
	v.Press("Draw one sample instead of the mean")
	v.Press("Voxel")
	v.Click(viewports(v.Tree())[0].Box.At(0.46, 0.42), uitest.Left)
	v.shot("student-voxel")

	v.scrollBack()
	v.Press("Guided tour")
	for range 3 {
		v.Press("Next")
	}
	v.shot("student-tour")
	v.Press("End")
	v.quiz()
	v.Move(image.Pt(300, 300))
	v.Key("ctrl+q")
	v.End()
}

// quiz takes a round, always answering alike.
func (v *tour) quiz() {
	v.t.Helper()
	v.scrollBack()
	v.Press("Quiz")
	v.PressLast("Start a round of 12")
	v.Control("Answer")
	v.shot("student-question")
	for i := range 12 {
		v.Press([]string{"75 %", "25 %"}[i%2])
		v.Press("Answer")
	}
	v.Until("the end of the round", func(tree *uitest.Tree) bool { return len(tree.Find("Button", "Answer")) == 0 })
	v.shot("student-quiz")
}

// one returns the only visible object of a Go type.
func (v *tour) one(kind string) uitest.Node {
	v.t.Helper()
	var found uitest.Node
	v.Until("a "+kind, func(tree *uitest.Tree) bool {
		all := tree.Where(func(n uitest.Node) bool { return n.Type == kind })
		if len(all) == 1 {
			found = all[0]
		}
		return len(all) == 1
	})
	return found
}

// panel is the middle of the panel beside the images.
func (v *tour) panel() image.Point {
	return image.Pt(v.Size().X-160*v.scale, v.Size().Y*2/5)
}

// reveal scrolls the panel beside the images down to a text.
func (v *tour) reveal(text string) {
	v.t.Helper()
	v.Reveal(v.panel(), text)
}

// scrollBack scrolls the panel beside the images to its top.
func (v *tour) scrollBack() {
	v.t.Helper()
	v.Wheel(v.panel(), 40)
	v.Quiet(time.Minute)
}
