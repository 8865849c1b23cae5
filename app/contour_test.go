//go:build linux

package app

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"bayeslice/internal/phantom"
	"bayeslice/internal/testenv"
	"bayeslice/internal/uitest"
)

// drawOn opens an exam in the layout for contours, with the brush in the hand, and returns the large image.
func drawOn(p *uitest.Program) uitest.Box {
	p.SeeText("SYNTHETIC")
	p.Key("F6", "b")
	p.SeeText("EDIT PZ")
	p.Quiet(20 * time.Second)
	return viewports(p.Tree())[0].Box
}

// TestKillInTheMiddleOfAStroke kills the program with the brush on the image: when the exam is opened again,
// everything but that stroke is back.
func TestKillInTheMiddleOfAStroke(t *testing.T) {
	if testing.Short() {
		t.Skip("two windows take half a minute")
	}
	s := uitest.Start(t, 1280, 800)
	o := Options{Exam: writePhantom(t, smallPhantom()), Config: t.TempDir(), Unattended: true}
	p := launch(t, s, o)
	view := drawOn(p)
	p.Drag(uitest.Left, "", view.At(0.35, 0.5), view.At(0.6, 0.5))
	p.SeeText("Last step: Brush PZ, slice 12")
	p.Key("2")
	p.SeeText("EDIT TZ")
	p.Drag(uitest.Left, "", view.At(0.4, 0.4), view.At(0.55, 0.4))
	p.SeeText("Last step: Brush TZ, slice 12")
	drawn := p.Tree().Match("", `^\d+\.\d mL$`)
	from, to := view.At(0.45, 0.6), view.At(0.55, 0.6)
	p.Do(fmt.Sprintf("mousemove %d %d", from.X, from.Y), "mousedown 1", fmt.Sprintf("mousemove %d %d", to.X, to.Y))
	p.Kill()
	p.Do("mouseup 1")

	p = launch(t, s, o)
	p.SeeText("Unsaved contours")
	p.Press("Recover")
	p.SeeText("Last step: Brush TZ, slice 12")
	back := p.Tree().Match("", `^\d+\.\d mL$`)
	if len(drawn) == 0 || len(back) != len(drawn) {
		t.Fatalf("volumes %v, were %v", back, drawn)
	}
	for i := range back {
		if back[i].Text != drawn[i].Text {
			t.Errorf("volume %q, was %q", back[i].Text, drawn[i].Text)
		}
	}
	p.Key("ctrl+q")
	p.SeeText("Save the contours?")
	p.Press("Close, keep for later")
	p.End()
}

// BenchmarkWindowStroke measures, in the real window of 1280 × 800 on Xvfb, from a movement of the mouse with the
// brush down until the pixels under the brush are painted on the screen; "run" does so while the bundled networks
// sample on all cores. p50-ms and p95-ms are what a user sees; cpu-ms is the processor time of all threads for a
// movement, painting the window by software included, which other load on the machine changes little.
//
//	go test -run '^$' -bench WindowStroke -benchtime 1x ./app
func BenchmarkWindowStroke(b *testing.B) {
	exam := writePhantom(b, phantom.DefaultConfig(1))
	for _, run := range []bool{false, true} {
		name := "idle"
		if run {
			name = "run"
		}
		b.Run(name, func(b *testing.B) {
			o := Options{Exam: exam, Samples: 1000, AutoRun: run}
			if run {
				if runtimeLibrary() == "" {
					testenv.SkipOrFail(b, "ort", "no network can run here")
				}
			}
			var ms, cpu []float64
			for b.Loop() {
				s := uitest.Start(b, 1280, 800)
				p := launch(b, s, o)
				p.SeeText("SYNTHETIC")
				if run {
					p.Within(time.Minute, "samples", func(tree *uitest.Tree) bool { return len(tree.Match("", `^Zones · [2-9]`)) > 0 })
				}
				before := programTime(b, p)
				took := strokes(b, p)
				cpu = append(cpu, (programTime(b, p)-before)/float64(len(took)))
				ms = append(ms, took...)
				p.Kill()
			}
			slices.Sort(ms)
			b.ReportMetric(ms[len(ms)/2], "p50-ms")
			b.ReportMetric(ms[len(ms)*95/100], "p95-ms")
			if !run {
				slices.Sort(cpu)
				b.ReportMetric(cpu[len(cpu)/2], "cpu-ms")
			}
		})
	}
}

// strokes draws across the image and returns how many milliseconds each movement took to be seen.
func strokes(b *testing.B, p *uitest.Program) []float64 {
	b.Helper()
	p.Key("F6", "b")
	p.SeeText("EDIT PZ")
	view := viewports(p.Tree())[0].Box
	const step, ahead = 12, 8 // pixels; the brush of 3 mm is 15 pixels wide to each side
	var ms []float64
	for row := range 8 {
		y := view.At(0, 0.25+0.065*float64(row)).Y
		from := view.At(0.2, 0).X
		p.Do(fmt.Sprintf("mousemove %d %d", from, y), "mousedown 1")
		time.Sleep(150 * time.Millisecond)
		for n := 1; n <= 25; n++ {
			at := image.Pt(from+n*step, y)
			spot := image.Rect(at.X+ahead, at.Y+5, at.X+ahead+1, at.Y+6) // beside the pointer's own picture
			before := pixel(b, p, spot)
			start := time.Now()
			p.Post(fmt.Sprintf("mousemove %d %d", at.X, at.Y))
			for pixel(b, p, spot) == before {
				if time.Since(start) > 5*time.Second {
					b.Fatalf("movement %d of stroke %d is not seen; %s", n, row, p.Keep("failed", p.Picture()))
				}
				time.Sleep(time.Millisecond)
			}
			ms = append(ms, time.Since(start).Seconds()*1000)
			time.Sleep(15 * time.Millisecond)
		}
		p.Do("mouseup 1")
		time.Sleep(100 * time.Millisecond)
	}
	return ms
}

// programTime returns the processor time of the program so far, milliseconds.
func programTime(b *testing.B, p *uitest.Program) float64 {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.PID()))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])) // from the state on, the third field
	const ticksPerSecond = 100
	ticks := 0.0
	for _, f := range fields[11:13] { // user and system time
		n, err := strconv.ParseFloat(f, 64)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return ticks * 1000 / ticksPerSecond
}

func pixel(b *testing.B, p *uitest.Program, r image.Rectangle) color.RGBA {
	b.Helper()
	img, err := p.Region(r)
	if err != nil {
		b.Fatal(err)
	}
	return img.RGBAAt(r.Min.X, r.Min.Y)
}
