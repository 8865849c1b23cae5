package render

import (
	"context"
	"image"
	"runtime"
	"sync"
	"sync/atomic"
)

// CPU is the pure-Go renderer. It needs nothing of the machine and takes concurrent calls.
type CPU struct {
	workers int
	boxes   *boxCache
	mu      sync.RWMutex // read-held while drawing
	closed  bool
}

var _ Renderer = (*CPU)(nil)

// NewCPU returns a renderer that draws on up to GOMAXPROCS goroutines.
func NewCPU() *CPU { return &CPU{workers: runtime.GOMAXPROCS(0), boxes: newBoxCache()} }

// Name returns "CPU".
func (*CPU) Name() string { return "CPU" }

// Close waits for calls in flight; later ones return [ErrClosed].
func (c *CPU) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	return nil
}

// Render draws the scene; see [Renderer]. It fails with [ErrScene], [ErrClosed] or ctx's error.
func (c *CPU) Render(ctx context.Context, scene Scene, w, h int) (*image.RGBA, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.closed {
		return nil, ErrClosed
	}
	if err := scene.check(w, h); err != nil {
		return nil, err
	}
	j := newCPUJob(&scene, w, h, c.boxes)
	if err := j.run(ctx, c.workers); err != nil {
		return nil, err
	}
	return j.img, nil
}

// cpuJob is one picture being drawn, in strips of rows shared out between goroutines.
type cpuJob struct {
	prepared
	grey, tint *sampler // nil where the scene has no base or overlay
	table      *[257][3]float32
	contours   []*sampler
	img        *image.RGBA
	next       atomic.Int64 // first row of the next strip
}

// stripRows trades the two border rows that every strip samples again against an even load.
const stripRows = 32

func newCPUJob(scene *Scene, w, h int, boxes *boxCache) *cpuJob {
	j := &cpuJob{prepared: prepare(scene, w, h, boxes), img: image.NewRGBA(image.Rect(0, 0, w, h))}
	if j.base != nil {
		j.grey = newSampler(j.base)
	}
	if j.overlay != nil {
		j.tint, j.table = newSampler(j.overlay), rgbTable(j.mapRow)
	}
	for _, f := range j.fields {
		j.contours = append(j.contours, newSampler(f))
	}
	return j
}

func (j *cpuJob) run(ctx context.Context, workers int) error {
	strips := (j.h + stripRows - 1) / stripRows
	var wg sync.WaitGroup
	for range min(workers, strips) - 1 {
		wg.Go(func() { j.work(ctx) })
	}
	j.work(ctx)
	wg.Wait()
	return ctx.Err()
}

// work draws strips until none is left or ctx is cancelled.
func (j *cpuJob) work(ctx context.Context) {
	b := j.newStrip()
	for ctx.Err() == nil {
		y0 := int(j.next.Add(stripRows)) - stripRows
		if y0 >= j.h {
			return
		}
		j.strip(b, y0, min(y0+stripRows, j.h))
	}
}

// strip is the scratch memory of one goroutine.
type strip struct {
	values []float32
	fields [][]float32 // per field, stripRows+2 rows of w+2 samples
	row    rgbRow
}

func (j *cpuJob) newStrip() *strip {
	b := &strip{values: make([]float32, j.w), row: newRGBRow(j.w)}
	for range j.fields {
		b.fields = append(b.fields, make([]float32, (j.w+2)*(min(stripRows, j.h)+2)))
	}
	return b
}

// strip draws the rows y0 to y1−1.
func (j *cpuJob) strip(b *strip, y0, y1 int) {
	width := j.w + 2
	for n, s := range j.contours {
		area := j.fields[n].area.Intersect(image.Rect(-1, y0-1, j.w+1, y1+1))
		for y := area.Min.Y; y < area.Max.Y; y++ {
			s.row(b.fields[n][(y-y0+1)*width:][area.Min.X+1:area.Max.X+1], area.Min.X, y)
		}
	}
	for y := y0; y < y1; y++ {
		b.row.clear()
		if j.base != nil {
			x, values := b.read(j.base, j.grey, y)
			b.row.grey(x, values, j.low, j.scale)
		}
		if j.overlay != nil {
			x, values := b.read(j.overlay, j.tint, y)
			b.row.tint(x, values, j.shading, j.table)
		}
		for i := range j.pens {
			p := &j.pens[i]
			if y >= p.area.Min.Y && y < p.area.Max.Y {
				f := b.fields[p.field][(y-y0)*width:]
				p.stroke(&b.row, f[:width], f[width:2*width], f[2*width:3*width], y)
			}
		}
		b.row.store(j.img.Pix[y*j.img.Stride:][:4*j.w])
	}
}

// read samples the part of row y that lies in the source's area, which starts at column x.
func (b *strip) read(from *source, with *sampler, y int) (x int, values []float32) {
	if y < from.area.Min.Y || y >= from.area.Max.Y {
		return 0, nil
	}
	values = b.values[:from.area.Dx()]
	with.row(values, from.area.Min.X, y)
	return from.area.Min.X, values
}
