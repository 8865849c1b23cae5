package compare

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio"
	"bayeslice/internal/metrics"
	"bayeslice/internal/testenv"
	"bayeslice/internal/volume"
)

func grid(t *testing.T, size [3]int, origin geom.Vec3, spacing geom.Vec3) geom.Grid {
	t.Helper()
	g, err := geom.NewGrid(size, origin, spacing, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func fill(t *testing.T, g geom.Grid, label func(i, j, k int) uint8) *volume.Mask {
	t.Helper()
	data := make([]uint8, g.Voxels())
	for k := range g.Size[2] {
		for j := range g.Size[1] {
			for i := range g.Size[0] {
				data[g.Index(i, j, k)] = label(i, j, k)
			}
		}
	}
	m, err := volume.NewMask(g, data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// gland is 30 × 30 × 27 mm of zones: front in the slices' upper half.
func gland(front, behind uint8) func(i, j, k int) uint8 {
	return func(i, j, k int) uint8 {
		switch {
		case i < 5 || i >= 35 || j < 5 || j >= 35 || k < 1 || k >= 10:
			return 0
		case j < 20:
			return front
		}
		return behind
	}
}

func TestGuessNumbering(t *testing.T) {
	g := grid(t, [3]int{40, 40, 11}, geom.Vec3{}, geom.Vec3{1, 1, 3})
	small := func(v uint8) func(i, j, k int) uint8 {
		return func(i, j, k int) uint8 {
			if i >= 10 && i < 18 && j >= 10 && j < 18 && k >= 3 && k < 5 {
				return v
			}
			return 0
		}
	}
	sideways := func(i, j, k int) uint8 { return gland(1, 2)(j, i, k) }
	with := func(i, j, k int) uint8 {
		if v := small(3)(i, j, k); v > 0 {
			return v
		}
		return gland(1, 2)(i, j, k)
	}
	for name, c := range map[string]struct {
		label func(i, j, k int) uint8
		want  Numbering
		sure  bool
	}{
		"TZ in front": {gland(1, 2), TZPZ, true}, "PZ behind": {gland(2, 1), PZTZ, true}, "side by side": {sideways, TZPZ, false},
		"one number": {gland(1, 1), WholeOne, false}, "a lesion": {small(1), LesionIn, false}, "a grade": {small(3), ISUP, false},
		"zones with a lesion": {with, TZPZPCa, false}, "gland of 255": {gland(255, 255), WholeOne, false},
	} {
		got, err := GuessNumbering(fill(t, g, c.label))
		if err != nil || got.Numbering != c.want || got.Sure != c.sure || !strings.HasSuffix(got.Reason, ".") || slices.Contains(got.Others, c.want) || len(got.Others) == 0 {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for name, label := range map[string]func(i, j, k int) uint8{"empty": gland(0, 0), "codes": gland(7, 200)} {
		if _, err := GuessNumbering(fill(t, g, label)); !errors.Is(err, ErrNumbering) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNumberingsRead(t *testing.T) {
	g := grid(t, [3]int{6, 1, 1}, geom.Vec3{}, geom.Vec3{1, 1, 1})
	m, _ := volume.NewMask(g, []uint8{0, 1, 2, 3, 4, 5})
	three, _ := volume.NewMask(g, []uint8{0, 1, 2, 3, 0, 0})
	two, _ := volume.NewMask(g, []uint8{0, 1, 2, 0, 0, 0})
	data := func(m *volume.Mask) []uint8 {
		if m == nil {
			return nil
		}
		return m.Data()
	}
	for _, c := range []struct {
		n              Numbering
		m              *volume.Mask
		zones, lesions []uint8
	}{
		{TZPZ, two, []uint8{0, TZ, PZ, 0, 0, 0}, nil},
		{PZTZ, two, []uint8{0, PZ, TZ, 0, 0, 0}, nil},
		{TZPZPCa, three, []uint8{0, TZ, PZ, Gland, 0, 0}, []uint8{0, 0, 0, Cancer, 0, 0}},
		{WholeOne, m, []uint8{0, Gland, Gland, Gland, Gland, Gland}, nil},
		{LesionIn, m, nil, []uint8{0, 1, 1, 1, 1, 1}},
		{ISUP, m, nil, []uint8{0, 0, 1, 1, 1, 1}},
	} {
		l, err := c.n.Apply(c.m)
		if err != nil || !slices.Equal(data(l.Zones), c.zones) || !slices.Equal(data(l.Lesions), c.lesions) {
			t.Errorf("%s: %v %v, %v", c.n, data(l.Zones), data(l.Lesions), err)
		}
		if c.n.Text() == string(c.n) {
			t.Errorf("%s has no words", c.n)
		}
	}
	for _, n := range []Numbering{TZPZ, PZTZ, TZPZPCa, "nonsense"} {
		if _, err := n.Apply(m); !errors.Is(err, ErrNumbering) {
			t.Errorf("%s: %v", n, err)
		}
	}
	if len(Numberings()) != 6 {
		t.Error("numberings are missing")
	}
}

func TestPlace(t *testing.T) {
	ctx := context.Background()
	to := grid(t, [3]int{40, 40, 11}, geom.Vec3{}, geom.Vec3{1, 1, 3})
	m := fill(t, to, gland(1, 2))
	if got, note, err := Place(ctx, m, "a", to, "a"); err != nil || note != "" || got != m {
		t.Error("same grid:", note, err)
	}
	if _, _, err := Place(ctx, m, "a", to, "b"); !errors.Is(err, ErrFrame) {
		t.Error("another frame:", err)
	}
	flipped, err := geom.NewGrid(to.Size, to.World(geom.Vec3{39, 39, 0}), to.Spacing, [3]geom.Vec3{{-1, 0, 0}, {0, -1, 0}, {0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	turned := fill(t, flipped, func(i, j, k int) uint8 { return gland(1, 2)(39-i, 39-j, k) })
	got, note, err := Place(ctx, turned, "", to, "a")
	if err != nil || note != "" || !slices.Equal(got.Data(), m.Data()) {
		t.Error("voxels in another order:", note, err)
	}
	fine := grid(t, [3]int{80, 80, 11}, geom.Vec3{-0.25, -0.25, 0}, geom.Vec3{0.5, 0.5, 3})
	got, note, err = Place(ctx, fill(t, fine, func(i, j, k int) uint8 { return gland(1, 2)(i/2, j/2, k) }), "", to, "")
	if err != nil || !strings.Contains(note, "80×80×11") || !slices.Equal(got.Data(), m.Data()) {
		t.Error("another grid:", note, err)
	}
	away := to
	away.Origin = geom.Vec3{100, 0, 0}
	if _, _, err := Place(ctx, fill(t, away, gland(1, 2)), "", to, ""); !errors.Is(err, ErrElsewhere) || !strings.Contains(err.Error(), "100 %") {
		t.Error("elsewhere:", err)
	}
	dot := fill(t, grid(t, [3]int{1, 1, 1}, geom.Vec3{0.4, 0.4, 0.4}, geom.Vec3{0.1, 0.1, 0.1}), func(int, int, int) uint8 { return 1 })
	if _, _, err := Place(ctx, dot, "", to, ""); !errors.Is(err, ErrElsewhere) {
		t.Error("between the voxels:", err)
	}
	done, cancel := context.WithCancel(ctx)
	cancel()
	if _, _, err := Place(done, turned, "", to, ""); !errors.Is(err, context.Canceled) {
		t.Error("cancelled:", err)
	}
}

func TestCompareTakesWhatBothTell(t *testing.T) {
	ctx := context.Background()
	g := grid(t, [3]int{40, 40, 11}, geom.Vec3{}, geom.Vec3{1, 1, 3})
	zones, whole, none := fill(t, g, gland(TZ, PZ)), fill(t, g, gland(Gland, Gland)), fill(t, g, gland(0, 0))
	names := func(a, b Labels) (out []string) {
		rows, err := Compare(ctx, a, b)
		if err != nil {
			return []string{err.Error()}
		}
		for _, r := range rows {
			out = append(out, r.Structure)
		}
		return out
	}
	for _, c := range []struct {
		a, b Labels
		want string
	}{
		{Labels{Zones: zones}, Labels{Zones: zones}, "WG TZ PZ"},
		{Labels{Zones: zones}, Labels{Zones: whole}, "WG"},
		{Labels{Zones: zones, Lesions: none}, Labels{Zones: whole, Lesions: none}, "WG csPCa"},
		{Labels{Zones: zones, Lesions: none}, Labels{Lesions: zones}, "csPCa"},
	} {
		if got := strings.Join(names(c.a, c.b), " "); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	if _, err := Compare(ctx, Labels{Zones: zones}, Labels{Lesions: zones}); !errors.Is(err, ErrNothing) {
		t.Error("nothing in common:", err)
	}
	rows, err := Compare(ctx, Labels{Zones: zones, Lesions: none}, Labels{Zones: zones, Lesions: none})
	if err != nil || !rows[3].Absent() || rows[3].HasSurface || rows[3].Overlap.Dice() != 1 || rows[0].Overlap.Dice() != 1 || rows[0].Surface.HD != 0 || len(rows[0].Slices) != 11 {
		t.Errorf("%+v, %v", rows, err)
	}
	small := fill(t, grid(t, [3]int{4, 4, 4}, geom.Vec3{}, geom.Vec3{1, 1, 3}), gland(0, 0))
	if _, err := Compare(ctx, Labels{Zones: zones}, Labels{Zones: small}); !errors.Is(err, metrics.ErrInput) {
		t.Error("two grids:", err)
	}
	lines, err := Contours(ctx, Labels{Zones: zones}, Labels{Zones: zones}, NamePZ)
	if err != nil || len(lines) != 9 || slices.Max(lines[0].MM) != 0 || slices.Min(lines[0].MM) != 0 {
		t.Error("contours:", len(lines), err)
	}
	for name, reference := range map[string]Labels{NameCancer: {Zones: zones}, NameTZ: {Zones: whole}, NameWG: {Zones: none}} {
		if _, err := Contours(ctx, Labels{Zones: zones}, reference, name); !errors.Is(err, ErrNothing) {
			t.Errorf("contours of %s: %v", name, err)
		}
	}
}

// TestTwoModelsOfRealExams compares the two zone models of each exam of PI-CAI as SciPy does (testdata/real.py).
func TestTwoModelsOfRealExams(t *testing.T) {
	dir := testenv.Data(t, "picai_labels", "cases")
	text, err := os.ReadFile("testdata/real.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden map[string]map[string]struct{ Dice, HD95, ASSD, DifferenceML float64 }
	if err := json.Unmarshal(text, &golden); err != nil || len(golden) < 2 {
		t.Fatal(len(golden), err)
	}
	ctx := context.Background()
	for name, structures := range golden {
		var labels [2]Labels
		var to geom.Grid
		for n, file := range []string{"zones_HeviAI23_AI.nii.gz", "zones_Yuan23_AI.nii.gz"} {
			m, err := imageio.OpenMask(filepath.Join(dir, name, file))
			if err != nil {
				t.Fatal(err)
			}
			guess, err := GuessNumbering(m)
			if err != nil || guess.Numbering != PZTZ || !guess.Sure {
				t.Errorf("%s: the zones of PI-CAI are taken for %+v, %v", name, guess, err)
			}
			if n == 0 {
				to = m.Grid()
			}
			placed, note, err := Place(ctx, m, "", to, "")
			if err != nil || note != "" {
				t.Fatal(name, note, err)
			}
			if labels[n], err = PZTZ.Apply(placed); err != nil {
				t.Fatal(err)
			}
		}
		rows, err := Compare(ctx, labels[0], labels[1])
		if err != nil || len(rows) != 3 {
			t.Fatal(len(rows), err)
		}
		for _, r := range rows {
			want := structures[r.Structure]
			for what, d := range map[string][2]float64{"Dice": {r.Overlap.Dice(), want.Dice}, "HD95": {r.Surface.HD95, want.HD95},
				"ASSD": {r.Surface.ASSD, want.ASSD}, "volume": {r.Volumes.DifferenceML(), want.DifferenceML}} {
				if math.Abs(d[0]-d[1]) > 1e-5 {
					t.Errorf("%s %s %s = %g, SciPy says %g", name, r.Structure, what, d[0], d[1])
				}
			}
		}
		lines, err := Contours(ctx, labels[0], labels[1], NameWG)
		if err != nil || len(lines) == 0 {
			t.Error("contours:", len(lines), err)
		}
	}
}
