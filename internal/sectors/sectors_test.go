package sectors

import (
	_ "embed"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

const (
	tz = 1
	pz = 2
)

// gland is a box of 20 × 16 voxels of 1 mm in 9 slices of 3 mm (k = 2…10), centred on the grid's axis, with a TZ of
// 10 × 8 in its middle. The stack is tilted; flip reverses the order of the slices in memory.
func gland(t *testing.T, flip bool) (*Map, geom.Grid) {
	t.Helper()
	sin, cos := math.Sincos(18.5 * math.Pi / 180)
	dir := [3]geom.Vec3{{1, 0, 0}, {0, cos, -sin}, {0, sin, cos}}
	origin := geom.Vec3{-15, -12, 100}
	if flip {
		origin = origin.Add(dir[2].Scale(12 * 3))
		dir[2] = dir[2].Scale(-1)
	}
	g, err := geom.NewGrid([3]int{30, 24, 13}, origin, geom.Vec3{1, 1, 3}, dir)
	if err != nil {
		t.Fatal(err)
	}
	data := make([]uint8, g.Voxels())
	for k := 2; k <= 10; k++ {
		for j := 4; j < 20; j++ {
			for i := 5; i < 25; i++ {
				data[g.Index(i, j, k)] = pz
				if i >= 10 && i < 20 && j >= 8 && j < 16 {
					data[g.Index(i, j, k)] = tz
				}
			}
		}
	}
	mask, err := volume.NewMask(g, data)
	if err != nil {
		t.Fatal(err)
	}
	m, err := NewMap(mask, tz, pz)
	if err != nil {
		t.Fatal(err)
	}
	return m, g
}

func TestPlacesByHand(t *testing.T) {
	for _, flip := range []bool{false, true} {
		m, g := gland(t, flip)
		slice := func(k int) int { // counted towards the head
			if flip {
				return 12 - k
			}
			return k
		}
		// The axis lies at i = 14.5, j = 11.5; i grows to the left, j to the back. Half-widths are 9.5 mm: medial up to 4.75.
		for _, c := range []struct {
			i, j, k int
			want    string
		}{
			{5, 5, 6, "R mid PZa"}, {24, 5, 6, "L mid PZa"},
			{5, 18, 6, "R mid PZpl"}, {24, 18, 6, "L mid PZpl"},
			{12, 18, 6, "R mid PZpm"}, {17, 18, 6, "L mid PZpm"},
			{9, 18, 6, "R mid PZpl"}, {10, 18, 6, "R mid PZpm"}, // 5.5 and 4.5 mm from the axis
			{11, 9, 6, "R mid TZa"}, {18, 9, 6, "L mid TZa"},
			{11, 15, 6, "R mid TZp"}, {18, 15, 6, "L mid TZp"},
			{11, 11, 6, "R mid TZa"}, {11, 12, 6, "R mid TZp"}, // half a voxel to either side of the axis
			{14, 9, 6, "R mid TZa"}, {15, 9, 6, "L mid TZa"},
			// nine slices: three each, from the head down k = 10…8, 7…5, 4…2
			{11, 15, 10, "R base TZp"}, {11, 15, 8, "R base TZp"}, {11, 15, 7, "R mid TZp"}, {11, 15, 5, "R mid TZp"},
			{11, 15, 4, "R apex TZp"}, {11, 15, 2, "R apex TZp"},
			{2, 12, 6, "outside the gland"}, {12, 12, 11, "outside the gland"}, {12, 12, 1, "outside the gland"},
		} {
			p := m.At(g.World(geom.Vec3{float64(c.i), float64(c.j), float64(slice(c.k))}))
			if p.Text() != c.want {
				t.Errorf("voxel (%d, %d), slice %d, flipped %v: %q, want %q", c.i, c.j, c.k, flip, p.Text(), c.want)
			}
		}
		if p := m.At(geom.Vec3{0, 0, -1000}); p.Zone != Outside || p.Known() {
			t.Errorf("far away: %+v", p)
		}
	}
}

func TestWhatMasksCannotTellIsOffered(t *testing.T) {
	m, g := gland(t, false)
	for _, c := range []struct {
		i, j, k int
		want    []string
	}{
		{12, 18, 9, []string{"R base CZ"}}, {11, 15, 9, []string{"R base CZ"}}, {14, 9, 6, []string{"R mid AFS"}},
		{12, 18, 6, nil}, {5, 18, 9, nil},
	} {
		var got []string
		for _, s := range m.At(g.World(geom.Vec3{float64(c.i), float64(c.j), float64(c.k)})).Alternatives {
			got = append(got, s.Short())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("voxel (%d, %d, %d): alternatives %q, want %q", c.i, c.j, c.k, got, c.want)
		}
	}
}

func TestSharesOfARegion(t *testing.T) {
	m, g := gland(t, false)
	// Four voxels left of the axis, two right of it, one in the TZ, one outside.
	var voxels []int32
	for _, v := range [][3]int{{15, 18, 6}, {16, 18, 6}, {17, 18, 6}, {18, 18, 6}, {14, 18, 6}, {13, 18, 6}, {15, 15, 6}, {15, 20, 6}} {
		voxels = append(voxels, int32(g.Index(v[0], v[1], v[2])))
	}
	shares := m.Of(g, voxels)
	want := map[string]float64{"L mid PZpm": 0.5, "R mid PZpm": 0.25, "L mid TZp": 0.125, "outside the gland": 0.125}
	if len(shares) != len(want) || shares[0].Place.Text() != "L mid PZpm" {
		t.Fatalf("shares %+v", shares)
	}
	for _, s := range shares {
		if math.Abs(s.Fraction-want[s.Place.Text()]) > 1e-12 {
			t.Errorf("%s: %v, want %v", s.Place.Text(), s.Fraction, want[s.Place.Text()])
		}
	}
	if m.Of(g, nil) != nil && len(m.Of(g, nil)) > 0 {
		t.Error("an empty region has places")
	}
}

func TestTheAxisFollowsALeaningGland(t *testing.T) {
	// A gland whose slices move 1 mm to the left from slice to slice: a plane of fixed x would tell sides wrongly.
	g, err := geom.NewGrid([3]int{60, 20, 12}, geom.Vec3{}, geom.Vec3{1, 1, 3}, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	data := make([]uint8, g.Voxels())
	for k := range 12 {
		for j := 5; j < 15; j++ {
			for i := 10 + k; i < 30+k; i++ {
				data[g.Index(i, j, k)] = pz
			}
		}
	}
	mask, _ := volume.NewMask(g, data)
	m, err := NewMap(mask, tz, pz)
	if err != nil {
		t.Fatal(err)
	}
	for k := range 12 { // the middle of slice k is at 19.5 + k
		if p := m.At(geom.Vec3{19 + float64(k), 12, 3 * float64(k)}); p.Side != Right {
			t.Errorf("slice %d: half a voxel to the right is %v", k, p.Side)
		}
		if p := m.At(geom.Vec3{20 + float64(k), 12, 3 * float64(k)}); p.Side != Left {
			t.Errorf("slice %d: half a voxel to the left is %v", k, p.Side)
		}
	}
}

func TestLevelsOfFewSlices(t *testing.T) {
	for n, want := range map[int]string{1: "mid", 2: "mid mid", 3: "apex mid base", 4: "apex mid mid base", 5: "apex mid mid mid base", 7: "apex apex mid mid mid base base"} {
		g, _ := geom.NewGrid([3]int{4, 4, n}, geom.Vec3{}, geom.Vec3{1, 1, 3}, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
		data := make([]uint8, g.Voxels())
		for i := range data {
			data[i] = 7 // gland of no known zone
		}
		mask, _ := volume.NewMask(g, data)
		m, err := NewMap(mask, tz, pz)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for k := range n {
			p := m.At(geom.Vec3{0, 0, 3 * float64(k)})
			if k > 0 {
				got += " "
			}
			got += p.Level.String()
			if p.Known() || p.Text() != "R "+p.Level.String()+", zone not known" {
				t.Errorf("gland without zones has sector %q", p.Text())
			}
		}
		if got != want {
			t.Errorf("%d slices: %q, want %q", n, got, want)
		}
	}
}

func TestAnEmptyMaskIsRefused(t *testing.T) {
	g, _ := geom.NewGrid([3]int{4, 4, 4}, geom.Vec3{}, geom.Vec3{1, 1, 3}, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
	mask, _ := volume.NewMask(g, make([]uint8, 64))
	if _, err := NewMap(mask, tz, pz); !errors.Is(err, ErrGland) {
		t.Errorf("error %v", err)
	}
}

func TestTheMapHas41Sectors(t *testing.T) {
	all := All()
	if len(all) != 41 {
		t.Fatalf("%d sectors, want 41", len(all))
	}
	seen, names := map[string]bool{}, map[string]bool{}
	count := map[Level]int{}
	for _, s := range all {
		if seen[s.Code] || names[s.Short()] || s.Code == "" {
			t.Errorf("%s (%s) is not unique", s.Short(), s.Code)
		}
		seen[s.Code], names[s.Short()] = true, true
		count[s.Level]++
	}
	// PI-RADS v2.1: 38 in the prostate (14 + 12 + 12), two seminal vesicles, one sphincter, which is marked at the apex.
	if count[Base] != 14 || count[Mid] != 12 || count[Apex] != 13 || count[NoLevel] != 2 {
		t.Errorf("by level: %v", count)
	}
}

//go:embed testdata/cid6301.json
var cid6301 []byte // made by testdata/cid6301.py

func TestCodesAreThoseOfDICOM(t *testing.T) {
	var want map[string]string
	if err := json.Unmarshal(cid6301, &want); err != nil {
		t.Fatal(err)
	}
	if len(want) != 39 {
		t.Fatalf("the list has %d concepts", len(want))
	}
	for _, s := range All() {
		name, ok := want[s.Code]
		switch {
		case ok && name != s.Name():
			t.Errorf("%s: %q, DICOM says %q", s.Code, s.Name(), name)
		case !ok && (s.Level != Base || s.Part != PZPosteromedial): // the two that v2.1 added
			t.Errorf("%s (%s) is not in CID 6301", s.Short(), s.Code)
		}
		delete(want, s.Code)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}
