//go:build linux

package app

import (
	"encoding/json"
	"image"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"bayeslice/internal/testenv"
	"bayeslice/internal/uitest"
)

// BenchmarkWindowStart measures what a user waits for who opens a real exam from the command line: from the start of the
// process until the window of 1280 × 800 on Xvfb shows anything, and until it shows a slice. Medians in milliseconds.
//
//	go test -tags migrated_fynedo -run '^$' -bench WindowStart -benchtime 7x ./app
func BenchmarkWindowStart(b *testing.B) {
	path := testenv.Data(b, "picai_prep", "ProstateX-0000")
	s := uitest.Start(b, 1280, 800)
	var window, picture []float64
	for b.Loop() {
		w, p := startOnce(b, s, Options{Exam: path, Config: b.TempDir(), Unattended: true})
		window, picture = append(window, w), append(picture, p)
	}
	b.ReportMetric(0, "ns/op")
	for name, ms := range map[string][]float64{"window": window, "picture": picture} {
		slices.Sort(ms)
		b.ReportMetric(ms[len(ms)/2], name+"-ms")
		b.ReportMetric(ms[0], name+"-fastest-ms")
		b.ReportMetric(ms[len(ms)-1], name+"-slowest-ms")
	}
}

// startOnce starts the program, waits for its window and for a slice in it, and ends it.
func startOnce(b *testing.B, s *uitest.Screen, o Options) (window, picture float64) {
	options, err := json.Marshal(o)
	if err != nil {
		b.Fatal(err)
	}
	home := b.TempDir()
	child := exec.Command(os.Args[0])
	child.Env = append(s.Environ(), childWindow+"="+string(options), uitest.EnvSocket+"="+home+"/tree",
		"HOME="+home, "XDG_CONFIG_HOME="+home+"/config", "XDG_CACHE_HOME="+home+"/cache", "BAYESLICE_ONNXRUNTIME="+runtimeLibrary())
	begun := time.Now()
	if err := child.Start(); err != nil {
		b.Fatal(err)
	}
	for time.Since(begun) < time.Minute {
		img := s.Picture()
		now := time.Since(begun).Seconds() * 1000
		if window == 0 && anything(img) {
			window = now
		}
		if window > 0 && textured(img) {
			picture = now
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	shown := s.Picture()
	_ = child.Process.Kill()
	_ = child.Wait() // it was killed
	if picture == 0 {
		b.Fatalf("no slice within a minute; the last picture is %s", s.Keep("start", shown))
	}
	if dir := os.Getenv("BAYESLICE_KEEP_START"); dir != "" {
		uitest.Save(b, dir+"/start.png", shown)
	}
	for end := time.Now().Add(10 * time.Second); anything(s.Picture()) && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond) // until the window has gone
	}
	return window, picture
}

// anything reports whether a tenth of the screen is not black.
func anything(img *image.RGBA) bool {
	lit := 0
	for i := 0; i < len(img.Pix); i += 4 {
		if img.Pix[i] > 8 || img.Pix[i+1] > 8 || img.Pix[i+2] > 8 {
			lit++
		}
	}
	return lit > len(img.Pix)/40
}

// textured reports whether a square of 96 pixels within the screen is grey and nearly everywhere unlike its neighbour, as
// slices are and a user interface is not.
func textured(img *image.RGBA) bool {
	const side = 96
	for y := 0; y+side <= img.Rect.Dy(); y += side / 2 {
		for x := 0; x+side < img.Rect.Dx(); x += side / 2 {
			unlike := 0
			for v := y; v < y+side; v += 3 {
				for u := x; u < x+side; u += 3 {
					i := img.PixOffset(u, v)
					if p := img.Pix[i:]; p[0] == p[1] && p[1] == p[2] && p[0] != p[4] {
						unlike++
					}
				}
			}
			if unlike > side*side/9*7/10 {
				return true
			}
		}
	}
	return false
}
