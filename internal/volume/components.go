package volume

import "bayeslice/internal/geom"

// Connectivity says which neighbours of a voxel belong to the same component.
type Connectivity uint8

// Connectivities, by the number of neighbours. The lesion metrics of PI-CAI use [Corners].
const (
	Faces   Connectivity = 6  // voxels that share a face
	Edges   Connectivity = 18 // that share a face or an edge
	Corners Connectivity = 26 // that share a face, an edge or a corner
)

// Component is one connected group of voxels.
type Component struct {
	Voxels int // size, in voxels
	Box    Box // smallest box that holds it
}

// Labels is the result of [Components].
type Labels struct {
	Grid       geom.Grid
	IDs        []int32     // per voxel, i fastest: 0 outside, else 1 + index into Components
	Components []Component // in the order in which their first voxel is met in memory
}

// Components groups the voxels for which in is true, called once for each offset of the grid in
// order. It takes time proportional to the number of voxels.
func Components(grid geom.Grid, in func(index int) bool, c Connectivity) *Labels {
	l := &Labels{Grid: grid, IDs: make([]int32, grid.Voxels())}
	back := c.backward(grid)
	parent := []int32{0} // union-find forest over provisional labels; a root is its own parent
	at := 0
	for k := range grid.Size[2] {
		for j := range grid.Size[1] {
			for i := range grid.Size[0] {
				if in(at) {
					l.IDs[at] = join(&parent, l.IDs, at, grid, back, [3]int{i, j, k})
				}
				at++
			}
		}
	}
	l.collect(parent)
	return l
}

// neighbour is a step to a voxel that comes earlier in memory.
type neighbour struct {
	step   [3]int
	offset int
}

// backward returns the neighbours of a voxel that come before it in memory.
func (c Connectivity) backward(g geom.Grid) []neighbour {
	var out []neighbour
	for dk := -1; dk <= 0; dk++ {
		for dj := -1; dj <= 1; dj++ {
			for di := -1; di <= 1; di++ {
				offset := di + g.Size[0]*(dj+g.Size[1]*dk)
				before := dk < 0 || dk == 0 && (dj < 0 || dj == 0 && di < 0)
				steps := di*di + dj*dj + dk*dk
				if before && (steps == 1 || steps == 2 && c >= Edges || steps == 3 && c >= Corners) {
					out = append(out, neighbour{[3]int{di, dj, dk}, offset})
				}
			}
		}
	}
	return out
}

// join returns the provisional label of a voxel, uniting those of its earlier neighbours.
func join(parent *[]int32, ids []int32, at int, g geom.Grid, back []neighbour, voxel [3]int) int32 {
	label := int32(0)
	for _, n := range back {
		if !g.Contains(voxel[0]+n.step[0], voxel[1]+n.step[1], voxel[2]+n.step[2]) {
			continue
		}
		other := ids[at+n.offset]
		switch {
		case other == 0:
		case label == 0:
			label = root(*parent, other)
		default:
			other = root(*parent, other)
			low, high := min(label, other), max(label, other)
			(*parent)[high], label = low, low
		}
	}
	if label == 0 {
		label = int32(len(*parent))
		*parent = append(*parent, label)
	}
	return label
}

func root(parent []int32, label int32) int32 {
	for parent[label] != label {
		parent[label] = parent[parent[label]]
		label = parent[label]
	}
	return label
}

// collect renumbers provisional labels to 1, 2, … and measures the components.
func (l *Labels) collect(parent []int32) {
	final := make([]int32, len(parent))
	at := 0
	for k := range l.Grid.Size[2] {
		for j := range l.Grid.Size[1] {
			for i := range l.Grid.Size[0] {
				if id := l.IDs[at]; id != 0 {
					r := root(parent, id)
					if final[r] == 0 {
						l.Components = append(l.Components, Component{Box: emptyBox})
						final[r] = int32(len(l.Components))
					}
					l.IDs[at] = final[r]
					c := &l.Components[final[r]-1]
					c.Voxels++
					c.Box = c.Box.with(i, j, k)
				}
				at++
			}
		}
	}
}
