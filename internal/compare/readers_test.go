package compare

import (
	"errors"
	"math"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/metrics"
	"bayeslice/internal/volume"
)

// Ten voxels in a row by hand: one reader's gland is 2–5, the other's 3–6, so that they disagree on 2 and 6. The
// probability is in doubt in 2, 3 and 7: the band covers one of the two, and in two of its three voxels they agree.
func TestTheBandAgainstTwoReaders(t *testing.T) {
	g := grid(t, [3]int{10, 1, 1}, geom.Vec3{}, geom.Vec3{1, 1, 1})
	from := func(lo, hi int, label uint8) Labels {
		return Labels{Zones: fill(t, g, func(i, _, _ int) uint8 {
			if i >= lo && i <= hi {
				return label
			}
			return 0
		})}
	}
	p, err := volume.New(g, []float32{0, 0.05, 0.5, 0.5, 1, 1, 0.95, 0.2, 0, 0}, "probability")
	if err != nil {
		t.Fatal(err)
	}
	a, err := Readers(t.Context(), p, from(2, 5, TZ), from(3, 6, PZ), NameWG)
	if err != nil || a.Disputed != 2 || a.Unsure != 1.0/2 || a.Doubted != 3 || math.Abs(a.Agreed-2.0/3) > 1e-12 {
		t.Errorf("%+v, %v", a, err)
	}
	a, err = Readers(t.Context(), p, from(2, 5, TZ), from(3, 6, PZ), NameTZ) // the second has no TZ: they disagree on 2–5
	if err != nil || a.Disputed != 4 || a.Unsure != 2.0/4 || a.Doubted != 3 || math.Abs(a.Agreed-1.0/3) > 1e-12 {
		t.Errorf("TZ: %+v, %v", a, err)
	}
	a, err = Readers(t.Context(), p, from(2, 5, TZ), from(2, 5, TZ), NameWG)
	if err != nil || a.Disputed != 0 || !math.IsNaN(a.Unsure) || a.Agreed != 1 {
		t.Errorf("one reader twice: %+v, %v", a, err)
	}
	if _, err := Readers(t.Context(), p, from(2, 5, TZ), Labels{}, NameWG); !errors.Is(err, ErrNothing) {
		t.Error(err)
	}
	moved := grid(t, [3]int{10, 1, 1}, geom.Vec3{1, 0, 0}, geom.Vec3{1, 1, 1})
	other := Labels{Zones: fill(t, moved, func(int, int, int) uint8 { return TZ })}
	if _, err := Readers(t.Context(), p, from(2, 5, TZ), other, NameWG); !errors.Is(err, metrics.ErrInput) {
		t.Error(err)
	}
}
