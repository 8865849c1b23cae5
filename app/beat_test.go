//go:build linux

package app

import (
	"bufio"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"golang.org/x/sys/unix"

	"bayeslice/internal/testenv"
	"bayeslice/internal/uitest"
)

// childBeat is the environment variable that makes the program write its beats into the file it names.
const childBeat = "BAYESLICE_TEST_BEAT"

// beatPause is the time between two looks whether the application is made.
const beatPause = 2 * time.Millisecond

// beat writes, each time that the UI goroutine takes what the user did (the toolkit polls its events, and then lets
// animations tick, before it paints), when it did so before, how long that was ago, and how long the UI's thread computed
// since, nanoseconds, a line each. Between two of them the window answers nothing; the toolkit's own pace is 60 a second.
// It never ends.
func beat(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	before := fyne.CurrentApp() // the toolkit's own test application
	go func() {
		for fyne.CurrentApp() == before {
			time.Sleep(beatPause)
		}
		last, computed := time.Now(), int64(0)
		fyne.Do(fyne.NewAnimation(time.Hour, func(float32) {
			now, used := time.Now(), threadTime()
			fmt.Fprintln(f, last.UnixNano(), int64(now.Sub(last)), used-computed)
			last, computed = now, used
		}).Start)
	}()
	return nil
}

// threadTime returns the processor time of the calling thread, nanoseconds.
func threadTime() int64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &u); err != nil {
		return 0
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// stillness is the longest time, milliseconds, that the UI goroutine did not take what the user did, and the longest
// that its thread computed in one go.
type stillness struct{ waited, computed float64 }

// stillest returns the longest of the beats that touch a span of time.
func stillest(t testing.TB, path string, from, to time.Time) (longest stillness) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var at, waited, computed int64
		if _, err := fmt.Sscan(lines.Text(), &at, &waited, &computed); err != nil {
			continue // the line that is just being written
		}
		if begun := time.Unix(0, at); begun.Before(to) && begun.Add(time.Duration(waited)).After(from) {
			longest.waited = max(longest.waited, float64(waited)/1e6)
			longest.computed = max(longest.computed, float64(computed)/1e6)
		}
	}
	return longest
}

// BenchmarkWindowBeat measures for how long the window of a real exam answers nothing at most, while its
// network samples and a user does what asks most of it, each thing for the first time since the start of the program:
// each row is one deed, and its figure the longest time in milliseconds within a second of it between two looks of the
// UI goroutine at what the user did, painting in software included; "cpu" is what the UI's thread computed of that,
// which other load changes little, and "idle" the same once the network has stopped.
//
//	go test -tags migrated_fynedo -run '^$' -bench WindowBeat -benchtime 1x ./app
func BenchmarkWindowBeat(b *testing.B) {
	path := testenv.Data(b, "picai_prep", "ProstateX-0000")
	needRuntime(b)
	file := filepath.Join(b.TempDir(), "beats")
	p := launch(b, uitest.Start(b, 1280, 800), Options{Exam: path, Samples: 4000}, childBeat+"="+file)
	p.Within(time.Minute, "the exam", func(tree *uitest.Tree) bool { return len(tree.Match("Text", "^T2W")) > 0 })
	p.Quiet(time.Minute)
	for b.Loop() {
		longestOf(b, file, "run", func() {
			p.Key("ctrl+r")
			p.Within(2*time.Minute, "the first samples", func(tree *uitest.Tree) bool { return len(tree.Match("Text", `^Zones · [1-9]\d*`)) > 0 })
		})
		beats(b, p, file, "")
		longestOf(b, file, "stop", func() { p.Key("ctrl+period"); time.Sleep(3 * time.Second) })
		beats(b, p, file, "idle-")
	}
	p.Kill()
}

// beats does every deed and reports the longest wait of each.
func beats(b *testing.B, p *uitest.Program, file, prefix string) {
	middle := viewports(p.Tree())[0].Box.Center()
	for _, deed := range []struct {
		name string
		do   func()
	}{
		{"nothing", func() { time.Sleep(4 * time.Second) }},
		{"scroll", func() { p.Wheel(middle, 8); p.Wheel(middle, -8) }},
		{"contour", func() { p.Key("F6") }},
		{"uncertainty", func() { p.Key("F7") }},
		{"compare", func() { p.Key("F8") }},
		{"read", func() { p.Key("F5") }},
		{"maximise", func() { p.DoubleClick(middle) }},
		{"restore", func() { p.DoubleClick(middle) }},
		{"keys", func() { p.Key("question") }},
		{"keys-away", func() { p.Key("Escape") }},
		{"menu", func() { p.Key("F10") }},
		{"menu-away", func() { p.Key("Escape") }},
		{"preferences", func() { p.Key("ctrl+comma") }},
		{"preferences-away", func() { p.Key("Escape") }},
		{"export", func() { p.Key("ctrl+e") }},
		{"export-away", func() { p.Key("Escape") }},
		{"pick", func() { p.Key("ctrl+o") }},
		{"pick-away", func() { p.Key("Escape") }},
		{"training", func() { p.Key("ctrl+t") }},
		{"training-away", func() { p.Key("ctrl+t") }},
		{"privacy", func() { p.Key("ctrl+shift+h") }},
		{"privacy-away", func() { p.Key("ctrl+shift+h") }},
		{"stroke", func() { p.Key("b"); p.Drag(1, "", middle, middle.Add(image.Pt(40, 30))) }},
		{"undo", func() { p.Key("ctrl+z") }},
		{"window", func() { p.Key("v"); p.Drag(1, "", middle, middle.Add(image.Pt(40, 30))) }},
	} {
		longestOf(b, file, prefix+deed.name, deed.do)
	}
}

// longestOf does something and reports the longest waits until a second after it.
func longestOf(b *testing.B, file, name string, do func()) {
	from := time.Now()
	do()
	time.Sleep(time.Second)
	longest := stillest(b, file, from, time.Now())
	b.Logf("%s: %.0f ms, %.0f ms computed", name, longest.waited, longest.computed)
	b.ReportMetric(longest.waited, name+"-ms")
	b.ReportMetric(longest.computed, name+"-cpu-ms")
}
