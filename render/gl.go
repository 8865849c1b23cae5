//go:build cgo

package render

import (
	"context"
	"errors"
	"fmt"
	"image"
	"runtime"
	"strings"
	"sync"
)

// GL is the OpenGL 3.3 renderer. It owns one OS thread, on which its context lives and all its GL
// calls are made; volumes are uploaded once and kept while they are in use. It takes concurrent
// calls and draws them one after the other.
type GL struct {
	context   glContext
	name      string
	hardware  bool
	jobs      chan glJob
	closing   chan struct{}
	ended     chan struct{} // closed when the thread has released the context
	closeOnce sync.Once
}

var _ Renderer = (*GL)(nil)

// glJob is one Render call on its way to the thread.
type glJob struct {
	ctx   context.Context //nolint:containedctx // a call travelling through a channel
	scene *Scene
	w, h  int
	reply chan<- glReply // capacity 1
}

type glReply struct {
	img *image.RGBA
	err error
}

// NewGL returns a renderer on the first graphics device found that draws in hardware, else on Mesa's
// software one. On Linux it needs libEGL.so.1 and no display, and may be called on any goroutine. On
// other systems it makes a hidden GLFW window: there NewGL and Close must be called on the main
// thread, and Render anywhere. It fails where no OpenGL 3.3 context can be made, with the reasons.
func NewGL() (*GL, error) {
	sources, err := contextSources()
	if err != nil {
		return nil, fmt.Errorf("render: %w", err)
	}
	var software *GL
	reasons := []error{errNoContext}
	for _, source := range sources {
		g, err := openGL(source)
		switch {
		case err != nil:
			reasons = append(reasons, fmt.Errorf("%s: %w", source.name, err))
		case g.hardware:
			if software != nil {
				err = software.Close()
			}
			return g, err
		case software == nil:
			software = g
		default:
			if err := g.Close(); err != nil {
				return nil, err
			}
		}
	}
	if software != nil {
		return software, nil
	}
	return nil, fmt.Errorf("render: %w", joinReasons(reasons))
}

// joinReasons puts errors on one line.
func joinReasons(reasons []error) error {
	texts := make([]string, len(reasons))
	for i, r := range reasons {
		texts[i] = r.Error()
	}
	return errors.New(strings.Join(texts, "; "))
}

// openGL makes a context and starts its thread.
func openGL(source contextSource) (*GL, error) {
	c, err := source.open()
	if err != nil {
		return nil, err
	}
	g := &GL{context: c, jobs: make(chan glJob), closing: make(chan struct{}), ended: make(chan struct{})}
	ready := make(chan error, 1)
	go g.loop(ready)
	if err := <-ready; err != nil {
		<-g.ended
		c.destroy()
		return nil, err
	}
	return g, nil
}

// loop is the GL thread. The goroutine stays locked to it, so that the thread ends with the loop.
func (g *GL) loop(ready chan<- error) {
	runtime.LockOSThread()
	defer close(g.ended)
	if err := g.context.makeCurrent(); err != nil {
		ready <- err
		return
	}
	defer g.context.release()
	d, err := newDevice(g.context)
	if err != nil {
		ready <- err
		return
	}
	defer d.free()
	g.name, g.hardware = d.name, d.hardware
	ready <- nil
	for {
		select {
		case job := <-g.jobs:
			img, err := d.render(job.ctx, job.scene, job.w, job.h)
			job.reply <- glReply{img, err}
		case <-g.closing:
			return
		}
	}
}

// Name says which OpenGL draws, e.g. "OpenGL 4.5 (llvmpipe (LLVM 15.0.6, 256 bits))".
func (g *GL) Name() string { return g.name }

// Hardware reports whether a graphics device draws, rather than a software implementation.
func (g *GL) Hardware() bool { return g.hardware }

// Render draws the scene; see [Renderer]. It fails with [ErrScene], [ErrClosed], ctx's error,
// [ErrVolumeSize] where a volume is larger than the device's textures, and with [ErrDevice] where
// OpenGL itself fails: then every later call fails with it too.
func (g *GL) Render(ctx context.Context, scene Scene, w, h int) (*image.RGBA, error) {
	if err := scene.check(w, h); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	reply := make(chan glReply, 1)
	select {
	case <-g.closing:
		return nil, ErrClosed
	default:
	}
	select {
	case g.jobs <- glJob{ctx, &scene, w, h, reply}:
		r := <-reply
		return r.img, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-g.closing:
		return nil, ErrClosed
	}
}

// Close ends the picture being drawn, frees the textures and the context and ends the thread. Waiting
// Render calls return [ErrClosed]. It may be called again, and from several goroutines at once.
func (g *GL) Close() error {
	g.closeOnce.Do(func() {
		close(g.closing)
		<-g.ended
		g.context.destroy()
	})
	return nil
}
