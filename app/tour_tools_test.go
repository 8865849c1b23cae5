package app

import (
	"fmt"
	"image"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"bayeslice/internal/testenv"
	"bayeslice/internal/uitest"
)

// A clinician looks closer: a grey window of a region, values below the mouse, whether diffusion lies on T2W and an offset
// by hand, ADC in colour with opacity and flicker, a distance, a region and an ellipsoid that are changed where they are
// drawn, and all of it as a session that comes back as it was.
func TestTourOfTheReadingTools(t *testing.T) {
	exam := tourPhantom(t)
	for _, size := range []struct{ width, height, scale int }{{1280, 800, 1}, {1280, 800, 2}, {1920, 1080, 1}, {1920, 1080, 2}} {
		t.Run(sizeName(size.width, size.height, size.scale), func(t *testing.T) {
			newTour(t, size.width, size.height, size.scale, Options{Exam: exam, Samples: tourSamples()}).useTools()
		})
	}
}

// The same on a patient's exam, whose pictures stay on this machine.
func TestTourOfTheReadingToolsOnAPatient(t *testing.T) {
	path := testenv.Data(t, "picai_prep", "ProstateX-0000")
	v := newTour(t, 1280, 800, 1, Options{Exam: path, Samples: tourSamples()})
	v.patient = true
	v.useTools()
}

// useTools does what a clinician does with the tools of the reading panel, by their keys where the images are.
func (v *tour) useTools() {
	v.t.Helper()
	v.opened()
	v.windowed()
	v.probed()
	v.aligned()
	v.fused()
	v.drawnAndChanged()
	v.session()
	v.exports()
	v.press("ctrl+q")
	v.End()
}

// beside does something in a tab of the panel.
func (v *tour) beside(tab string, do func()) {
	v.t.Helper()
	v.withPanel(func() {
		v.Quiet(time.Minute)
		v.tab(tab)
		v.scrollBack()
		do()
	})
}

// image is where an image is on screen.
func (v *tour) image(n int) uitest.Box {
	v.t.Helper()
	return viewports(v.Tree())[n].Box
}

// windowed draws a box whose greys fill the window of the image.
func (v *tour) windowed() {
	v.t.Helper()
	before := v.sliceTexts()[0]
	v.press("shift+w")
	v.Drag(uitest.Left, "", v.image(0).At(0.42, 0.4), v.image(0).At(0.58, 0.55))
	v.Until("the window of the box", func(*uitest.Tree) bool {
		now := v.sliceTexts()[0]
		return strings.Contains(now, " · W") && now != before
	})
	v.press("v")
}

// values is what the foot of the window says of the point at the mouse.
func (v *tour) values(of string) string {
	v.t.Helper()
	for _, n := range v.Tree().Where(func(n uitest.Node) bool { return n.Kind == "Label" && strings.HasPrefix(n.Text, of+"  ") }) {
		return n.Text
	}
	return ""
}

// probed moves over an image: the foot of the window says the value of every series, with the unit of the ADC.
func (v *tour) probed() {
	v.t.Helper()
	whole := regexp.MustCompile(`^(Mouse|Cursor)  .*T2W \d+ .* b \d+ \d+ .*ADC \d+ ×10⁻⁶ mm²/s`)
	seen := map[string]bool{}
	for _, at := range []float64{0.42, 0.55} {
		v.Move(v.image(0).At(at, 0.52))
		v.Until("the values below the mouse", func(*uitest.Tree) bool {
			text := v.values("Mouse")
			return whole.MatchString(text) && !seen[text]
		})
		seen[v.values("Mouse")] = true
	}
	before := v.values("Cursor")
	v.Click(v.image(0).At(0.47, 0.52), uitest.Left)
	v.Move(image.Pt(v.Size().X/3, v.Size().Y-8*v.scale))
	v.Until("the values at the cursor", func(*uitest.Tree) bool {
		text := v.values("Cursor")
		return whole.MatchString(text) && text != before
	})
}

// aligned checks whether diffusion lies on T2W, and moves it by hand.
func (v *tour) aligned() {
	v.t.Helper()
	v.beside("Reading", func() {
		v.reveal("T2W against diffusion")
		v.Wheel(v.panel(), -3)
		v.Quiet(time.Minute)
		v.Press("Check")
		v.Within(3*time.Minute, "how far diffusion lies from T2W", func(tree *uitest.Tree) bool {
			return len(tree.Match("Label", `^Diffusion lies \d+\.\d mm [LR], .* from T2W`)) > 0
		})
		for n := 0; n < 20 && (len(v.Tree().Find("Button", "L")) == 0 || len(v.Tree().Match("Label", "^Offset: ")) == 0); n++ {
			v.Wheel(v.panel(), -1)
			v.Quiet(time.Minute)
		}
		v.Press("L")
		v.Press("L")
		v.Press("A")
		v.Until("the offset", func(tree *uitest.Tree) bool {
			return len(tree.Find("Label", "Offset: +1.0 / −0.5 / 0.0 mm (L, P, H)")) > 0
		})
		v.shot("tools-aligned")
	})
	v.Until("the offset over the images", func(tree *uitest.Tree) bool { return len(tree.Match("Text", "shifted by hand")) > 0 })
}

// coloured is the share of an image's pixels that are in colour.
func coloured(img image.Image, b uitest.Box) float64 {
	n, r := 0, b.Rect()
	for y := r.Min.Y; y < r.Max.Y; y += 2 {
		for x := r.Min.X; x < r.Max.X; x += 2 {
			red, _, blue, _ := img.At(x, y).RGBA()
			if d := int(red>>8) - int(blue>>8); d > 40 || d < -40 {
				n++
			}
		}
	}
	return float64(4*n) / float64(r.Dx()*r.Dy())
}

// fused lays ADC in colour over T2W, changes its opacity, hides and shows it, and makes it flicker.
func (v *tour) fused() {
	v.t.Helper()
	first, adc := v.image(0), v.Tree().Match("Text", "^ADC")[0].Text
	shown := func(img image.Image) bool { return coloured(img, first) > 0.1 }
	v.beside("Reading", func() {
		v.reveal("Over T2W")
		v.Choose("Over T2W", adc)
		v.reveal("Opacity")
		v.Slide("Opacity", 0.6)
	})
	v.Screen.Until("ADC in colour", time.Minute, shown)
	faint := coloured(v.Quiet(time.Minute), first)
	v.press("w", "w") // more opaque
	v.Screen.Until("more colour", time.Minute, func(img image.Image) bool { return coloured(img, first) > faint })
	v.shot("tools-fused")
	v.press("o")
	v.Screen.Until("T2W alone", time.Minute, func(img image.Image) bool { return !shown(img) })
	v.press("o")
	v.Screen.Until("ADC in colour again", time.Minute, shown)
	v.Do("keydown o")
	for n := range 3 {
		v.Screen.Until(fmt.Sprintf("flicker %d: T2W alone", n), 20*time.Second, func(img image.Image) bool { return !shown(img) })
		v.Screen.Until(fmt.Sprintf("flicker %d: ADC in colour", n), 20*time.Second, shown)
	}
	v.Do("keyup o")
	v.Quiet(time.Minute)
	v.Screen.Until("what was shown before", time.Minute, shown)
}

// labels are the texts beside measurements in the first image that match.
func (v *tour) labels(pattern string) []string {
	v.t.Helper()
	tree := v.Tree()
	var out []string
	for _, n := range tree.Match("Text", pattern) {
		if n.Box.Center().In(viewports(tree)[0].Box.Rect()) {
			out = append(out, n.Text)
		}
	}
	return out
}

// label waits for the only text beside a measurement in the first image that matches and is another one than before.
func (v *tour) label(what, pattern, before string) string {
	v.t.Helper()
	text := ""
	v.Quiet(time.Minute)
	v.Until(what, func(*uitest.Tree) bool {
		all := v.labels(pattern)
		if len(all) == 1 && all[0] != before {
			text = all[0]
		}
		return text != ""
	})
	return text
}

// drawnAndChanged draws a distance, a region and an ellipsoid, and changes them where they are drawn.
func (v *tour) drawnAndChanged() {
	v.t.Helper()
	const mm, mean, ml = `^\d+\.\d mm$`, `± \d+$`, ` mL$`
	at := v.image(0).At
	v.press("d")
	v.Drag(uitest.Left, "", at(0.40, 0.40), at(0.60, 0.40))
	was := v.label("a distance", mm, "")
	v.press("v")
	v.Drag(uitest.Left, "", at(0.60, 0.40), at(0.66, 0.34))
	longer := v.label("a longer distance", mm, was)
	v.Do(place("mousemove", at(0.40, 0.40)), "sleep 0.6", "mousedown 1", "sleep 0.1", place("mousemove", at(0.35, 0.38)), "sleep 0.1", place("mousemove", at(0.3, 0.3)))
	v.label("a line that is held", mm, longer)
	v.Key("Escape")
	v.Do("mouseup 1")
	if got := v.label("the line as it was", mm, ""); got != longer {
		v.t.Errorf("after Escape the line is %s, was %s", got, longer)
	}
	v.Drag(uitest.Left, "", at(0.53, 0.37), at(0.51, 0.30)) // the line itself: all of it moves
	v.Quiet(time.Minute)
	if got := v.label("the line elsewhere", mm, ""); got != longer {
		v.t.Errorf("moved whole the line is %s, was %s", got, longer)
	}
	v.press("h")
	v.Drag(uitest.Left, "", at(0.46, 0.50), at(0.52, 0.60))
	was = v.label("a region", mean, "")
	v.press("v")
	v.Drag(uitest.Left, "", at(0.52, 0.55), at(0.56, 0.55))
	v.label("a wider region", mean, was)
	v.press("shift+d")
	v.Drag(uitest.Left, "", at(0.34, 0.66), at(0.62, 0.66))
	v.Drag(uitest.Left, "", at(0.60, 0.36), at(0.60, 0.70))
	v.Wheel(at(0.5, 0.12), 2)
	v.Quiet(time.Minute)
	v.Click(at(0.55, 0.6), uitest.Left)
	v.Wheel(at(0.5, 0.12), -4)
	v.Quiet(time.Minute)
	v.Click(at(0.55, 0.6), uitest.Left)
	v.Wheel(at(0.5, 0.12), 2)
	v.label("a volume", ml, "")
	v.press("v", "Delete")
	v.Until("no volume", func(*uitest.Tree) bool { return len(v.labels(ml)) == 0 })
	v.press("ctrl+z")
	v.label("the volume again", ml, "")
	v.shot("tools-measured")
}

// place is an xdotool command with a pixel of the screen.
func place(command string, p image.Point) string { return fmt.Sprintf("%s %d %d", command, p.X, p.Y) }

// chooseFolder goes to a folder at home by keys alone.
func (v *tour) chooseFolder(name string) {
	v.t.Helper()
	for _, folder := range []string{"Documents", "Exams", name} {
		if err := os.MkdirAll(filepath.Join(v.home, folder), 0o700); err != nil {
			v.t.Fatal(err)
		}
	}
	v.Press("Folder …")
	v.SeeText("Choose a folder")
	v.Quiet(time.Minute)
	v.Key("ctrl+l")
	v.Type(v.home)
	v.Key("Return")
	v.SeeText(name)
	v.Type(strings.ToLower(name[:2]))
	v.Quiet(time.Minute)
	v.shot("tools-folder")
	v.Key("ctrl+Return")
}

// session saves everything that is open, changes it, and opens what was saved: the window is as it was.
func (v *tour) session() {
	v.t.Helper()
	v.press("k")
	v.Move(image.Pt(v.Size().X/3, v.Size().Y-8*v.scale))
	before, reads := v.Quiet(time.Minute), v.sliceTexts()
	v.press("ctrl+shift+s")
	v.chooseFolder("Sessions")
	v.SeeText("Save session")
	v.shot("tools-save")
	v.Key("Return")
	v.Until("the saved session", func(*uitest.Tree) bool {
		files, err := filepath.Glob(filepath.Join(v.home, "Sessions", "*.bayeslice"))
		return err == nil && len(files) == 1
	})
	v.Quiet(time.Minute)
	v.press("F8")
	v.press("x", "Home", "ctrl+z", "ctrl+z")
	v.Until("something else", func(tree *uitest.Tree) bool { return len(v.sliceTexts()) == 0 || v.sliceTexts()[0] != reads[0] })
	v.press("ctrl+shift+o")
	v.SeeText("Open session")
	v.Quiet(time.Minute)
	v.shot("tools-open")
	v.Key("Return")
	v.Within(2*time.Minute, "the session", func(*uitest.Tree) bool {
		now := v.sliceTexts()
		return len(now) == len(reads) && now[0] == reads[0] && len(v.labels(` mL$`)) == 1
	})
	v.Move(image.Pt(v.Size().X/3, v.Size().Y-8*v.scale))
	after := v.Quiet(time.Minute)
	for _, n := range v.Tree().Where(func(n uitest.Node) bool { return n.Type == "AppTabs" }) {
		uitest.Mask(before, n.Box.Rect()) // where it is scrolled to, and what the check found, are not kept
		uitest.Mask(after, n.Box.Rect())
	}
	if err := uitest.Compare(uitest.Reduce(after, 2*v.scale), uitest.Reduce(before, 2*v.scale)); err != nil {
		v.t.Errorf("the session is not restored as it was: %v\nbefore: %s\nafter: %s", err, v.Keep("before", before), v.Keep("after", after))
	}
	v.shot("tools-restored")
}

// exports looks at what can be exported, which is all there before a run but for what a model says.
func (v *tour) exports() {
	v.t.Helper()
	v.press("ctrl+e")
	v.SeeText("Choose …")
	v.shot("tools-export")
	v.Press("Cancel")
}
