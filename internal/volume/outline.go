package volume

// Face is the face between voxel (I, J) of a structure and its neighbour in the slice in a direction, which is not of the structure.
type Face struct{ I, J, Dir int }

// compass holds the steps to the neighbours in a slice, each a quarter turn from the one before it.
var compass = [4][2]int{{1, 0}, {0, 1}, {-1, 0}, {0, -1}}

// Step returns the step from the face's voxel to the neighbour: one of (±1, 0) and (0, ±1).
func (f Face) Step() (di, dj int) { return compass[f.Dir][0], compass[f.Dir][1] }

// Middle returns the middle of the face in half voxels, so that voxel centres have even coordinates: where linear
// interpolation of the structure crosses one half.
func (f Face) Middle() (i, j int) {
	di, dj := f.Step()
	return 2*f.I + di, 2*f.J + dj
}

// Outlines returns the closed lines of faces round a structure in slice k of a mask, in the order in which their first voxel is met
// within the box. in tells the labels of the structure. Lines round it run so that the structure lies on the same side of all of them: an
// outer line and the line of a hole have areas of opposite sign. Voxels that touch at a corner alone get separate
// lines.
func (m *Mask) Outlines(in *[256]bool, box Box, k int) [][]Face {
	width := box.Max[0] - box.Min[0]
	inside := func(i, j int) bool { return m.grid.Contains(i, j, k) && in[m.At(i, j, k)] }
	seen := make([]bool, 4*width*(box.Max[1]-box.Min[1]))
	var lines [][]Face
	for j := box.Min[1]; j < box.Max[1]; j++ {
		for i := box.Min[0]; i < box.Max[0]; i++ {
			for dir, d := range compass {
				if !inside(i, j) || inside(i+d[0], j+d[1]) {
					continue
				}
				var line []Face
				for at := (Face{i, j, dir}); ; at = follow(at, inside) {
					id := 4*(at.I-box.Min[0]+width*(at.J-box.Min[1])) + at.Dir
					if seen[id] {
						break
					}
					seen[id] = true
					line = append(line, at)
				}
				if line != nil {
					lines = append(lines, line)
				}
			}
		}
	}
	return lines
}

// follow returns the next face of a line: round the same voxel, straight on, or round the corner into the
// voxel diagonally ahead.
func follow(at Face, inside func(i, j int) bool) Face {
	out, ahead := compass[at.Dir], compass[(at.Dir+1)%4]
	i, j := at.I+ahead[0], at.J+ahead[1]
	switch {
	case !inside(i, j):
		return Face{at.I, at.J, (at.Dir + 1) % 4}
	case !inside(i+out[0], j+out[1]):
		return Face{i, j, at.Dir}
	}
	return Face{i + out[0], j + out[1], (at.Dir + 3) % 4}
}
