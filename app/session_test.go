package app

import (
	"bytes"
	"image"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bayeslice/internal/uitest"
)

// TestSessionInTheWindow compares four models on an exam, changes what is shown, ends the program and starts it
// again: everything is there at once, bit for bit, and no network runs.
func TestSessionInTheWindow(t *testing.T) {
	needRuntime(t)
	if testing.Short() {
		t.Skip("a window takes half a minute")
	}
	dir := t.TempDir()
	exam := writePhantom(t, smallPhantom())
	config := filepath.Join(dir, "config")
	s := uitest.Start(t, 1280, 800)
	p := launch(t, s, Options{Exam: exam, Config: config, Samples: 6})
	p.Press("I understand")
	p.SeeText("SYNTHETIC")
	p.Press("Run")
	p.Within(3*time.Minute, "the end of the run", func(tree *uitest.Tree) bool { return len(tree.Match("", "^Samples: Zones 6")) > 0 })
	p.Press("Compare")
	p.PressLast("Compare")
	p.Within(4*time.Minute, "the end of the comparison", func(tree *uitest.Tree) bool { return len(tree.Match("", "^Every model has run")) > 0 })
	p.Key("Up")
	p.Key("Up")
	p.Move(image.Pt(420, 790))
	p.Quiet(time.Minute)
	before := figures(p.Tree())
	p.Key("ctrl+q")
	p.End()
	kept, err := os.ReadFile(filepath.Join(config, "last-session.json.results"))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes of results", len(kept))

	p = launch(t, s, Options{Config: config, Samples: 6})
	started := time.Now()
	p.Press(goOn(p))
	p.Until("the results", func(tree *uitest.Tree) bool { return len(tree.Match("", "^Every model has run")) > 0 })
	t.Logf("restored in %v", time.Since(started))
	p.Move(image.Pt(420, 790))
	p.Quiet(time.Minute)
	if after := figures(p.Tree()); !slices.Equal(before, after) {
		t.Errorf("the window shows\n%s\nand showed\n%s", strings.Join(after, "\n"), strings.Join(before, "\n"))
	}
	p.Key("ctrl+q")
	p.End()
	again, err := os.ReadFile(filepath.Join(config, "last-session.json.results"))
	if err != nil || !bytes.Equal(kept, again) { // the times of a run are in it: one that was sampled again would differ
		t.Errorf("the results are not those of the first run: %v", err)
	}
}

// figures lists the texts of a window, but for the line of the run, which tells of the last one only.
func figures(tree *uitest.Tree) []string {
	var out []string
	for _, line := range strings.Split(tree.Texts(), "\n") {
		if !varying.MatchString(line) && !strings.HasPrefix(line, "Samples: ") && !strings.HasPrefix(line, "Standard error of ") {
			out = append(out, line)
		}
	}
	return out
}

// goOn is the text of the button that brings the last session back.
func goOn(p *uitest.Program) string {
	tree := p.Until("the offer to go on", func(tree *uitest.Tree) bool { return len(tree.Match("Button", "^Go on with ")) > 0 })
	return tree.Match("Button", "^Go on with ")[0].Text
}
