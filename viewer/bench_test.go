package viewer

import (
	"context"
	"slices"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"bayeslice/internal/exam"
	"bayeslice/internal/testenv"
	"bayeslice/render"
)

// BenchmarkScroll measures from a wheel notch to the new pictures of all three viewports of a real
// exam in a window of 1280 × 800, without the window system's share: p50-ms and p95-ms are what
// matters. The limit is 33 ms.
func BenchmarkScroll(b *testing.B) {
	path := testenv.Data(b, "picai_prep", "ProstateX-0000")
	for _, prefer := range []string{render.PreferGL, render.PreferCPU} {
		b.Run(prefer, func(b *testing.B) {
			renderer, note := render.New(prefer)
			b.Cleanup(func() {
				if err := renderer.Close(); err != nil {
					b.Error(err)
				}
			})
			b.Logf("%s %s", renderer.Name(), note)
			f := &fakeEngine{open: func(ctx context.Context, _, _ string) (*exam.Exam, error) {
				return exam.Open(ctx, path, exam.Options{})
			}}
			h := newHarness(b, f, Options{Renderer: renderer})
			h.openExam()
			h.settle()
			var ms []float64
			step := float32(25)
			for i := 0; b.Loop(); i++ {
				if i%8 == 0 {
					step = -step
				}
				start := time.Now()
				h.views[0].Scrolled(&fyne.ScrollEvent{Scrolled: fyne.NewDelta(0, step)})
				h.settle()
				ms = append(ms, time.Since(start).Seconds()*1000)
			}
			slices.Sort(ms)
			b.ReportMetric(ms[len(ms)/2], "p50-ms")
			b.ReportMetric(ms[len(ms)*95/100], "p95-ms")
		})
	}
}
