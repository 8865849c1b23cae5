package render

import (
	"image/color"
	"math"
	"slices"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// TestLUTHasThePublishedEnds compares with the first, middle and last anchors as matplotlib documents them.
func TestLUTHasThePublishedEnds(t *testing.T) {
	for m, want := range map[ColorMap][3]color.RGBA{
		Viridis: {{68, 1, 84, 255}, {33, 145, 140, 255}, {253, 231, 37, 255}},
		Magma:   {{0, 0, 4, 255}, {183, 55, 121, 255}, {252, 253, 191, 255}},
		Inferno: {{0, 0, 4, 255}, {188, 55, 84, 255}, {252, 255, 164, 255}},
	} {
		lut := LUT(m)
		for n, at := range []int{0, 128, 255} {
			got := lut[at]
			for _, d := range []int{int(got.R) - int(want[n].R), int(got.G) - int(want[n].G), int(got.B) - int(want[n].B)} {
				if d < -2 || d > 2 {
					t.Errorf("%s[%d] = %v, want %v", m, at, got, want[n])
				}
			}
		}
	}
	if LUT("jet") != ([256]color.RGBA{}) {
		t.Error("an unknown map has colours")
	}
}

// TestLUTLightnessGrows checks what makes the maps readable in grey: CIE lightness never falls.
func TestLUTLightnessGrows(t *testing.T) {
	linear := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	for _, m := range ColorMaps() {
		before := -1.0
		for i, c := range LUT(m) {
			y := 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
			if lightness := 116*math.Cbrt(y) - 16; i > 16 && lightness < before-0.2 {
				t.Errorf("%s: lightness falls at entry %d", m, i)
			} else {
				before = lightness
			}
		}
	}
}

func TestZoneStyles(t *testing.T) {
	if got, want := ZoneColor(ZoneCancer), (color.NRGBA{230, 159, 0, 255}); got != want {
		t.Errorf("cancer is %v, want %v", got, want)
	}
	if got := ZoneColor("bladder"); got.A != 255 || got.R != got.G || got.G != got.B {
		t.Errorf("an unknown structure is %v, want a neutral grey", got)
	}
	band := ZoneBand(ZoneCancer, nil, 2)
	if len(band) != 3 || band[1].Level != 0.5 || band[1].Width != 5 || band[0].Level != 0.9 || band[2].Level != 0.1 {
		t.Errorf("band = %+v", band)
	}
}

func TestMaskFieldOutlinesChosenLabels(t *testing.T) {
	m, err := volume.NewMask(mustGrid(t, [3]int{4, 1, 1}, geom.Vec3{1, 1, 1}), []uint8{0, 1, 2, 7})
	if err != nil {
		t.Fatal(err)
	}
	if got := MaskField(m).Data(); !slices.Equal(got, []float32{0, 1, 1, 1}) {
		t.Errorf("every label: %v", got)
	}
	if got := MaskField(m, 2, 7).Data(); !slices.Equal(got, []float32{0, 0, 1, 1}) {
		t.Errorf("labels 2 and 7: %v", got)
	}
}

// TestAutoWindow uses voxels 0…99 in a box, whose percentiles are known: numpy.percentile of 0…99 at 1
// and 99.5 is 0.99 and 98.505.
func TestAutoWindow(t *testing.T) {
	g := mustGrid(t, [3]int{20, 20, 5}, geom.Vec3{4, 4, 3})
	v := mustVolume(t, g, func(i, j, k int) float32 {
		if i < 5 || i > 14 || j < 5 || j > 14 || k < 1 || k > 3 {
			return 1e6 // outside the 40-mm box
		}
		if k != 2 {
			return 1e5 // outside the middle 20 %
		}
		return float32(10*(j-5) + i - 5)
	})
	w := AutoWindow(v, Region{Centre: g.Centre(), SideMM: 40, SliceFraction: 0.2, LowPct: 1, TopPct: 99.5})
	if math.Abs(w.Level-(0.99+98.505)/2) > 1e-4 || math.Abs(w.Width-(98.505-0.99)) > 1e-4 {
		t.Errorf("window = %+v, want 0.99…98.505", w)
	}
	for name, bad := range map[string]*volume.Volume{
		"constant": mustVolume(t, g, func(int, int, int) float32 { return 7 }),
		"nothing":  mustVolume(t, g, func(int, int, int) float32 { return float32(math.NaN()) }),
	} {
		if w := T2WWindow(bad); !(w.Width > 0) || !finite(w.Level, w.Width) {
			t.Errorf("%s: window = %+v", name, w)
		}
	}
	ramp := mustVolume(t, g, func(i, j, k int) float32 { return float32(g.Index(i, j, k)) })
	if a, b := T2WWindow(ramp), HighBWindow(ramp); a.Level+a.Width/2 >= b.Level+b.Width/2 {
		t.Errorf("T2W ends at %+v, high b at %+v; want the latter higher", a, b)
	}
	if w := ADCWindow(); w != (Window{Level: 1000, Width: 2000}) {
		t.Errorf("ADC window = %+v", w)
	}
}
