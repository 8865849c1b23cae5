package render

import (
	"context"
	"math"
	"slices"
	"testing"
	"time"

	"bayeslice/internal/geom"
	"bayeslice/internal/testenv"
	"bayeslice/internal/volume"
)

// benchScene is a T2W volume of a usual size with an uncertainty map and contours on a model grid.
func benchScene(b *testing.B, contours int) Scene {
	t2w := mustVolume(b, mustGrid(b, [3]int{384, 384, 19}, geom.Vec3{0.5, 0.5, 3}), func(i, j, k int) float32 {
		return float32((i*7+j*13+k*29)%600) + 50
	})
	grid := mustGrid(b, [3]int{160, 160, 20}, geom.Vec3{0.6, 0.6, 3})
	grid.Origin = t2w.Grid().Centre().Sub(grid.Centre())
	blob := func(radius float64) *volume.Volume {
		return mustVolume(b, grid, func(i, j, k int) float32 {
			d := math.Hypot(math.Hypot(float64(i)-80, float64(j)-80)*0.6, 3*(float64(k)-10))
			return float32(1 / (1 + math.Exp((d-radius)/1.5)))
		})
	}
	s := Scene{
		Base: t2w, Window: Window{Level: 300, Width: 600}, Interp: volume.Linear,
		Overlay:  &Overlay{Volume: blob(12), Map: Magma, Low: 0.05, High: 1, Opacity: 0.5},
		Contours: []Contour{ZoneContour(ZoneGland, blob(25), 0.5, 1)},
	}
	if contours > 1 {
		s.Contours = append(s.Contours, ZoneContour(ZoneTransition, blob(15), 0.5, 1), ZoneContour(ZonePeripheral, blob(20), 0.5, 1))
		s.Contours = append(s.Contours, ZoneBand(ZoneCancer, blob(6), 1)...)
		s.Contours = append(s.Contours, ZoneContour(ZoneReference, blob(7), 0.5, 1))
	}
	return s
}

// benchmarkFrames draws 800×800 pictures, each changed by next, and reports the percentiles of a frame's time.
func benchmarkFrames(b *testing.B, r Renderer, s Scene, next func(s *Scene, n int)) {
	next(&s, 0)
	if _, err := r.Render(context.Background(), s, 800, 800); err != nil {
		b.Fatal(err)
	}
	var times []time.Duration
	for b.Loop() {
		next(&s, len(times)+1)
		start := time.Now()
		if _, err := r.Render(context.Background(), s, 800, 800); err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	ms := func(pct int) float64 { return float64(times[(len(times)-1)*pct/100].Microseconds()) / 1000 }
	b.ReportMetric(ms(50), "p50-ms")
	b.ReportMetric(ms(95), "p95-ms")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkRenderers draws pictures of 800 × 800 pixels, scrolled through, with seven contours and a map, by OpenGL in turns
// with the CPU renderer.
func BenchmarkRenderers(b *testing.B) {
	gl, cpu, s := mustGL(b), NewCPU(), benchScene(b, 7)
	kind := gl.Name()
	if !gl.Hardware() {
		kind += ", in software"
	}
	row := testenv.Peer{Row: "a picture of 800 × 800 pixels with seven contours", Peer: "the CPU renderer", Unit: "ms", Note: kind}
	draw := func(r Renderer) float64 {
		start := time.Now()
		if _, err := r.Render(context.Background(), s, 800, 800); err != nil {
			b.Fatal(err)
		}
		return time.Since(start).Seconds() * 1000
	}
	s.Plane = PlaneFor(s.Base.Grid(), 9, 800, 800, Camera{})
	draw(gl)
	draw(cpu)
	for n := 0; b.Loop(); n++ {
		s.Plane = PlaneFor(s.Base.Grid(), float64(n%19), 800, 800, Camera{})
		row.Mine, row.Theirs = append(row.Mine, draw(gl)), append(row.Theirs, draw(cpu))
	}
	row.Report(b)
}

func BenchmarkRender(b *testing.B) {
	renderers := map[string]func(*testing.B) Renderer{
		"CPU":           func(*testing.B) Renderer { return NewCPU() },
		"CPU1goroutine": func(*testing.B) Renderer { return &CPU{workers: 1, boxes: newBoxCache()} },
		"GL":            func(b *testing.B) Renderer { return mustGL(b) },
	}
	changes := map[string]func(*Scene, int){
		"scroll": func(s *Scene, n int) { s.Plane = PlaneFor(s.Base.Grid(), float64(n%19), 800, 800, Camera{}) },
		"zoomed": func(s *Scene, n int) {
			s.Plane = PlaneFor(s.Base.Grid(), float64(n%19), 800, 800, Camera{Zoom: 3})
		},
		"window": func(s *Scene, n int) {
			s.Plane = PlaneFor(s.Base.Grid(), 9, 800, 800, Camera{})
			s.Window.Level = 300 + float64(n%50)
		},
	}
	for _, name := range []string{"CPU", "CPU1goroutine", "GL"} {
		for contours, label := range map[int]string{1: "one", 7: "seven"} {
			for change, next := range changes {
				b.Run(name+"/"+change+"/"+label, func(b *testing.B) {
					benchmarkFrames(b, renderers[name](b), benchScene(b, contours), next)
				})
			}
		}
	}
}
