package sectors

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"bayeslice/internal/geom"
	"bayeslice/internal/lang"
	"bayeslice/internal/volume"
)

// ErrGland marks masks that hold no gland to find a place in.
var ErrGland = errors.New("sectors: no gland to find a place in")

// Zone is the part of the gland that masks tell apart.
type Zone uint8

// Zones. GlandZone is gland of which the masks do not tell the zone.
const (
	Outside Zone = iota
	TransitionZone
	PeripheralZone
	GlandZone
)

// String returns "outside the gland", "TZ", "PZ" or "gland" in the user's language.
func (z Zone) String() string {
	return [...]lang.Text{lang.Mark("outside the gland"), lang.Mark("TZ"), lang.Mark("PZ"), lang.Mark("gland")}[z].String()
}

// Map finds places in one gland. It is immutable and may be used from any goroutine.
type Map struct {
	grid  geom.Grid
	zones []Zone
	// The frame of the gland: unit world directions, and slices counted towards the head.
	left, back geom.Vec3
	headward   bool // k grows towards the head
	low, high  int  // first and last slice with gland
	axis       [2]line
	half       [][2]float64 // per slice: extent of the gland right and left of the axis, mm
}

// line is value = at + slope · k, mm along left or back.
type line struct{ at, slope float64 }

// NewMap prepares a mask. tz and pz are the labels of the two zones; other labels but 0 are gland of unknown
// zone. It fails with [ErrGland] where no voxel belongs to the gland.
func NewMap(mask *volume.Mask, tz, pz uint8) (*Map, error) {
	m := &Map{grid: mask.Grid(), zones: make([]Zone, len(mask.Data()))}
	found := false
	for i, l := range mask.Data() {
		switch l {
		case 0:
			continue
		case tz:
			m.zones[i] = TransitionZone
		case pz:
			m.zones[i] = PeripheralZone
		default:
			m.zones[i] = GlandZone
		}
		found = true
	}
	if !found {
		return nil, fmt.Errorf("%w: the mask is empty; run the anatomy model, or load a mask of the zones", ErrGland)
	}
	m.orient()
	m.fit()
	return m, nil
}

// orient finds the in-plane directions to the left and to the back, and which way the head lies.
func (m *Map) orient() {
	n := m.grid.Normal()
	if n[2] < 0 {
		n = n.Scale(-1)
	}
	m.headward = m.grid.Dir[2].Dot(n) > 0
	left := geom.Vec3{1, 0, 0}
	m.left = left.Sub(n.Scale(left.Dot(n))).Unit()
	m.back = n.Cross(m.left) // head × left = back in LPS
}

// inPlane returns a world position along left and back, mm.
func (m *Map) inPlane(world geom.Vec3) [2]float64 {
	return [2]float64{world.Dot(m.left), world.Dot(m.back)}
}

// fit finds the gland's slices, its axis and its half-widths.
func (m *Map) fit() {
	n := m.grid.Size[2]
	count, sum := make([]float64, n), make([][2]float64, n)
	m.each(func(k int, p [2]float64) {
		count[k]++
		sum[k][0] += p[0]
		sum[k][1] += p[1]
	})
	m.low, m.high = n, -1
	for k, c := range count {
		if c > 0 {
			m.low, m.high = min(m.low, k), max(m.high, k)
		}
	}
	for a := range 2 {
		m.axis[a] = fitLine(count, func(k int) float64 { return sum[k][a] / count[k] })
	}
	m.half = make([][2]float64, n)
	m.each(func(k int, p [2]float64) {
		d := p[0] - m.axis[0].value(k)
		m.half[k][0], m.half[k][1] = max(m.half[k][0], -d), max(m.half[k][1], d)
	})
}

// each calls f for every voxel of the gland. Positions are stepped along the rows: they are linear in the index.
func (m *Map) each(f func(k int, p [2]float64)) {
	step := m.grid.Dir[0].Scale(m.grid.Spacing[0])
	di := [2]float64{step.Dot(m.left), step.Dot(m.back)}
	at := 0
	for k := range m.grid.Size[2] {
		for j := range m.grid.Size[1] {
			row := m.inPlane(m.grid.World(geom.Vec3{0, float64(j), float64(k)}))
			for i := range m.grid.Size[0] {
				if m.zones[at] != Outside {
					f(k, [2]float64{row[0] + float64(i)*di[0], row[1] + float64(i)*di[1]})
				}
				at++
			}
		}
	}
}

// fitLine is the weighted least-squares line through the values of slices; level where there is only one.
func fitLine(weight []float64, value func(k int) float64) line {
	var w, x, y, xx, xy float64
	for k, c := range weight {
		if c > 0 {
			w += c
			x += c * float64(k)
			y += c * value(k)
		}
	}
	x, y = x/w, y/w
	for k, c := range weight {
		if c > 0 {
			d := float64(k) - x
			xx += c * d * d
			xy += c * d * (value(k) - y)
		}
	}
	if xx == 0 {
		return line{y, 0}
	}
	return line{y - xy/xx*x, xy / xx}
}

func (l line) value(k int) float64 { return l.at + l.slope*float64(k) }

// Place is where a point lies.
type Place struct {
	Zone         Zone
	Level        Level    // NoLevel outside the gland
	Side         Side     // NoSide outside the gland
	Sector       Sector   // zero where the zone is not known, or outside the gland
	Alternatives []Sector // what the masks cannot exclude there
}

// Known reports whether the place has a sector.
func (p Place) Known() bool { return p.Sector != Sector{} }

// Text returns the place in words, such as "R mid PZpl", "R mid, zone not known" or "outside the gland".
func (p Place) Text() string {
	switch {
	case p.Zone == Outside:
		return Outside.String()
	case !p.Known():
		return lang.T("%s%s, zone not known", [...]string{Right: "R ", Left: "L "}[p.Side], p.Level)
	}
	return p.Sector.Short()
}

// At returns the place of a world point, LPS mm: that of the voxel that holds it.
func (m *Map) At(world geom.Vec3) Place {
	v := m.grid.Voxel(world)
	var at [3]int
	for a := range 3 {
		if !(v[a] >= -0.5 && v[a] < float64(m.grid.Size[a])-0.5) {
			return Place{}
		}
		at[a] = int(v[a] + 0.5)
	}
	return m.place(m.zones[m.grid.Index(at[0], at[1], at[2])], at[2], m.inPlane(world))
}

// place applies the rules of the package to a point of slice k.
func (m *Map) place(zone Zone, k int, p [2]float64) Place {
	if zone == Outside {
		return Place{}
	}
	right, back := p[0]-m.axis[0].value(k), p[1]-m.axis[1].value(k)
	out := Place{Zone: zone, Level: m.level(k), Side: Right}
	depth, half := -right, m.half[k][0]
	if right > 0 {
		out.Side, depth, half = Left, right, m.half[k][1]
	}
	var part Part
	var also []Part
	switch {
	case zone == PeripheralZone && back <= 0:
		part = PZAnterior
	case zone == PeripheralZone && depth > half/2:
		part = PZPosterolateral
	case zone == PeripheralZone:
		part = PZPosteromedial
		if out.Level == Base {
			also = []Part{CentralZone}
		}
	case zone == TransitionZone && back <= 0:
		part = TZAnterior
		if depth <= half/2 {
			also = []Part{AnteriorStroma}
		}
	case zone == TransitionZone:
		part = TZPosterior
		if out.Level == Base {
			also = []Part{CentralZone}
		}
	default:
		return out
	}
	out.Sector, _ = find(out.Level, out.Side, part)
	for _, a := range also {
		if s, ok := find(out.Level, out.Side, a); ok {
			out.Alternatives = append(out.Alternatives, s)
		}
	}
	return out
}

// level returns the third of the gland that slice k lies in: the outer thirds have ⌊n/3⌋ slices each.
func (m *Map) level(k int) Level {
	n := m.high - m.low + 1
	third := n / 3
	fromHead := k - m.low
	if m.headward {
		fromHead = m.high - k
	}
	switch {
	case fromHead < third:
		return Base
	case fromHead >= n-third:
		return Apex
	}
	return Mid
}

// Share is how much of a region lies in a sector.
type Share struct {
	Place    Place
	Fraction float64 // 0…1 of the region's voxels
}

// Of returns the places that a region covers, the largest share first: the region is a set of voxels of a grid of its own
// (offsets, i fastest), each of which is looked up at its centre. Parts outside the gland, and parts without a known zone,
// count as places too. Nil for an empty region.
func (m *Map) Of(grid geom.Grid, voxels []int32) []Share {
	type key struct {
		sector Sector
		zone   Zone
		level  Level
		side   Side
	}
	found := map[key]*Share{}
	var order []*Share
	for _, v := range voxels {
		n := int(v)
		p := m.At(grid.World(geom.Vec3{float64(n % grid.Size[0]), float64(n / grid.Size[0] % grid.Size[1]), float64(n / (grid.Size[0] * grid.Size[1]))}))
		k := key{p.Sector, p.Zone, p.Level, p.Side}
		s := found[k]
		if s == nil {
			s = &Share{Place: p}
			found[k] = s
			order = append(order, s)
		}
		s.Fraction += 1 / float64(len(voxels))
		if len(p.Alternatives) > len(s.Place.Alternatives) {
			s.Place.Alternatives = p.Alternatives
		}
	}
	slices.SortStableFunc(order, func(a, b *Share) int { return cmp.Compare(b.Fraction, a.Fraction) })
	out := make([]Share, len(order))
	for i, s := range order {
		out[i] = *s
	}
	return out
}
