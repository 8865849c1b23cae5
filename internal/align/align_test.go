package align

import (
	"context"
	"errors"
	"math"
	"sync"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/phantom"
	"bayeslice/internal/seed"
	"bayeslice/internal/volume"
)

// synthetic is one generated exam, with a diffusion image that lies exactly on T2W.
var synthetic = sync.OnceValues(func() (*phantom.Exam, error) {
	c := phantom.DefaultConfig(7)
	c.T2W = phantom.Protocol{Columns: 176, Rows: 176, Slices: 20, PixelMM: 0.75, SliceMM: 3}
	c.DWI = phantom.Protocol{Columns: 72, Rows: 72, Slices: 20, PixelMM: 2, SliceMM: 3}
	c.VolumeML = phantom.Range{Min: 45, Max: 45}
	c.Lesions, c.SubSamples, c.SubSamplesDiff = 1, 2, 4
	return phantom.Generate(context.Background(), c)
})

func made(t *testing.T) (e *phantom.Exam, r Region) {
	t.Helper()
	e, err := synthetic()
	if err != nil {
		t.Fatal(err)
	}
	r, ok := RegionOf(e.Labels.Zones)
	if !ok {
		t.Fatal("the phantom has no gland")
	}
	return e, r
}

// displaced moves a diffusion image by an offset along the T2W frame.
func displaced(t *testing.T, e *phantom.Exam, v *volume.Volume, o Offset) *volume.Volume {
	t.Helper()
	moved, err := Moved(v, FrameOf(e.T2W.Grid()).World(o))
	if err != nil {
		t.Fatal(err)
	}
	return moved
}

func TestKnownShiftsAreFound(t *testing.T) {
	e, r := made(t)
	adc, both := []*volume.Volume{e.ADC}, []*volume.Volume{e.ADC, e.HighB.Volume}
	for _, c := range []struct {
		want   Offset
		images []*volume.Volume
	}{{Offset{}, adc}, {Offset{Left: -1.3, Back: 4.6, Head: 3}, both}, {Offset{Back: -7, Head: -4.5}, adc}} {
		want := c.want
		var moved []*volume.Volume
		for _, v := range c.images {
			moved = append(moved, displaced(t, e, v, want))
		}
		got, err := Check(context.Background(), e.T2W, moved, r, nil)
		if err != nil {
			t.Fatal(err)
		}
		d := got.Shift.Add(want.Negative())
		t.Logf("shift %+v: found %+v ± %+v, NMI %.4f (unmoved %.4f), %v", want, got.Shift, got.SE, got.NMI, got.NMIAtZero, got.Confidence)
		if d.InPlane() > 0.7 || math.Abs(d.Head) > 1 {
			t.Errorf("shift %+v: off by %.2f mm in the slices and %.2f mm across them", want, d.InPlane(), d.Head)
		}
		if !got.Confidence.Reliable() {
			t.Errorf("shift %+v: %v", want, got.Confidence.Meaning())
		}
		if got.Notable() != !want.Zero() {
			t.Errorf("shift %+v: notable %v", want, got.Notable())
		}
		// Moving the image by the correction brings it home.
		home := want.Add(got.Correction())
		if home.Length() > 1.2 {
			t.Errorf("shift %+v: corrected to %+v", want, home)
		}
	}
}

func TestNoiseIsNotTrusted(t *testing.T) {
	e, r := made(t)
	random := seed.Stream(1, 0x616c69676e, 0)
	data := make([]float32, len(e.ADC.Data()))
	for i := range data {
		data[i] = float32(random.NormFloat64())
	}
	noise, err := volume.New(e.ADC.Grid(), data, "")
	if err != nil {
		t.Fatal(err)
	}
	got, err := Check(context.Background(), e.T2W, []*volume.Volume{noise}, r, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("noise: %+v ± %+v, NMI %.4f, %v", got.Shift, got.SE, got.NMI, got.Confidence)
	if got.Confidence.Reliable() || got.Notable() {
		t.Errorf("noise was matched at %+v with confidence %v", got.Shift, got.Confidence)
	}
}

func TestImagesThatCannotBeCompared(t *testing.T) {
	e, r := made(t)
	flat, err := volume.New(e.ADC.Grid(), make([]float32, len(e.ADC.Data())), "")
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := r
	elsewhere.Centre = r.Centre.Add(geom.Vec3{500, 0, 0})
	far := displaced(t, e, e.ADC, Offset{Head: 200})
	for name, f := range map[string]func() (*Estimate, error){
		"flat": func() (*Estimate, error) { return Check(context.Background(), e.T2W, []*volume.Volume{flat}, r, nil) },
		"no region": func() (*Estimate, error) {
			return Check(context.Background(), e.T2W, []*volume.Volume{e.ADC}, elsewhere, nil)
		},
		"far apart": func() (*Estimate, error) { return Check(context.Background(), e.T2W, []*volume.Volume{far}, r, nil) },
		"no image":  func() (*Estimate, error) { return Check(context.Background(), e.T2W, nil, r, nil) },
		"flat T2W":  func() (*Estimate, error) { return Check(context.Background(), flat, []*volume.Volume{e.ADC}, r, nil) },
		"empty box": func() (*Estimate, error) {
			return Check(context.Background(), e.T2W, []*volume.Volume{e.ADC}, Region{Centre: r.Centre}, nil)
		},
		"no T2W": func() (*Estimate, error) { return Check(context.Background(), nil, []*volume.Volume{e.ADC}, r, nil) },
	} {
		if got, err := f(); !errors.Is(err, ErrAlign) {
			t.Errorf("%s: %+v, %v, want ErrAlign", name, got, err)
		}
	}
}

func TestCheckStopsWhenToldAndTellsHowFarItIs(t *testing.T) {
	e, r := made(t)
	ctx, cancel := context.WithCancel(context.Background())
	last := 0
	_, err := Check(ctx, e.T2W, []*volume.Volume{e.ADC}, r, func(done, total int) {
		if done <= last || done > total {
			t.Errorf("progress %d of %d after %d", done, total, last)
		}
		if last = done; done == 20 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || last != 20 {
		t.Errorf("stopped after %d steps with %v", last, err)
	}
}

func TestNMIByHand(t *testing.T) {
	var same, apart [bins * bins]float64
	for a := range bins {
		same[a*bins+a] = 3 // one grey level for one
		for b := range bins {
			apart[a*bins+b] = 2 // independent
		}
	}
	if got := nmi(&same); math.Abs(got-2) > 1e-12 {
		t.Errorf("NMI of equal images %v, want 2", got)
	}
	if got := nmi(&apart); math.Abs(got-1) > 1e-12 {
		t.Errorf("NMI of unrelated images %v, want 1", got)
	}
	// Counts 1, 2, 0, 1 in a 2 × 2 table: H(A) = H(3/4, 1/4), H(B) = H(1/4, 3/4), H(A, B) = H(1/4, 1/2, 1/4).
	var h [bins * bins]float64
	h[0], h[1], h[bins+1] = 1, 2, 1
	one := -(0.75*math.Log(0.75) + 0.25*math.Log(0.25))
	both := -(0.5*math.Log(0.25) + 0.5*math.Log(0.5))
	if got := nmi(&h); math.Abs(got-2*one/both) > 1e-12 {
		t.Errorf("NMI %v, want %v", got, 2*one/both)
	}
}

func TestOffsetsAndFrames(t *testing.T) {
	sin, cos := math.Sincos(18.5 * math.Pi / 180)
	// Stored with i to the right and k to the feet: the frame is that of the patient all the same.
	g, err := geom.NewGrid([3]int{8, 8, 8}, geom.Vec3{1, 2, 3}, geom.Vec3{0.5, 0.5, 3}, [3]geom.Vec3{{-1, 0, 0}, {0, cos, -sin}, {0, -sin, -cos}})
	if err != nil {
		t.Fatal(err)
	}
	f := FrameOf(g)
	w := f.World(Offset{Left: 2, Back: 3, Head: 5})
	want := geom.Vec3{2, 3*cos + 5*sin, -3*sin + 5*cos}
	if w.Sub(want).Norm() > 1e-12 {
		t.Errorf("world %v, want %v", w, want)
	}
	if v := voxelOf(g, f); math.Abs(v.Left-0.5)+math.Abs(v.Back-0.5)+math.Abs(v.Head-3) > 1e-9 {
		t.Errorf("voxel %+v", v)
	}
	v, err := volume.New(g, make([]float32, 512), "u")
	if err != nil {
		t.Fatal(err)
	}
	moved, err := Moved(v, w)
	if err != nil || moved.Grid().World(geom.Vec3{1, 2, 3}).Sub(g.World(geom.Vec3{1, 2, 3})).Sub(w).Norm() > 1e-12 || &moved.Data()[0] != &v.Data()[0] || moved.Unit() != "u" {
		t.Errorf("moved to %v, %v", moved.Grid(), err)
	}
	if _, err := Moved(v, geom.Vec3{math.NaN()}); err == nil {
		t.Error("moved nowhere")
	}
}
