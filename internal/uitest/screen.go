// Package uitest drives the program's real window in tests. [Start] gives a virtual display with a mouse, a
// keyboard and a camera, [Screen.Launch] the program on it, [Program.Tree] what its window shows and where,
// [Faults] finds texts that cannot be read, and [Compare] finds what differs from a reference picture.
// It knows nothing of the window toolkit: the program under test sends its tree through a socket.
package uitest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"bayeslice/internal/testenv"
)

// Screen is a virtual display. Its methods end the test where the display fails, and are for one goroutine.
type Screen struct {
	t       testing.TB
	size    image.Point // pixels
	display string
	said    syncBuffer // what Xvfb and xdotool write
	frames  *os.File   // the display's memory, as Xvfb keeps it in a file
	pixels  int64      // where the first pixel is in it
	stride  int        // bytes of a row
	events  io.Writer
	answers *bufio.Reader // what xdotool says
	clicked time.Time     // the last release of a button
}

// Start starts Xvfb with a screen of the given size in pixels for the length of the test, or skips the test
// where Xvfb or xdotool is missing.
func Start(t testing.TB, width, height int) *Screen {
	t.Helper()
	for _, tool := range []string{"Xvfb", "xdotool"} {
		if _, err := exec.LookPath(tool); err != nil {
			testenv.SkipOrFail(t, "display", tool+" is not installed; the window is not tested (make setup-test)")
		}
	}
	s := &Screen{t: t, size: image.Pt(width, height)}
	folder := t.TempDir()
	s.startServer(folder)
	if err := s.openFrames(filepath.Join(folder, "Xvfb_screen0")); err != nil {
		t.Fatalf("uitest: the display's memory: %v", err)
	}
	s.startEvents()
	return s
}

// startServer starts Xvfb, which keeps the picture in a file of the folder.
func (s *Screen) startServer(folder string) {
	s.t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", fmt.Sprintf("%dx%dx24", s.size.X, s.size.Y),
		"-fbdir", folder, "+extension", "GLX", "-nolisten", "tcp")
	cmd.ExtraFiles, cmd.Stderr = []*os.File{write}, &s.said
	if err := cmd.Start(); err != nil {
		testenv.SkipOrFail(s.t, "display", "Xvfb does not start: "+err.Error())
	}
	s.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = read.Close()
	})
	_ = write.Close()
	number, _ := bufio.NewReader(read).ReadString('\n')
	if number = strings.TrimSpace(number); number == "" {
		testenv.SkipOrFail(s.t, "display", "Xvfb offers no display")
	}
	s.display = ":" + number
}

// openFrames opens the display's memory, an XWD file: a header of big-endian words, colours of 12 bytes, rows.
func (s *Screen) openFrames(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	s.t.Cleanup(func() { _ = f.Close() })
	var header [25]uint32
	if err := binary.Read(io.NewSectionReader(f, 0, 100), binary.BigEndian, &header); err != nil {
		return err
	}
	if size := image.Pt(int(header[4]), int(header[5])); size != s.size || header[7] != 0 || header[11] != 32 {
		return fmt.Errorf("a picture of %v with %d bits a pixel, byte order %d", size, header[11], header[7])
	}
	s.frames, s.stride, s.pixels = f, int(header[12]), int64(header[0])+12*int64(header[19])
	return nil
}

// startEvents starts the one xdotool that takes commands until the test ends. A loaded machine may not let it reach
// the display at once.
func (s *Screen) startEvents() {
	s.t.Helper()
	var err error
	for range 5 {
		if err = s.tryEvents(); err == nil {
			return
		}
		time.Sleep(time.Second)
	}
	s.t.Fatalf("uitest: xdotool: %v; the display %s: %s", err, s.display, s.said.String())
}

// tryEvents starts xdotool and has it answer once.
func (s *Screen) tryEvents() error {
	cmd := exec.Command("xdotool", "-")
	cmd.Env, cmd.Stderr = s.Environ(), &s.said
	in, errIn := cmd.StdinPipe()
	out, errOut := cmd.StdoutPipe()
	if err := errors.Join(errIn, errOut); err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	end := func() {
		_ = in.Close()
		_ = cmd.Wait()
	}
	s.events, s.answers = in, bufio.NewReader(out)
	_, asking := io.WriteString(in, "getmouselocation\n")
	if _, err := s.answers.ReadString('\n'); err != nil {
		end()
		return errors.Join(asking, err)
	}
	s.t.Cleanup(end)
	return nil
}

// Environ returns the environment of programs on this display.
func (s *Screen) Environ() []string {
	return append(os.Environ(), "DISPLAY="+s.display, "LANG=en_US.UTF-8", "MESA_SHADER_CACHE_DISABLE=true")
}

// Size returns the screen's width and height in pixels.
func (s *Screen) Size() image.Point { return s.size }

// Do carries out xdotool commands, one a line, and returns when the display has them. An argument with blanks
// stands in double quotes.
func (s *Screen) Do(lines ...string) {
	s.t.Helper()
	s.Post(append(lines, "getmouselocation")...)
	if _, err := s.answers.ReadString('\n'); err != nil {
		s.t.Fatalf("uitest: xdotool %q: %v; the display %s: %s", lines, err, s.display, s.said.String())
	}
}

// Post is [Screen.Do] that does not wait.
func (s *Screen) Post(lines ...string) {
	s.t.Helper()
	if _, err := io.WriteString(s.events, strings.Join(lines, "\n")+"\n"); err != nil {
		s.t.Fatalf("uitest: xdotool %q: %v", lines, err)
	}
}

// Move moves the mouse to a pixel of the screen.
func (s *Screen) Move(p image.Point) {
	s.t.Helper()
	s.Do(fmt.Sprintf("mousemove %d %d", p.X, p.Y))
}

// Mouse buttons, as X numbers them.
const (
	Left = iota + 1
	Middle
	Right
	wheelUp
	wheelDown
)

// Click presses and releases a button at a pixel. The pause between is a user's. Clicks stay half a second apart:
// about a third after one that could become a double click, the toolkit forgets what is pressed.
func (s *Screen) Click(p image.Point, button int) {
	s.t.Helper()
	time.Sleep(time.Until(s.clicked.Add(500 * time.Millisecond)))
	s.Do(fmt.Sprintf("mousemove %d %d", p.X, p.Y), "sleep 0.03", fmt.Sprintf("mousedown %d", button), "sleep 0.03", fmt.Sprintf("mouseup %d", button))
	s.clicked = time.Now()
}

// DoubleClick clicks twice with the left button.
func (s *Screen) DoubleClick(p image.Point) {
	s.t.Helper()
	time.Sleep(time.Until(s.clicked.Add(500 * time.Millisecond)))
	s.Do(fmt.Sprintf("mousemove %d %d", p.X, p.Y), "sleep 0.03", "click 1", "sleep 0.05", "click 1")
	s.clicked = time.Now()
}

// Drag moves with a button held from the first point to the last, in steps of at most eight pixels, at about the speed
// of a hand. Held names modifier keys, such as "ctrl".
func (s *Screen) Drag(button int, held string, points ...image.Point) {
	s.t.Helper()
	time.Sleep(time.Until(s.clicked.Add(500 * time.Millisecond)))
	var lines []string
	if held != "" {
		lines = append(lines, "keydown "+held)
	}
	lines = append(lines, fmt.Sprintf("mousemove %d %d", points[0].X, points[0].Y), "sleep 0.05", fmt.Sprintf("mousedown %d", button), "sleep 0.05")
	for i := 1; i < len(points); i++ {
		from, to := points[i-1], points[i]
		steps := max(1, max(abs(to.X-from.X), abs(to.Y-from.Y))/8)
		for n := 1; n <= steps; n++ {
			at := from.Add(to.Sub(from).Mul(n).Div(steps))
			lines = append(lines, fmt.Sprintf("mousemove %d %d", at.X, at.Y), "sleep 0.008")
		}
	}
	lines = append(lines, fmt.Sprintf("mouseup %d", button))
	if held != "" {
		lines = append(lines, "keyup "+held)
	}
	s.Do(lines...)
	s.clicked = time.Now()
}

func abs(v int) int { return max(v, -v) }

// Wheel turns the wheel at a pixel by n notches, away from the user where n is positive.
func (s *Screen) Wheel(p image.Point, n int) {
	s.t.Helper()
	button := wheelUp
	if n < 0 {
		button, n = wheelDown, -n
	}
	lines := []string{fmt.Sprintf("mousemove %d %d", p.X, p.Y)}
	for range n {
		lines = append(lines, "click "+strconv.Itoa(button), "sleep 0.03")
	}
	s.Do(lines...)
}

// Key presses keys one after the other, named as X does: "ctrl+r", "Return", "s".
func (s *Screen) Key(keys ...string) {
	s.t.Helper()
	var lines []string
	for _, k := range keys {
		lines = append(lines, "key "+k, "sleep 0.03")
	}
	s.Do(lines...)
}

// Type types a text of printable characters without double quotes.
func (s *Screen) Type(text string) {
	s.t.Helper()
	s.Do(`type --delay 15 "` + text + `"`)
}

// Picture returns what the screen shows.
func (s *Screen) Picture() *image.RGBA {
	s.t.Helper()
	img, err := s.Region(image.Rectangle{Max: s.size})
	if err != nil {
		s.t.Fatalf("uitest: %v", err)
	}
	return img
}

// Region returns what a rectangle of the screen shows. It may be called while other methods run.
func (s *Screen) Region(r image.Rectangle) (*image.RGBA, error) {
	r = r.Intersect(image.Rectangle{Max: s.size})
	img := image.NewRGBA(r)
	row := make([]byte, 4*r.Dx())
	for y := r.Min.Y; y < r.Max.Y; y++ {
		if _, err := s.frames.ReadAt(row, s.pixels+int64(y*s.stride+4*r.Min.X)); err != nil {
			return nil, err
		}
		to := img.Pix[img.PixOffset(r.Min.X, y):]
		for i := 0; i < len(row); i += 4 { // blue, green, red, nothing
			to[i], to[i+1], to[i+2], to[i+3] = row[i+2], row[i+1], row[i], 0xff
		}
	}
	return img, nil
}

// Until returns the first picture that satisfies, and fails the test where none does in time.
func (s *Screen) Until(what string, limit time.Duration, holds func(image.Image) bool) *image.RGBA {
	s.t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(50 * time.Millisecond) {
		img := s.Picture()
		if holds(img) {
			return img
		}
		if time.Now().After(end) {
			s.t.Fatalf("%s was not seen within %v; the last picture is %s", what, limit, s.Keep("failed", img))
		}
	}
}

// quietFor is how long a picture must stay the same to count as final, and quietShare what share of its pixels may
// change meanwhile: a text cursor blinks.
const (
	quietFor   = 400 * time.Millisecond
	quietShare = 0.0005
)

// quiet waits until the picture stays the same, with a call in between that waits for the program.
func (s *Screen) quiet(limit time.Duration, answer func()) *image.RGBA {
	s.t.Helper()
	img, since := s.Picture(), time.Now()
	for end := time.Now().Add(limit); ; {
		time.Sleep(40 * time.Millisecond)
		answer()
		now := s.Picture()
		if changed(img, now) > quietShare {
			img, since = now, time.Now()
		}
		if time.Since(since) > quietFor {
			return now
		}
		if time.Now().After(end) {
			s.t.Fatalf("the window does not come to rest within %v; the last picture is %s", limit, s.Keep("failed", now))
		}
	}
}

// changed returns the share of pixels that differ at all.
func changed(a, b *image.RGBA) float64 {
	if bytes.Equal(a.Pix, b.Pix) {
		return 0
	}
	n := 0
	for i := 0; i < len(a.Pix); i += 4 {
		if !bytes.Equal(a.Pix[i:i+4], b.Pix[i:i+4]) {
			n++
		}
	}
	return float64(n) / float64(len(a.Pix)/4)
}

// Keep writes a picture where it outlives the test, for a person to look at, and returns its path.
func (s *Screen) Keep(name string, img image.Image) string {
	s.t.Helper()
	folder := filepath.Join(os.TempDir(), "bayeslice-uitest")
	path := filepath.Join(folder, strings.ReplaceAll(s.t.Name(), "/", "-")+"-"+name+".png")
	if err := os.MkdirAll(folder, 0o750); err != nil {
		s.t.Fatal(err)
	}
	Save(s.t, path, img)
	return path
}

// Save writes a picture as PNG, with a palette where it has at most 256 colours.
func Save(t testing.TB, path string, img image.Image) {
	t.Helper()
	var out bytes.Buffer
	enc := png.Encoder{CompressionLevel: png.BestCompression}
	if err := enc.Encode(&out, paletted(img)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// paletted returns the picture with a palette, or as it is where it has too many colours.
func paletted(img image.Image) image.Image {
	b := img.Bounds()
	index := map[color.Color]uint8{}
	out := image.NewPaletted(b, nil)
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := img.At(x, y)
			i, known := index[c]
			if !known {
				if len(index) == 256 {
					return img
				}
				i = uint8(len(index))
				index[c] = i
				out.Palette = append(out.Palette, c)
			}
			out.SetColorIndex(x, y, i)
		}
	}
	return out
}
