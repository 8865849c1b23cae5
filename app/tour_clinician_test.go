package app

import (
	"bytes"
	"image"
	"os"
	"path/filepath"
	"testing"
	"time"

	"bayeslice/internal/testenv"
	"bayeslice/internal/uitest"
)

// A clinician reads an exam: opens it, chooses layouts, presets and a grey window of a region, scrolls all series at
// once, measures, lets the models run, reads volumes, PSA density and candidates, jumps to one, and exports a report.
func TestTourOfTheClinician(t *testing.T) {
	needRuntime(t)
	newTour(t, 1280, 800, 1, Options{Exam: tourPhantom(t), Samples: tourSamples()}).read()
}

// The same on a patient's exam, whose pictures stay on this machine.
func TestTourOfTheClinicianOnAPatient(t *testing.T) {
	needRuntime(t)
	path := testenv.Data(t, "picai_prep", "ProstateX-0000")
	v := newTour(t, 1280, 800, 1, Options{Exam: path, Samples: tourSamples()})
	v.patient = true
	v.read()
}

// read does what a clinician does.
func (v *tour) read() {
	v.t.Helper()
	v.opened()
	v.shot("clinician-read")
	v.linked()
	v.maximised()
	v.presets()
	v.measured()
	v.results()
	v.jump()
	v.export()
	v.Move(image.Pt(300, 300))
	v.Key("ctrl+q")
	v.End()
}

// opened waits for the exam.
func (v *tour) opened() {
	v.t.Helper()
	tree := v.Within(3*time.Minute, "the exam", func(tree *uitest.Tree) bool { return len(tree.Match("Text", "^T2W")) > 0 })
	view := viewports(tree)[0].Box
	inside := image.Rectangle{Min: view.At(0.3, 0.3), Max: view.At(0.7, 0.7)}
	v.Screen.Until("the first picture", time.Minute, func(img image.Image) bool { return bright(img, inside) > 0.2 })
}

// bright is the share of pixels of a rectangle that are not nearly black.
func bright(img image.Image, r image.Rectangle) float64 {
	n := 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			if c, _, _, _ := img.At(x, y).RGBA(); c>>8 > 40 {
				n++
			}
		}
	}
	return float64(n) / float64(r.Dx()*r.Dy())
}

// sliceText is what a viewport says about its slice.
func (v *tour) sliceTexts() []string {
	v.t.Helper()
	var out []string
	for _, n := range v.Tree().Match("Text", `^\d+/\d+ · `) {
		out = append(out, n.Text)
	}
	return out
}

// linked scrolls: every series follows.
func (v *tour) linked() {
	v.t.Helper()
	before := v.sliceTexts()
	v.Wheel(viewports(v.Tree())[0].Box.Center(), 2)
	v.Until("another slice in all viewports", func(*uitest.Tree) bool {
		now := v.sliceTexts()
		for i := range now {
			if len(now) != len(before) || now[i] == before[i] {
				return false
			}
		}
		return len(now) > 1
	})
}

// maximised shows one viewport alone by a double click, and all again.
func (v *tour) maximised() {
	v.t.Helper()
	second := viewports(v.Tree())[1].Box.Center()
	v.DoubleClick(second)
	v.Until("one viewport alone", func(tree *uitest.Tree) bool { return len(viewports(tree)) == 1 })
	v.shot("clinician-maximised")
	v.DoubleClick(second)
	v.Until("all viewports", func(tree *uitest.Tree) bool { return len(viewports(tree)) == 4 })
}

// presets chooses a grey window by name, and one of a region of the image.
func (v *tour) presets() {
	v.t.Helper()
	views := viewports(v.Tree())
	v.Click(views[1].Box.Center(), uitest.Left)
	v.ChooseFrom("Standard 0–2000", "Lesion")
	v.Until("the preset in the viewport", func(tree *uitest.Tree) bool { return len(tree.Match("Text", "W1200 L900")) > 0 })
	v.Drag(uitest.Left, "ctrl", views[0].Box.At(0.4, 0.35), views[0].Box.At(0.6, 0.55))
	v.Until("a window of the region", func(tree *uitest.Tree) bool { return len(tree.Find("Select", "Gland")) == 0 })
}

// measured draws a distance, an ellipsoid and a region.
func (v *tour) measured() {
	v.t.Helper()
	v.tab("Reading")
	views := viewports(v.Tree())
	v.Press("Ruler")
	v.Drag(uitest.Left, "", views[0].Box.At(0.4, 0.5), views[0].Box.At(0.6, 0.5))
	v.Until("a distance", func(tree *uitest.Tree) bool { return len(tree.Match("Text", `^1  Distance`)) > 0 })
	v.Press("Region")
	v.Drag(uitest.Left, "", views[1].Box.At(0.46, 0.5), views[1].Box.At(0.52, 0.58))
	v.Until("the mean of a region", func(tree *uitest.Tree) bool { return len(tree.Match("Text", `^2  Region`)) > 0 })
	v.Press("ADC 9 px")
	v.Drag(uitest.Left, "", views[1].Box.At(0.42, 0.46), views[1].Box.At(0.58, 0.62))
	v.Until("the darkest nine pixels", func(tree *uitest.Tree) bool { return len(tree.Match("Text", `^3  Darkest`)) > 0 })
	v.Press("Browse")
	v.shot("clinician-measured")
}

// results runs the models and reads what they say.
func (v *tour) results() {
	v.t.Helper()
	v.Press("Run")
	v.ran()
	v.tab("Results")
	v.shot("clinician-results")
	v.reveal("PSA")
	v.Fill("PSA", "6.4")
	v.reveal("PSA density")
	v.shot("clinician-density")
}

// jump goes to a candidate by a click in the list; a patient's exam may have none.
func (v *tour) jump() {
	v.t.Helper()
	v.reveal("csPCa candidates")
	v.Wheel(v.panel(), -4)
	v.Quiet(time.Minute)
	rows := v.Tree().Match("Text", `^1  \d`)
	if len(rows) == 0 {
		if !v.patient {
			v.t.Error("no candidate in the phantom")
		}
		return
	}
	v.Click(viewports(v.Tree())[0].Box.At(0.9, 0.2), uitest.Left)
	before := v.Tree().Match("Text", "^(Cursor|Mouse)  ")[0].Text
	v.Click(rows[0].Seen.Center(), uitest.Left)
	v.Until("the cursor at the candidate", func(tree *uitest.Tree) bool {
		now := tree.Match("Text", "^Cursor  ")
		return len(now) == 1 && now[0].Text != before
	})
	v.shot("clinician-candidate")
}

// export writes a report into the home folder, and looks at the file.
func (v *tour) export() {
	v.t.Helper()
	v.Move(viewports(v.Tree())[0].Box.Center())
	v.Key("ctrl+e")
	v.Press("Choose …")
	chooseHome(v.Program)
	v.shot("clinician-export")
	v.PressLast("Export")
	v.Within(2*time.Minute, "the written files", func(tree *uitest.Tree) bool { return len(tree.Find("Button", "Show folder")) > 0 })
	v.shot("clinician-exported")
	v.Press("Close")
	reports, err := filepath.Glob(filepath.Join(v.home, "*.pdf"))
	if err != nil || len(reports) != 1 {
		v.t.Fatalf("reports %q, %v", reports, err)
	}
	if data, err := os.ReadFile(reports[0]); err != nil || !bytes.HasPrefix(data, []byte("%PDF-1.")) || len(data) < 10_000 {
		v.t.Errorf("the report has %d bytes, %v", len(data), err)
	}
}

// chooseHome chooses the home folder in the dialog of folders.
func chooseHome(p *uitest.Program) {
	p.Press("Home")
	p.Press("Choose this folder")
}
