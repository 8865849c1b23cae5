//go:build linux

package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"

	"bayeslice/inference"
	"bayeslice/internal/about"
	"bayeslice/internal/exam"
	"bayeslice/internal/testenv"
	"bayeslice/internal/uitest"
	"bayeslice/render"
	"bayeslice/viewer"
)

// childScroll is the environment variable that makes the test binary scroll through the exam it names,
// in a window, and write a scrollReport.
const childScroll = "BAYESLICE_TEST_SCROLL"

// scrollFrames is how many frames are measured in each way of turning the wheel.
const scrollFrames = 300

// scrollReport holds milliseconds, by the way the wheel is turned.
type scrollReport struct {
	Renderer string
	Modes    map[string]*scrollTimes
}

// scrollTimes has an entry for each painted frame that shows new pictures.
type scrollTimes struct {
	Frame  []float64 // since the frame before was on the screen
	Event  []float64 // from the newest wheel step that it shows until it was on the screen
	Render []float64 // of that, drawing the three pictures
	Wait   []float64 // and waiting for the toolkit's tick
	Paint  []float64 // and painting and swapping the window
	CPU    []float64 // of all threads for a frame, one mean a run; other load changes it little
}

// BenchmarkWindowScroll measures scrolling through a real exam in the real window of 1280 × 800 on
// Xvfb, with three linked viewports. "serial" turns the wheel again when the frame before is on the
// screen, "60hz" turns it 60 times a second whatever happens. frame-p50 and frame-p95 are what a user
// sees, milliseconds; the limit is 33. The others say what a step takes and where it waits.
//
//	go test -run '^$' -bench WindowScroll ./app
func BenchmarkWindowScroll(b *testing.B) {
	path := testenv.Data(b, "picai_prep", "ProstateX-0000")
	s := uitest.Start(b, 1280, 800)
	all := map[string]*scrollTimes{"serial": {}, "60hz": {}}
	for b.Loop() {
		child := exec.Command(os.Args[0])
		child.Env = append(s.Environ(), childScroll+"="+path)
		var log bytes.Buffer
		child.Stderr = &log
		out, err := child.Output()
		if err != nil {
			b.Fatalf("the window: %v\n%s", err, log.String())
		}
		var r scrollReport
		if err := json.Unmarshal(out, &r); err != nil {
			b.Fatalf("the window's report: %v\n%s", err, log.String())
		}
		b.Log(r.Renderer)
		for mode, t := range r.Modes {
			all[mode].add(t)
		}
	}
	for _, mode := range []string{"serial", "60hz"} {
		t := all[mode]
		for _, m := range []struct {
			name string
			ms   []float64
		}{{"frame", t.Frame}, {"event", t.Event}, {"render", t.Render}, {"wait", t.Wait}, {"paint", t.Paint}, {"cpu", t.CPU}} {
			slices.Sort(m.ms)
			b.ReportMetric(m.ms[len(m.ms)/2], mode+"-"+m.name+"-p50")
			b.ReportMetric(m.ms[len(m.ms)*95/100], mode+"-"+m.name+"-p95")
		}
	}
}

func (t *scrollTimes) add(o *scrollTimes) {
	t.Frame = append(t.Frame, o.Frame...)
	t.Event = append(t.Event, o.Event...)
	t.Render = append(t.Render, o.Render...)
	t.Wait = append(t.Wait, o.Wait...)
	t.Paint = append(t.Paint, o.Paint...)
	t.CPU = append(t.CPU, o.CPU...)
}

// scrollWindow is the child: it shows the window, measures, writes the report to standard output and
// returns the exit code.
func scrollWindow(path string) int {
	renderer, note := render.New(render.PreferAuto)
	m := &scrollMeter{Renderer: renderer, painted: make(chan frameTimes, 16)}
	a := newFyneApp(about.Program{Name: "Bayeslice", ID: "org.bayeslice.Bayeslice"})
	a.Settings().SetTheme(viewer.Theme{})
	m.window = viewer.New(context.Background(), a, viewer.Options{
		Engine: examReader{}, Renderer: m, RenderNote: note, Samples: 100, Seed: 1,
		Closed: func() { _ = renderer.Close() }, Do: m.do,
	})
	m.window.Show()
	m.window.Open(path)
	failed := make(chan error, 1)
	go func() {
		failed <- m.measure()
		fyne.Do(m.window.Close)
	}()
	a.Run()
	m.window.Finish()
	if err := <-failed; err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// examReader is an engine that only opens exams.
type examReader struct{}

func (examReader) OpenExam(ctx context.Context, path, study string, _ func(viewer.Progress)) (*exam.Exam, error) {
	return exam.Open(ctx, path, exam.Options{Study: study})
}

func (examReader) DemoExam(context.Context, func(viewer.Progress)) (*exam.Exam, error) {
	return nil, errors.ErrUnsupported
}

func (examReader) Choose(context.Context, *exam.Exam, exam.Role, string) (*exam.Exam, error) {
	return nil, errors.ErrUnsupported
}

func (examReader) Models(context.Context) ([]viewer.Model, []string) { return nil, nil }

func (examReader) OpenModel(context.Context, string) (viewer.Model, error) {
	return viewer.Model{}, errors.ErrUnsupported
}

func (examReader) Predict(context.Context, *exam.Exam, viewer.Job, func(*inference.Prediction)) (*inference.Prediction, viewer.Device, error) {
	return nil, viewer.Device{}, errors.ErrUnsupported
}

// frameTimes are the stages of one frame.
type frameTimes struct{ event, drawing, drawn, painting, painted time.Time }

// scrollMeter sits between the window and its renderer, and between the window and the UI goroutine.
// It notices painting by a raster of one pixel, which is made anew in every frame with new pictures.
type scrollMeter struct {
	render.Renderer
	window  *viewer.Window
	painted chan frameTimes // a frame with new pictures is on the screen

	mu      sync.Mutex
	event   time.Time   // the newest wheel step
	drawing *frameTimes // of the pictures being drawn, or nil
	frame   frameTimes  // of those that were shown last; on the UI goroutine
	marker  *canvas.Raster
}

// Render notes when the first picture of a batch is begun, and the newest step that it can show.
func (m *scrollMeter) Render(ctx context.Context, s render.Scene, w, h int) (*image.RGBA, error) {
	m.mu.Lock()
	if m.drawing == nil {
		m.drawing = &frameTimes{event: m.event, drawing: time.Now()}
	}
	m.mu.Unlock()
	return m.Renderer.Render(ctx, s, w, h)
}

// do is the window's way to the UI goroutine.
func (m *scrollMeter) do(f func()) {
	m.mu.Lock()
	frame := m.drawing
	m.drawing = nil
	m.mu.Unlock()
	drawn := time.Now()
	fyne.Do(func() {
		f()
		if frame == nil || m.marker == nil {
			return
		}
		m.frame = *frame
		m.frame.drawn = drawn
		m.marker.Refresh()
	})
}

// mark puts the raster under the window's content, where painting begins.
func (m *scrollMeter) mark() {
	m.marker = canvas.NewRaster(func(int, int) image.Image {
		frame := m.frame
		frame.painting = time.Now()
		go fyne.Do(func() { // after the buffers were swapped
			frame.painted = time.Now()
			m.painted <- frame
		})
		return image.NewRGBA(image.Rect(0, 0, 1, 1))
	})
	win := fyne.CurrentApp().Driver().AllWindows()[0]
	m.marker.Resize(fyne.NewSize(1, 1))
	win.SetContent(container.NewStack(container.NewWithoutLayout(m.marker), win.Content()))
}

// measure waits for the exam and turns the wheel in both ways.
func (m *scrollMeter) measure() error {
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		open := false
		fyne.DoAndWait(func() { open = m.window.State().Exam() != nil })
		if open {
			break
		}
		if time.Now().After(end) {
			return errors.New("the exam does not open")
		}
	}
	fyne.DoAndWait(m.mark)
	time.Sleep(2 * time.Second) // the first pictures, and the shaders of both contexts
	report := scrollReport{Renderer: m.Name(), Modes: map[string]*scrollTimes{}}
	for _, mode := range []string{"serial", "60hz"} {
		t, err := m.scroll(mode == "60hz")
		if err != nil {
			return fmt.Errorf("%s: %w", mode, err)
		}
		report.Modes[mode] = t
	}
	return json.NewEncoder(os.Stdout).Encode(report)
}

// scroll measures frames while the wheel turns to and fro over eight slices.
func (m *scrollMeter) scroll(steady bool) (*scrollTimes, error) {
	tick := time.NewTicker(time.Second / 60)
	defer tick.Stop()
	var out scrollTimes
	var last time.Time
	steps, dir := 0, 1
	turn := func() {
		if steps%8 == 0 {
			dir = -dir
		}
		steps++
		fyne.Do(func() {
			m.mu.Lock()
			m.event = time.Now()
			m.mu.Unlock()
			m.window.State().Wheel(0, dir, 0, 300, 300)
		})
	}
	before := cpuTime()
	turn()
	for stuck := time.After(5 * time.Minute); len(out.Frame) < scrollFrames; {
		select {
		case f := <-m.painted:
			if !last.IsZero() {
				out.note(f, last)
			}
			last = f.painted
			if !steady {
				turn()
			}
		case <-tick.C:
			if steady {
				turn()
			}
		case <-stuck:
			return nil, fmt.Errorf("only %d frames were painted", len(out.Frame))
		}
	}
	out.CPU = []float64{(cpuTime() - before).Seconds() * 1000 / scrollFrames}
	time.Sleep(time.Second) // what is under way ends
	for len(m.painted) > 0 {
		<-m.painted
	}
	return &out, nil
}

// cpuTime is what all threads of the process have used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// note adds a frame.
func (t *scrollTimes) note(f frameTimes, last time.Time) {
	add := func(list *[]float64, from, to time.Time) { *list = append(*list, to.Sub(from).Seconds()*1000) }
	add(&t.Frame, last, f.painted)
	add(&t.Event, f.event, f.painted)
	add(&t.Render, f.drawing, f.drawn)
	add(&t.Wait, f.drawn, f.painting)
	add(&t.Paint, f.painting, f.painted)
}
