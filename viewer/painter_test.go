package viewer

import (
	"context"
	"image"
	"testing"

	"bayeslice/render"
)

// gateRenderer draws when it is allowed to, and counts.
type gateRenderer struct {
	started chan struct{}
	gate    chan struct{}
}

func (r *gateRenderer) Render(ctx context.Context, s render.Scene, w, h int) (*image.RGBA, error) {
	r.started <- struct{}{}
	select {
	case <-r.gate:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return image.NewRGBA(image.Rect(0, 0, w, h)), nil
}
func (r *gateRenderer) Name() string { return "gate" }
func (r *gateRenderer) Close() error { return nil }

func TestPainterDeliversTogetherAndSkipsWhatIsOutOfDate(t *testing.T) {
	r := &gateRenderer{started: make(chan struct{}, 100), gate: make(chan struct{}, 100)}
	delivered := make(chan []drawn, 100)
	p := newPainter(t.Context(), r, func(_ context.Context, d []drawn) { delivered <- d })
	p.submit([]request{{view: 0, w: 1, h: 1}, {view: 1, w: 1, h: 1}})
	<-r.started // the first batch is under way
	for w := 2; w <= 5; w++ {
		p.submit([]request{{view: 0, w: w, h: 1}})
	}
	p.submit([]request{{view: 2, w: 9, h: 1}})
	for range 4 {
		r.gate <- struct{}{}
	}
	first, second := <-delivered, <-delivered
	if len(first) != 2 || first[0].view != 0 || first[1].view != 1 {
		t.Errorf("first delivery %+v", first)
	}
	if len(second) != 2 || second[0].image.Bounds().Dx() != 5 || second[1].view != 2 {
		t.Errorf("second delivery %+v; want the newest of viewport 0, and viewport 2", second)
	}
	p.stop()
	if n := len(r.started); n != 3 {
		t.Errorf("%d more pictures were begun, want 3", n)
	}
}

func TestPainterStopsInTheMiddleOfAPicture(t *testing.T) {
	r := &gateRenderer{started: make(chan struct{}, 1), gate: make(chan struct{})}
	p := newPainter(t.Context(), r, func(context.Context, []drawn) { t.Error("a cancelled picture was delivered") })
	p.submit([]request{{view: 0, w: 1, h: 1}})
	<-r.started
	p.stop()
}
