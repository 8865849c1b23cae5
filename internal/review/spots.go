package review

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// Spot is one place that should be looked at: voxels in doubt that hang together.
type Spot struct {
	World    geom.Vec3 `json:"worldLPSmm"` // where to look: a voxel of the spot, in its slice of the largest expected error
	Slice    int       `json:"slice"`      // that slice k of the field's grid
	ErrorML  float64   `json:"errorML"`    // expected error, mL
	VolumeML float64   `json:"volumeML"`   // of the voxels in doubt, mL
	Between  [2]string `json:"between"`    // the classes that compete, in the order of the model
	Level    Level     `json:"level"`
	Side     Side      `json:"side"`
	Depth    Depth     `json:"depth"`
	Voxels   []int32   `json:"-"` // offsets on the field's grid, ascending; nil in spots that were read from a file
}

// Border says in English between what the doubt is: "TZ/PZ border", "outer border of PZ", "csPCa or not".
func (s Spot) Border() string {
	switch {
	case s.Between[0] == background && (s.Between[1] == "TZ" || s.Between[1] == "PZ"):
		return "outer border of " + s.Between[1]
	case s.Between[0] == background:
		return s.Between[1] + " or not"
	}
	return s.Between[0] + "/" + s.Between[1] + " border"
}

// background is the name of class 0 in model cards.
const background = "background"

// Reason says in English why to look: "apex, left posterior, TZ/PZ border, 0.8 mL expected error". Places that have no
// name are left out.
func (s Spot) Reason() string {
	var words []string
	if s.Level != NoLevel {
		words = append(words, s.Level.String())
	}
	if where := strings.TrimSpace(s.Side.String() + " " + s.Depth.String()); where != "" {
		words = append(words, where)
	}
	return strings.Join(append(words, s.Border(), ML(s.ErrorML)+" expected error"), ", ")
}

// ML writes a volume with two significant digits below 10 mL: "0.83 mL", "2.1 mL", "12 mL".
func ML(ml float64) string {
	switch {
	case ml < 0.995:
		return fmt.Sprintf("%.2f mL", ml)
	case ml < 9.95:
		return fmt.Sprintf("%.1f mL", ml)
	}
	return fmt.Sprintf("%.0f mL", ml)
}

// spots lists the places in doubt, the largest expected error first.
func (r *reviewer) spots(ctx context.Context) ([]Spot, error) {
	var out []Spot
	for _, pair := range r.pairs() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for _, voxels := range r.together(r.boxOf(pair), func(v int) bool { return r.pair[v] == pair && float64(r.doubt[v]) >= r.MinDoubt }) {
			for _, part := range r.cut(voxels) {
				if s := r.spot(part, pair); s.ErrorML >= r.MinML {
					out = append(out, s)
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b Spot) int {
		return cmp.Or(cmp.Compare(b.ErrorML, a.ErrorML), cmp.Compare(a.Voxels[0], b.Voxels[0]))
	})
	return out, nil
}

// pairs returns the pairs of classes between which there is doubt.
func (r *reviewer) pairs() []uint16 {
	var seen [1 << 16]bool
	var out []uint16
	for v, d := range r.doubt {
		if float64(d) >= r.MinDoubt && !seen[r.pair[v]] {
			seen[r.pair[v]] = true
			out = append(out, r.pair[v])
		}
	}
	slices.Sort(out)
	return out
}

// together groups voxels of a box that touch, by offset.
func (r *reviewer) together(box volume.Box, in func(v int) bool) [][]int32 {
	size, whole := box.Size(), r.grid.Size
	part := r.grid
	part.Size = size
	offset := func(at int) int {
		i, j, k := at%size[0]+box.Min[0], at/size[0]%size[1]+box.Min[1], at/(size[0]*size[1])+box.Min[2]
		return i + whole[0]*(j+whole[1]*k)
	}
	found := volume.Components(part, func(at int) bool { return in(offset(at)) }, volume.Corners)
	groups := make([][]int32, len(found.Components))
	for n, c := range found.Components {
		groups[n] = make([]int32, 0, c.Voxels)
	}
	for at, id := range found.IDs {
		if id > 0 {
			groups[id-1] = append(groups[id-1], int32(offset(at)))
		}
	}
	return groups
}

// cut divides a group that extends too far into parts of the gland, each of which hangs together.
func (r *reviewer) cut(voxels []int32) [][]int32 {
	box := r.box(voxels)
	if r.extent(box) <= r.MaxMM {
		return [][]int32{voxels}
	}
	place := r.place
	if place == nil {
		place = r.placesOf(voxels)
	}
	var parts [partCount][]int32
	for _, v := range voxels {
		p := place.part(r.world(v))
		parts[p] = append(parts[p], v)
	}
	var out [][]int32
	marked := make([]bool, r.grid.Voxels())
	for _, part := range parts {
		if len(part) == 0 {
			continue
		}
		for _, v := range part {
			marked[v] = true
		}
		out = append(out, r.together(r.box(part), func(v int) bool { return marked[v] })...)
		for _, v := range part {
			marked[v] = false
		}
	}
	return out
}

// box returns the smallest box that holds voxels.
func (r *reviewer) box(voxels []int32) volume.Box {
	b := volume.Box{Min: r.grid.Size}
	for _, v := range voxels {
		for a, x := range r.voxel(v) {
			b.Min[a], b.Max[a] = min(b.Min[a], x), max(b.Max[a], x+1)
		}
	}
	return b
}

// boxOf returns the smallest box that holds the voxels in doubt between a pair of classes.
func (r *reviewer) boxOf(pair uint16) volume.Box {
	var voxels []int32
	for v, d := range r.doubt {
		if r.pair[v] == pair && float64(d) >= r.MinDoubt {
			voxels = append(voxels, int32(v))
		}
	}
	return r.box(voxels)
}

// extent returns the longest side of a box, between voxel centres, mm.
func (r *reviewer) extent(box volume.Box) float64 {
	longest := 0.0
	for a, n := range box.Size() {
		longest = max(longest, float64(n-1)*r.grid.Spacing[a])
	}
	return longest
}

// spot measures a group.
func (r *reviewer) spot(voxels []int32, pair uint16) Spot {
	s := Spot{Voxels: voxels, VolumeML: float64(len(voxels)) * r.ml, Between: [2]string{r.Classes[pair>>8], r.Classes[pair&255]}}
	inSlice := make([]float64, r.grid.Size[2])
	var centre geom.Vec3
	for _, v := range voxels {
		d := float64(r.doubt[v])
		s.ErrorML += d * r.ml
		inSlice[r.voxel(v)[2]] += d
		centre = centre.Add(r.world(v).Scale(d))
	}
	centre = centre.Scale(r.ml / s.ErrorML)
	s.Slice = slices.Index(inSlice, slices.Max(inSlice))
	s.World = r.lookAt(voxels, s.Slice)
	if r.place != nil {
		s.Level, s.Side, s.Depth = r.place.name(centre)
	}
	return s
}

// lookAt returns the voxel of a group in a slice that is nearest to the middle of the group's doubt there.
func (r *reviewer) lookAt(voxels []int32, k int) geom.Vec3 {
	var middle geom.Vec3
	weight := 0.0
	for _, v := range voxels {
		if d := float64(r.doubt[v]); r.voxel(v)[2] == k {
			middle, weight = middle.Add(r.world(v).Scale(d)), weight+d
		}
	}
	middle = middle.Scale(1 / weight)
	var nearest geom.Vec3
	best := -1.0
	for _, v := range voxels {
		if r.voxel(v)[2] == k {
			if w := r.world(v); best < 0 || w.Sub(middle).Norm() < best {
				nearest, best = w, w.Sub(middle).Norm()
			}
		}
	}
	return nearest
}

func (r *reviewer) voxel(v int32) [3]int {
	x, y := r.grid.Size[0], r.grid.Size[1]
	return [3]int{int(v) % x, int(v) / x % y, int(v) / (x * y)}
}

func (r *reviewer) world(v int32) geom.Vec3 {
	at := r.voxel(v)
	return r.grid.World(geom.Vec3{float64(at[0]), float64(at[1]), float64(at[2])})
}
