package measure

import (
	"bayeslice/internal/geom"
	"bayeslice/internal/lang"
)

// LargestDiameter returns the longest line within one slice between two corners of a set of voxels (offsets
// on the grid, i fastest): the largest dimension on an axial image, voxels being boxes rather than points. It
// fails with [ErrMeasure] for an empty set, or an offset off the grid.
func LargestDiameter(g geom.Grid, voxels []int32) (Distance, error) {
	type row struct{ low, high int }
	slices := map[int]map[int]row{}
	for _, v := range voxels {
		if v < 0 || int(v) >= g.Voxels() {
			return Distance{}, refuse("a voxel lies outside its grid; run the model again")
		}
		i, j, k := int(v)%g.Size[0], int(v)/g.Size[0]%g.Size[1], int(v)/(g.Size[0]*g.Size[1])
		if slices[k] == nil {
			slices[k] = map[int]row{}
		}
		r, ok := slices[k][j]
		if !ok {
			r = row{i, i}
		}
		slices[k][j] = row{min(r.low, i), max(r.high, i)}
	}
	best, found := Distance{}, false
	for k := range g.Size[2] { // in order, so that equal lengths always give the same line
		var corners []geom.Vec3
		for j := range g.Size[1] {
			if r, ok := slices[k][j]; ok {
				for _, dj := range [2]float64{-0.5, 0.5} {
					corners = append(corners, g.World(geom.Vec3{float64(r.low) - 0.5, float64(j) + dj, float64(k)}),
						g.World(geom.Vec3{float64(r.high) + 0.5, float64(j) + dj, float64(k)}))
				}
			}
		}
		if d, ok := longest(corners); ok && (!found || d.MM() > best.MM()+1e-9) {
			best, found = d, true
		}
	}
	if !found {
		return Distance{}, refuse("an empty region has no diameter")
	}
	return best, nil
}

// longest returns the two points furthest apart.
func longest(points []geom.Vec3) (d Distance, ok bool) {
	for n, p := range points {
		for _, q := range points[:n] {
			if c := (Distance{q, p}); !ok || c.MM() > d.MM()+1e-9 {
				d, ok = c, true
			}
		}
	}
	return d, ok
}

// DiameterDefinition says what [LargestDiameter] measures.
func DiameterDefinition() Definition {
	return Definition{lang.Mark("Largest diameter"), lang.Mark("longest line in one slice between corners of the candidate's voxels"),
		"mm",
		"PI-RADS v2.1 (2019), section on measurement of lesions: largest dimension on an axial image"}
}
