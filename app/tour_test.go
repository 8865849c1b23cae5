package app

import (
	"errors"
	"flag"
	"image"
	"image/draw"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"bayeslice/internal/phantom"
	"bayeslice/internal/uitest"
)

// update makes the tour write its references instead of comparing with them:
//
//	go test -tags migrated_fynedo -run Tour ./app -update
//
// Look at each of them before it is committed.
var update = flag.Bool("update", false, "write the tour's pictures as references into testdata/tour")

// picturesTo names the folder into which the tour writes its pictures whole: to be looked at, and for the
// documentation. The exam is then the full-size phantom, with more samples, and nothing is compared.
const picturesTo = "BAYESLICE_TOUR"

// tour is a walk through the program's window. What it sees is checked at every [tour.shot].
type tour struct {
	*uitest.Program
	t     *testing.T
	scale int    // of the window, physical pixels a logical one
	size  string // names the references
	// patient says that the pictures show one: they are looked at, but no reference of them is in the repository.
	patient bool
	home    string // the user's folder
	drawn   string // the last step of drawing that was seen
}

// tourSamples is how many samples are drawn on a tour.
func tourSamples() int {
	if os.Getenv(picturesTo) != "" {
		return 24
	}
	return 6
}

// tourPhantom writes the exam of the tours, with its labels beside the images.
func tourPhantom(t *testing.T) string {
	t.Helper()
	c := smallPhantom()
	if os.Getenv(picturesTo) != "" {
		c = phantom.DefaultConfig(1)
	}
	made, err := phantom.Generate(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := errors.Join(made.WriteDICOM(t.Context(), dir), made.WriteLabels(dir)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// newTour starts the program on a screen of a size in pixels.
func newTour(t *testing.T, width, height, scale int, o Options, env ...string) *tour {
	t.Helper()
	if testing.Short() {
		t.Skip("tours take minutes")
	}
	v := &tour{t: t, scale: scale, size: sizeName(width, height, scale), home: t.TempDir()}
	env = append([]string{"HOME=" + v.home, "FYNE_SCALE=" + string(rune('0'+scale))}, env...)
	v.Program = launch(t, uitest.Start(t, width, height), o, env...)
	return v
}

func sizeName(width, height, scale int) string {
	name := image.Pt(width, height).String()
	name = strings.NewReplacer("(", "", ")", "", ",", "x").Replace(name)
	if scale > 1 {
		name += "@" + string(rune('0'+scale))
	}
	return name
}

// varying are texts that differ from run to run or from machine to machine: they are not compared.
var varying = regexp.MustCompile(`Drawn by|LLVM|OpenGL| s a sample|s/sample|ONNX Runtime|/tmp/|ago$|\d\d:\d\d|^\d{4}-\d\d-\d\d`)

// mayBeShort are texts that may be cut short with dots: paths, values below the mouse, why an exam of a list is where it
// is. They are told whole elsewhere.
var mayBeShort = regexp.MustCompile(`^(Cursor|Mouse)  |/tmp/|^(completed|flagged|in progress) · `)

// shot waits until the window has come to rest, checks that every text can be read, and compares the picture with its
// reference.
func (v *tour) shot(name string) {
	v.t.Helper()
	v.Move(image.Pt(v.Size().X/3, v.Size().Y-8*v.scale)) // off everything that lights up
	picture := v.Quiet(time.Minute)
	tree := v.Tree()
	for _, fault := range uitest.Faults(tree, v.Size(), mayBeShort.MatchString) {
		if v.patient && strings.Contains(fault, "over each other") {
			continue // where a candidate lies, its number stands, also below a banner
		}
		v.t.Errorf("%s at %s: %s", name, v.size, fault)
	}
	if folder := os.Getenv(picturesTo); folder != "" {
		if v.patient {
			name = "patient-" + name
		}
		uitest.Save(v.t, filepath.Join(folder, v.size+"-"+name+".png"), picture)
		return
	}
	if v.patient {
		return
	}
	var masked []image.Rectangle
	for _, n := range tree.Nodes {
		if n.Kind == "Text" && varying.MatchString(n.Text) {
			masked = append(masked, image.Rect(0, 0, 1<<20, 1<<20).Intersect(n.Box.Rect().Inset(-4*v.scale)))
		}
	}
	uitest.Mask(picture, masked...)
	v.compare(name, uitest.Reduce(picture, 2*v.scale))
}

// compare compares a reduced picture with its reference, or writes it as one.
func (v *tour) compare(name string, got *image.RGBA) {
	v.t.Helper()
	path := filepath.Join("testdata", "tour", v.size+"-"+name+".png")
	if *update {
		uitest.Save(v.t, path, got)
		return
	}
	want, err := uitest.ReadReference(path)
	if err != nil {
		v.t.Error(err)
		return
	}
	if err := uitest.Compare(got, want); err != nil {
		v.t.Errorf("%s at %s: %v\nseen: %s\ndifferences: %s", name, v.size, err, v.Keep(name+"-seen", got), v.Keep(name+"-differences", uitest.Differences(got, want)))
	}
}

// tab brings a tab beside the images up, once the tabs stay where they are.
func (v *tour) tab(name string) {
	v.t.Helper()
	v.Quiet(time.Minute)
	var at image.Point
	v.Until("the tab "+name, func(tree *uitest.Tree) bool {
		for _, n := range tree.Find("Text", name) {
			if tree.Nodes[n.Parent].Type == "tabButton" {
				at = n.Box.Center()
				return true
			}
		}
		return false
	})
	v.Click(at, uitest.Left)
}

// ran waits for the end of a run of both networks.
func (v *tour) ran() {
	v.t.Helper()
	awaitRun(v.Program)
}

// awaitRun waits until both networks have drawn their samples, as the panel tells.
func awaitRun(p *uitest.Program) {
	p.Within(3*time.Minute, "the end of the run", func(tree *uitest.Tree) bool {
		return len(tree.Match("Text", `Zones \d+, done`)) > 0 && len(tree.Match("Text", `Lesions \d+, done`)) > 0
	})
}

// withPanel does something while the panel is in view, which lies over the images where the window is narrow.
func (v *tour) withPanel(do func()) {
	v.t.Helper()
	if v.Size().X >= 900*v.scale {
		do()
		return
	}
	toggle := func() { v.Click(image.Pt(v.Size().X-22*v.scale, 19*v.scale), uitest.Left) }
	toggle()
	do()
	toggle()
	v.Quiet(time.Minute)
}

// The main screens of the window at the sizes that must hold.
func TestTourOfTheScreens(t *testing.T) {
	needRuntime(t)
	exam := tourPhantom(t)
	for _, size := range []struct{ width, height, scale int }{{1280, 800, 1}, {1280, 800, 2}, {1920, 1080, 1}, {1920, 1080, 2}, {2560, 1600, 2}} {
		t.Run(sizeName(size.width, size.height, size.scale), func(t *testing.T) {
			v := newTour(t, size.width, size.height, size.scale, Options{Exam: exam, Samples: tourSamples(), AutoRun: true})
			v.withPanel(v.ran)
			v.shot("read")
			for _, layout := range []string{"Contour", "Uncertainty", "Compare"} {
				v.Press(layout)
				v.shot(strings.ToLower(layout))
			}
			v.Key("ctrl+q")
			v.End()
		})
	}
}

// The comparison notices a panel that lies eight pixels of the screen further right, in every reference of the layouts.
func TestAShiftedPanelFailsTheComparison(t *testing.T) {
	for _, layout := range []string{"read", "contour", "uncertainty", "compare"} {
		want, err := uitest.ReadReference(filepath.Join("testdata", "tour", "1280x800-"+layout+".png"))
		if err != nil {
			t.Fatal(err)
		}
		moved := image.NewRGBA(want.Rect)
		draw.Draw(moved, moved.Rect, want, image.Point{}, draw.Src)
		draw.Draw(moved, image.Rect(472, 20, 640, 385), want, image.Pt(468, 20), draw.Src)
		if uitest.Compare(want, want) != nil || uitest.Compare(moved, want) == nil {
			t.Errorf("%s: the shift is not noticed", layout)
		}
	}
}
