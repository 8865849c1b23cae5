package uitest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// EnvSocket is the environment variable that tells the program under test where to listen: to everyone who
// connects it sends its [Tree], as it is after all that the user did until then, as JSON, and closes.
const EnvSocket = "BAYESLICE_TEST_TREE"

// patience is how long things may take that are done in a moment on an idle machine.
const patience = time.Minute

// Program is the program under test on a [Screen]. Its methods end the test where something is not as they need it.
type Program struct {
	*Screen

	cmd    *exec.Cmd
	log    syncBuffer
	ended  chan error
	socket string
}

// Launch starts the running test binary anew as the program, told by environment variables ("NAME=value") to be it,
// and makes its window as large as the screen. The program ends with the test at the latest.
func (s *Screen) Launch(env ...string) *Program {
	s.t.Helper()
	p := &Program{Screen: s, cmd: exec.Command(os.Args[0]), ended: make(chan error, 1), socket: filepath.Join(s.t.TempDir(), "tree")}
	p.cmd.Env = append(append(s.Environ(), EnvSocket+"="+p.socket), env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	s.Move(image.Point{}) // or it lies over what happens to be in the middle when the window appears, and that is hovered over
	if err := p.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() { p.ended <- p.cmd.Wait() }()
	s.t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	s.Do("search --sync --onlyvisible --class .", "windowmove %1 0 0", fmt.Sprintf("windowsize %%1 %d %d", s.size.X, s.size.Y))
	p.Until("a window as large as the screen", func(t *Tree) bool {
		return int(t.Size.W+0.5) == s.size.X && int(t.Size.H+0.5) == s.size.Y
	})
	return p
}

// PID returns the number of the program's process.
func (p *Program) PID() int { return p.cmd.Process.Pid }

// Log returns what the program wrote to its standard streams.
func (p *Program) Log() string { return p.log.String() }

// Tree asks the program what its window shows.
func (p *Program) Tree() *Tree {
	p.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		tree, err := p.ask()
		if err == nil {
			return tree
		}
		select {
		case err := <-p.ended:
			p.ended <- err
			p.t.Fatalf("the program has ended: %v\n%s", err, p.Log())
		default:
		}
		if time.Now().After(end) {
			p.t.Fatalf("the program does not say what it shows: %v\n%s", err, p.Log())
		}
	}
}

func (p *Program) ask() (*Tree, error) {
	tree := &Tree{}
	if err := Ask(p.socket, tree); err != nil {
		return nil, err
	}
	return tree, nil
}

// Until waits until the window shows what satisfies.
func (p *Program) Until(what string, holds func(*Tree) bool) *Tree {
	p.t.Helper()
	return p.Within(patience, what, holds)
}

// Within is [Program.Until] with a limit of its own.
func (p *Program) Within(limit time.Duration, what string, holds func(*Tree) bool) *Tree {
	p.t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(60 * time.Millisecond) {
		t := p.Tree()
		if holds(t) {
			return t
		}
		if time.Now().After(end) {
			p.fail("%s was not seen within %v", what, limit)
		}
	}
}

// fail ends the test with a message, a picture, and what can be read in the window.
func (p *Program) fail(format string, a ...any) {
	p.t.Helper()
	p.t.Fatalf("%s\nthe last picture is %s\nit reads: %s\nthe program wrote: %s", fmt.Sprintf(format, a...), p.Keep("failed", p.Picture()), p.Tree().Texts(), p.Log())
}

// SeeText waits until a text is to be read whole.
func (p *Program) SeeText(text string) Node {
	p.t.Helper()
	var found Node
	p.Until(fmt.Sprintf("%q", text), func(t *Tree) bool {
		all := t.Find("", text)
		if len(all) > 0 {
			found = all[0]
		}
		return len(all) > 0
	})
	return found
}

// Control waits for the control of a name that takes events, and returns it.
func (p *Program) Control(name string) Node {
	p.t.Helper()
	return p.node(fmt.Sprintf("%q", name), func(t *Tree) (Node, error) { return t.Control(name) })
}

// Field waits for the control of a kind beside a text that takes events, and returns it.
func (p *Program) Field(label, kind string) Node {
	p.t.Helper()
	return p.node(fmt.Sprintf("the %s of %q", kind, label), func(t *Tree) (Node, error) { return t.Beside(label, kind) })
}

// node waits until a node is there, takes events, and does not move: panels open and close with animations.
func (p *Program) node(what string, find func(*Tree) (Node, error)) Node {
	p.t.Helper()
	var last Node
	err := errors.New("not looked for")
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		var n Node
		if n, err = find(p.Tree()); err != nil {
			continue
		}
		if n.Disabled {
			err = errors.New("it takes no events")
			continue
		}
		if n.Box == last.Box {
			return n
		}
		last = n
	}
	p.fail("%s: %v", what, err)
	return last
}

// Click is [Screen.Click], and returns when the program has taken the click: what a slow program takes late
// would come too close to the click after it.
func (p *Program) Click(at image.Point, button int) {
	p.t.Helper()
	p.Screen.Click(at, button)
	p.taken()
}

// DoubleClick is [Screen.DoubleClick], and returns when the program has taken it.
func (p *Program) DoubleClick(at image.Point) {
	p.t.Helper()
	p.Screen.DoubleClick(at)
	p.taken()
}

// Drag is [Screen.Drag], and returns when the program has taken it.
func (p *Program) Drag(button int, held string, points ...image.Point) {
	p.t.Helper()
	p.Screen.Drag(button, held, points...)
	p.taken()
}

// taken waits until the program has taken what was done to it, or has ended for it.
func (p *Program) taken() {
	_, _ = p.ask()
	p.clicked = time.Now()
}

// Press clicks on the control of a name.
func (p *Program) Press(name string) {
	p.t.Helper()
	p.Click(p.Control(name).Seen.Center(), Left)
}

// PressLast clicks on the control of a name that was painted last: of a button in the tool bar and one in a panel, on
// the panel's.
func (p *Program) PressLast(name string) {
	p.t.Helper()
	n := p.node(fmt.Sprintf("%q", name), func(t *Tree) (Node, error) {
		all := slices.DeleteFunc(t.Find("", name), func(n Node) bool { return !slices.Contains(Controls, n.Kind) })
		if len(all) == 0 {
			return Node{}, fmt.Errorf("no control named %q can be seen", name)
		}
		return all[len(all)-1], nil
	})
	p.Click(n.Seen.Center(), Left)
}

// Slide drags the slider beside a text to a fraction of its length.
func (p *Program) Slide(label string, to float64) {
	p.t.Helper()
	n := p.Field(label, "Slider")
	at := 0.5
	if n.Range > 0 {
		at = n.Value
	}
	p.Drag(Left, "", n.Box.At(at, 0.5), n.Box.At(to, 0.5))
	p.Until("another value of "+label, func(t *Tree) bool {
		now, err := t.Beside(label, "Slider")
		return err == nil && now.Value != n.Value
	})
}

// Quiet waits until the program answers and the picture stays the same, and returns it.
func (p *Program) Quiet(limit time.Duration) *image.RGBA {
	p.t.Helper()
	return p.quiet(limit, func() { p.Tree() })
}

// Fill replaces what stands in the field beside a text.
func (p *Program) Fill(label, text string) {
	p.t.Helper()
	p.Click(p.Field(label, "Entry").Seen.Center(), Left)
	p.Key("ctrl+a")
	p.Type(text)
}

// Choose opens the list beside a text and clicks on one of its choices.
func (p *Program) Choose(label, choice string) {
	p.t.Helper()
	p.Click(p.Field(label, "Select").Seen.Center(), Left)
	p.pick(choice)
}

// ChooseFrom opens the list that shows a choice, and clicks on another one.
func (p *Program) ChooseFrom(shown, choice string) {
	p.t.Helper()
	p.Press(shown)
	p.pick(choice)
}

// pick clicks on an item of the open list.
func (p *Program) pick(choice string) {
	p.t.Helper()
	p.Until("an open list", func(t *Tree) bool { return t.top() > 0 })
	p.Click(p.node(choice, func(t *Tree) (Node, error) {
		if items := t.Find("Text", choice); len(items) > 0 {
			return items[0], nil
		}
		return Node{}, fmt.Errorf("the list offers no %q", choice)
	}).Seen.Center(), Left)
}

// Reveal turns the wheel over a place until a text there is in view, and returns it. It turns no further before the window
// is at rest: what was done before, or the last notch, may just be bringing the text.
func (p *Program) Reveal(over image.Point, text string) Node {
	p.t.Helper()
	for _, step := range []int{-1, 1} {
		for range 60 {
			p.Quiet(patience)
			if len(p.Tree().Find("", text)) > 0 {
				return p.SeeText(text)
			}
			p.Wheel(over, step)
		}
	}
	p.fail("no scrolling shows %q", text)
	return Node{}
}

// End waits for the program to end by itself, and fails the test where it does not, or with a failure, or where it
// wrote what a program must not.
func (p *Program) End() {
	p.t.Helper()
	select {
	case err := <-p.ended:
		p.ended <- err
		if err != nil {
			p.t.Errorf("the program ended with %v\n%s", err, p.Log())
		}
	case <-time.After(patience):
		p.t.Errorf("the window does not close; %s", p.Keep("failed", p.Picture()))
	}
	written := strings.ReplaceAll(p.Log(), "Fyne error:  Getting favorite locations", "") // a home folder without Videos
	for _, bad := range []string{"Error in Fyne call thread", "panic", "Fyne error: "} {
		if strings.Contains(written, bad) {
			p.t.Errorf("the program wrote %q:\n%s", bad, p.Log())
		}
	}
}

// Kill ends the program as a crash would (SIGKILL) and waits for it.
func (p *Program) Kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	p.ended <- <-p.ended
}

// syncBuffer collects what a program writes.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements [io.Writer].
func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

// String returns what was written.
func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// Serve answers at the socket that [EnvSocket] names with what tree returns, until the program ends. It is for the
// program under test, which calls it before its window opens; tree runs on a goroutine of its own.
func Serve(tree func() *Tree) error {
	path := os.Getenv(EnvSocket)
	if path == "" {
		return nil
	}
	return Answer(path, func() any { return tree() })
}

// Answer listens at a Unix socket until the program ends, and sends everyone who connects, one after the other, what answer
// returns then, as JSON. It does nothing but in tests.
func Answer(path string, answer func() any) error {
	if !testing.Testing() {
		return nil
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = json.NewEncoder(c).Encode(answer())
			_ = c.Close()
		}
	}()
	return nil
}

// Ask fills to, a pointer, with what the program that listens at a Unix socket answers.
func Ask(path string, to any) error {
	c, err := net.DialTimeout("unix", path, time.Second)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	return json.NewDecoder(c).Decode(to)
}
