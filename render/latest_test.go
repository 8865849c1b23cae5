package render

import (
	"context"
	"errors"
	"image"
	"slices"
	"sync"
	"testing"
)

// gate is a renderer that waits until the test lets a picture through, and remembers what it drew.
type gate struct {
	started chan Window
	let     chan struct{}
	err     error
}

func newGate() *gate { return &gate{started: make(chan Window), let: make(chan struct{})} }

func (g *gate) Render(ctx context.Context, s Scene, w, h int) (*image.RGBA, error) {
	g.started <- s.Window
	select {
	case <-g.let:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if g.err != nil {
		return nil, g.err
	}
	return image.NewRGBA(image.Rect(0, 0, w, h)), nil
}

func (*gate) Name() string { return "gate" }
func (*gate) Close() error { return nil }

func TestLatestSkipsWhatWasReplaced(t *testing.T) {
	g, results := newGate(), make(chan Result, 10)
	l := NewLatest(g, func(r Result) { results <- r })
	defer l.Close()
	request := func(level float64) uint64 { return l.Submit(Scene{Window: Window{Level: level}}, 3, 2) }
	first := request(1)
	<-g.started
	request(2)
	request(3)
	last := request(4) // replaces 2 and 3, which wait
	g.let <- struct{}{}
	if w := <-g.started; w.Level != 4 {
		t.Errorf("drew request %g after the first, want the newest, 4", w.Level)
	}
	g.let <- struct{}{}
	if a, b := <-results, <-results; a.Generation != first || b.Generation != last || b.Image.Rect.Dx() != 3 || b.Scene.Window.Level != 4 {
		t.Errorf("delivered %+v and %+v", a, b)
	}
	if l.Generation() != last || last != 4 {
		t.Errorf("generation %d, want 4", l.Generation())
	}
}

func TestLatestDiscardsAndCloses(t *testing.T) {
	g := newGate()
	l := NewLatest(g, func(r Result) { t.Errorf("delivered %+v", r) })
	l.Submit(Scene{}, 1, 1)
	<-g.started
	l.Submit(Scene{}, 1, 1)
	l.Discard()
	l.Close()
	l.Close()
	if got := l.Submit(Scene{}, 1, 1); got != 0 {
		t.Errorf("Submit after Close = %d, want 0", got)
	}
}

func TestLatestSyncDeliversBeforeReturning(t *testing.T) {
	var got []uint64
	l := NewLatestSync(NewCPU(), func(r Result) {
		if !errors.Is(r.Err, ErrScene) {
			t.Errorf("error = %v, want ErrScene", r.Err)
		}
		got = append(got, r.Generation)
	})
	l.Submit(Scene{}, 1, 1)
	l.Submit(Scene{}, 1, 1)
	l.Close()
	if !slices.Equal(got, []uint64{1, 2}) {
		t.Errorf("generations %v, want 1 and 2", got)
	}
}

func TestLatestUnderLoad(t *testing.T) {
	s, w, h := rampScene(t)
	r := NewCPU()
	var mu sync.Mutex
	var seen []uint64
	l := NewLatest(r, func(res Result) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, res.Generation)
	})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				l.Submit(s, w, h)
			}
		})
	}
	wg.Wait()
	l.Close()
	if !slices.IsSorted(seen) || len(slices.Compact(slices.Clone(seen))) != len(seen) {
		t.Errorf("generations are not strictly rising: %v", seen)
	}
}

// broken fails every picture with err.
type broken struct{ err error }

func (b broken) Render(context.Context, Scene, int, int) (*image.RGBA, error) { return nil, b.err }
func (broken) Name() string                                                   { return "broken" }
func (broken) Close() error                                                   { return nil }

func TestFallbackIsVisible(t *testing.T) {
	s, w, h := rampScene(t)
	f := NewFallback(broken{ErrDevice}, NewCPU())
	if f.Note() != "" || f.Name() != "broken" {
		t.Errorf("before: note %q, name %q", f.Note(), f.Name())
	}
	draw(t, f, s, w, h)
	if f.Note() == "" || f.Name() != "CPU" {
		t.Errorf("after a failure: note %q, name %q", f.Note(), f.Name())
	}
	f = NewFallback(broken{ErrScene}, NewCPU())
	if _, err := f.Render(context.Background(), s, w, h); !errors.Is(err, ErrScene) || f.Note() != "" {
		t.Errorf("a bad scene: error %v, note %q; want no fallback", err, f.Note())
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func TestLRUEvictsTheLongestUnusedButNothingInUse(t *testing.T) {
	var freed []uint32
	c := newLRU[string](10, func(name uint32) { freed = append(freed, name) })
	add := func(key string, name uint32, bytes int64) {
		c.makeRoom(bytes)
		c.put(key, lruEntry{name: name, bytes: bytes})
	}
	c.tick()
	add("a", 1, 4)
	c.tick()
	add("b", 2, 4)
	c.tick()
	if c.get("a") == nil || c.get("x") != nil {
		t.Fatal("get finds what is not there, or does not what is")
	}
	add("c", 3, 4) // b is the longest unused
	if !slices.Equal(freed, []uint32{2}) || c.used != 8 {
		t.Errorf("freed %v, %d bytes used; want b's texture 2 and 8", freed, c.used)
	}
	add("d", 4, 20) // a and c belong to this picture
	if len(freed) != 1 || c.used != 28 {
		t.Errorf("freed %v while in use", freed)
	}
	c.tick()
	c.removeIf(func(k string) bool { return k == "a" })
	c.makeRoom(10)
	if c.used != 0 || len(freed) != 4 {
		t.Errorf("%d bytes used, freed %v; want everything freed", c.used, freed)
	}
}
