package review

import (
	"context"
	"fmt"
	"math"
	"slices"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// Level is a third of the gland along the slice normal, in whole slices, the rest of a division by three in the middle: as
// package sectors has it.
type Level uint8

// Levels. The zero value is unknown.
const (
	NoLevel Level = iota
	Apex          // the third towards the feet
	MidGland
	Base // towards the head
)

var levels = [...]string{"", "apex", "mid-gland", "base"}

// String returns the level in English, "" where it is unknown.
func (l Level) String() string { return levels[min(int(l), len(levels)-1)] }

// MarshalText implements encoding.TextMarshaler.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *Level) UnmarshalText(text []byte) error {
	n, err := indexOf(levels[:], text)
	*l = Level(n)
	return err
}

// Side is a side of the patient, from the middle of the gland.
type Side uint8

// Sides. The zero value is unknown.
const (
	NoSide Side = iota
	Right
	Midline // within 5 mm of the middle
	LeftSide
)

var sides = [...]string{"", "right", "midline", "left"}

// String returns the side in English, "" where it is unknown.
func (s Side) String() string { return sides[min(int(s), len(sides)-1)] }

// MarshalText implements encoding.TextMarshaler.
func (s Side) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Side) UnmarshalText(text []byte) error {
	n, err := indexOf(sides[:], text)
	*s = Side(n)
	return err
}

// Depth is front or back of the middle of the gland.
type Depth uint8

// Depths. The zero value is neither: within 5 mm of the middle, or unknown.
const (
	NoDepth Depth = iota
	Anterior
	Posterior
)

var depths = [...]string{"", "anterior", "posterior"}

// String returns the depth in English, "" where it is neither.
func (d Depth) String() string { return depths[min(int(d), len(depths)-1)] }

// MarshalText implements encoding.TextMarshaler.
func (d Depth) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Depth) UnmarshalText(text []byte) error {
	n, err := indexOf(depths[:], text)
	*d = Depth(n)
	return err
}

func indexOf(names []string, text []byte) (int, error) {
	n := slices.Index(names, string(text))
	if n < 0 {
		return 0, fmt.Errorf("%w: %q is not one of %q", ErrField, text, names)
	}
	return n, nil
}

// middleMM is the distance from the middle up to which a place is neither left nor right, neither front nor back.
const middleMM = 5

// places names positions within a gland, and near it.
type places struct {
	grid      geom.Grid // of the gland's mask
	low, high int       // first and last slice with gland
	middle    geom.Vec3 // centre of mass
}

// findPlaces measures the gland; nil where there is none.
func (r *reviewer) findPlaces(ctx context.Context) (*places, error) {
	gland := r.Gland
	if gland == nil && slices.Contains(zonesOf(r.Classes), true) {
		zone := zonesOf(r.Classes)
		own := make([]uint8, len(r.best))
		for v, c := range r.best {
			if zone[c] {
				own[v] = 1
			}
		}
		var err error
		if gland, err = volume.NewMask(r.grid, own); err != nil {
			return nil, err
		}
	}
	if gland == nil {
		return nil, ctx.Err()
	}
	region := gland.Region()
	if region.Voxels == 0 {
		return nil, ctx.Err()
	}
	return newPlaces(gland.Grid(), region.Box, region.Centre), ctx.Err()
}

// placesOf takes a group of voxels itself for the gland.
func (r *reviewer) placesOf(voxels []int32) *places {
	var middle geom.Vec3
	for _, v := range voxels {
		middle = middle.Add(r.world(v))
	}
	return newPlaces(r.grid, r.box(voxels), middle.Scale(1/float64(len(voxels))))
}

func newPlaces(g geom.Grid, box volume.Box, middle geom.Vec3) *places {
	return &places{grid: g, low: box.Min[2], high: box.Max[2] - 1, middle: middle}
}

// level returns the third of the gland in which a point lies; beyond its ends, the nearest one.
func (p *places) level(world geom.Vec3) Level {
	n := p.high - p.low + 1
	fromHead := int(math.Round(p.grid.Voxel(world)[2])) - p.low
	if p.grid.Dir[2][2] > 0 { // k grows towards the head
		fromHead = n - 1 - fromHead
	}
	switch {
	case fromHead < n/3:
		return Base
	case fromHead >= n-n/3:
		return Apex
	}
	return MidGland
}

// name names a point.
func (p *places) name(world geom.Vec3) (Level, Side, Depth) {
	d := world.Sub(p.middle) // LPS: x to the left, y to the back
	side, depth := Midline, NoDepth
	switch {
	case d[0] <= -middleMM:
		side = Right
	case d[0] >= middleMM:
		side = LeftSide
	}
	switch {
	case d[1] <= -middleMM:
		depth = Anterior
	case d[1] >= middleMM:
		depth = Posterior
	}
	return p.level(world), side, depth
}

// partCount is more than the largest number that part returns.
const partCount = 16

// part numbers the twelve parts into which large places are cut: level, half, front or back.
func (p *places) part(world geom.Vec3) uint8 {
	d := world.Sub(p.middle)
	n := uint8(p.level(world)) * 4
	if d[0] >= 0 {
		n++
	}
	if d[1] >= 0 {
		n += 2
	}
	return n
}
