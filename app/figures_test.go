package app

import (
	"bytes"
	"fmt"
	"image"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"bayeslice/internal/testenv"
	"bayeslice/internal/uitest"
)

// interactions is how many events of each kind are measured.
const interactions = 200

// BenchmarkWindowInteraction measures what a user waits for, with and without both networks sampling on all cores
// meanwhile: from the moment at which an event is handed to the X server to the first new pixel in the large image on
// the screen, of a window of 1280 × 800 with a real exam in four viewports. Events go one after the other, so that each
// is seen; p50 and p95 in milliseconds.
//
//	go test -tags migrated_fynedo -run '^$' -bench WindowInteraction ./app
func BenchmarkWindowInteraction(b *testing.B) {
	path := testenv.Data(b, "picai_prep", "ProstateX-0000")
	needRuntime(b)
	for _, load := range []struct {
		name    string
		samples int
	}{{"idle", 0}, {"sampling", 2000}} {
		b.Run(load.name, func(b *testing.B) {
			p := launch(b, uitest.Start(b, 1280, 800), Options{Exam: path, Samples: max(1, load.samples)})
			p.Within(time.Minute, "the exam", func(tree *uitest.Tree) bool { return len(tree.Match("Text", "^T2W")) > 0 })
			p.Quiet(time.Minute)
			if load.samples > 0 {
				p.Key("ctrl+r")
				p.Within(2*time.Minute, "the first samples", func(tree *uitest.Tree) bool { return len(tree.Match("Text", `^Zones · [1-9]\d*`)) > 0 })
			}
			for b.Loop() {
				m := &meter{b: b, p: p, random: rand.New(rand.NewPCG(1, 2))}
				m.report("scroll", m.scroll())
				m.report("window", m.drag())
			}
			p.Kill()
		})
	}
}

// meter sends events and watches the screen.
type meter struct {
	b      *testing.B
	p      *uitest.Program
	random *rand.Rand
}

func (m *meter) report(name string, ms []float64) {
	slices.Sort(ms)
	m.b.ReportMetric(ms[len(ms)/2], name+"-p50-ms")
	m.b.ReportMetric(ms[len(ms)*95/100], name+"-p95-ms")
}

// wait sends commands to xdotool and returns the milliseconds until the rectangle shows something else.
func (m *meter) wait(watched image.Rectangle, commands ...string) float64 {
	m.b.Helper()
	time.Sleep(time.Duration(30+m.random.IntN(40)) * time.Millisecond) // out of step with the toolkit's tick; what was shown is complete
	before, err := m.p.Region(watched)
	if err != nil {
		m.b.Fatal(err)
	}
	start := time.Now()
	m.p.Post(commands...)
	for time.Since(start) < 10*time.Second {
		time.Sleep(500 * time.Microsecond)
		now, err := m.p.Region(watched)
		if err != nil {
			m.b.Fatal(err)
		}
		if !bytes.Equal(now.Pix, before.Pix) {
			return time.Since(start).Seconds() * 1000
		}
	}
	m.b.Fatalf("%q changes nothing on the screen; the last picture is %s", commands, m.p.Keep("failed", m.p.Picture()))
	return 0
}

// image returns the middle of the first viewport, and the pixels round it that are watched.
func (m *meter) image() (middle image.Point, watched image.Rectangle) {
	middle = viewports(m.p.Tree())[0].Box.Center()
	return middle, image.Rectangle{Min: middle.Sub(image.Pt(60, 30)), Max: middle.Add(image.Pt(60, 30))}
}

// scroll turns the wheel to and fro over eight slices.
func (m *meter) scroll() []float64 {
	middle, watched := m.image()
	m.p.Move(middle)
	var ms []float64
	for i := range interactions {
		button := 4 + i/8%2
		ms = append(ms, m.wait(watched, fmt.Sprintf("click %d", button)))
	}
	return ms
}

// drag changes the grey window with the left button held.
func (m *meter) drag() []float64 {
	middle, watched := m.image()
	at := middle.Add(image.Pt(-90, -80))
	m.p.Do(fmt.Sprintf("mousemove %d %d", at.X, at.Y), "mousedown 1", fmt.Sprintf("mousemove %d %d", at.X+12, at.Y))
	var ms []float64
	for i := range interactions {
		x := at.X + 16 + 6*max(i%40-20, 20-i%40)
		ms = append(ms, m.wait(watched, fmt.Sprintf("mousemove %d %d", x, at.Y+i%40)))
	}
	m.p.Do("mouseup 1")
	return ms
}
