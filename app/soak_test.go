package app

import (
	"fmt"
	"image"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/phantom"
	"bayeslice/internal/soaktest"
	"bayeslice/internal/testenv"
	"bayeslice/internal/uitest"
	"bayeslice/render"
)

// childHeld is the environment variable that names a socket at which the program says what it holds.
const childHeld = "BAYESLICE_TEST_HELD"

// textures counts what the renderer holds on the graphics device.
const textures = "textures and buffers of OpenGL"

// serveHeld answers at the socket that [childHeld] names with what the program holds; nil where it does not know.
func serveHeld() error {
	path := os.Getenv(childHeld)
	if path == "" {
		return nil
	}
	return uitest.Answer(path, func() any {
		h, err := soaktest.Now()
		if err != nil {
			return nil
		}
		h[textures] = float64(render.Objects())
		return h
	})
}

// soak is a series of exams in one window.
type soak struct {
	*uitest.Program
	t      *testing.T
	socket string
}

// soakExam is a folder, by its name of one letter, and whether it holds an exam.
type soakExam struct {
	name string
	good bool
}

// soakExams puts exams into a folder, under names of one letter: two phantoms, and in a long run the real ones that this
// machine has and a broken one.
func soakExams(t *testing.T, dir string) []soakExam {
	t.Helper()
	var out []soakExam
	add := func(path string, good bool) {
		name := string(rune('a' + len(out)))
		if err := os.Symlink(path, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		out = append(out, soakExam{name, good})
	}
	for seed := range uint64(2) {
		c := smallPhantom()
		c.Seed, c.T2W.Columns = seed+1, 180+40*int(seed)
		add(writePhantom(t, c), true)
	}
	if !soaktest.Long() {
		return out
	}
	for _, elem := range [][]string{{"jiang-cw_PI-CAI_10000"}, {"picai_prep", "ProstateX-0000"}} {
		if path, ok := testenv.Find(elem...); ok {
			add(path, true)
		}
	}
	broken := writePhantom(t, phantom.DefaultConfig(3))
	err := filepath.WalkDir(broken, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return os.Truncate(path, 700)
	})
	if err != nil {
		t.Fatal(err)
	}
	add(broken, false)
	return out
}

// Exam after exam in the one window, each opened by keys, sampled by two networks and looked at in every layout, leaves nothing
// behind: from the second round of exams on, heap, memory, open files, goroutines and textures do not grow. BAYESLICE_SOAK=30
// says how many exams, with real and broken ones among them; else there are six.
func TestManyExamsInTheWindow(t *testing.T) {
	needRuntime(t)
	if testing.Short() {
		t.Skip("a window takes half a minute")
	}
	if runtime.GOOS != "linux" {
		t.Skip("only Linux says what a process holds")
	}
	dir := t.TempDir()
	exams := soakExams(t, dir)
	models := []string{tinyModel(t, modelcard.Anatomy, "FL"), tinyModel(t, modelcard.Diagnosis, "FL")}
	s := &soak{t: t, socket: filepath.Join(t.TempDir(), "held")}
	s.Program = launch(t, uitest.Start(t, 1280, 800), Options{Exam: filepath.Join(dir, "a"), Models: models, Samples: 3}, childHeld+"="+s.socket)
	s.Until("the exam", func(tree *uitest.Tree) bool { return len(tree.Match("Text", "^T2W")) > 0 })
	rounds := max(3, (soaktest.Exams(t, 3*len(exams))+len(exams)-1)/len(exams))
	var series []soaktest.Held
	for round := range rounds {
		var held []soaktest.Held
		for i, e := range exams {
			if round+i > 0 {
				s.open(e)
			}
			if e.good {
				s.look()
			}
			held = append(held, s.holds())
			t.Logf("%d%s: %v", round, e.name, held[i])
		}
		series = append(series, soaktest.Mean(held))
	}
	s.Key("ctrl+q")
	s.End()
	bounds := soaktest.Bounds()
	bounds[textures] = 4 // pictures of another size keep theirs; an exam has more
	for what, g := range soaktest.Growths(series[1:], bounds) {
		t.Logf("%s: %+.1f from the second round of %d exams to the last of %d", what, g.By, len(exams), rounds)
		if g.By > g.Bound {
			t.Errorf("%s grew by %.0f, where %.0f is the bound", what, g.By, g.Bound)
		}
	}
}

// open chooses an exam in the dialog of folders, by keys, and waits until it is shown, or refused.
func (s *soak) open(e soakExam) {
	s.t.Helper()
	const choose = "^Choose " // this folder, or the one that is selected
	s.Key("ctrl+o")
	s.Until("the list of exams", func(tree *uitest.Tree) bool {
		all := tree.Match("Button", choose)
		return len(all) == 1 && !all[0].Disabled
	})
	s.Key(e.name, "ctrl+Return")
	if !e.good {
		s.SeeText("The exam was not opened")
		s.Press("Close")
		return
	}
	s.Until("the exam", func(tree *uitest.Tree) bool {
		return len(tree.Match("Button", choose)) == 0 && len(tree.Match("Text", "^T2W")) > 0 && len(tree.Match("Text", `, done`)) == 0
	})
}

// look lets the networks run, and goes through the layouts and slices.
func (s *soak) look() {
	s.t.Helper()
	s.Key("ctrl+r")
	awaitRun(s.Program)
	middle := viewports(s.Tree())[0].Box.Center()
	for _, layout := range []string{"F6", "F7", "F8", "F5"} {
		s.Key(layout)
		s.Wheel(middle, 2)
	}
	s.Move(image.Pt(s.Size().X/3, s.Size().Y-8))
	s.Quiet(time.Minute)
}

// holds asks the program what it holds.
func (s *soak) holds() soaktest.Held {
	s.t.Helper()
	var h soaktest.Held
	if err := uitest.Ask(s.socket, &h); err != nil || h == nil {
		s.t.Fatal(fmt.Errorf("the program does not say what it holds: %w", err))
	}
	return h
}
