package nrrd

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio/codec"
)

// axes says which axes of the file are those of space, in order, and which one is that of the frames.
type axes struct {
	space   []int       // two or three
	vectors []geom.Vec3 // steps along them, in the file's space and unit; nil where the header has none
	frames  int         // −1: none
}

// toLPS gives the signs that turn the named spaces into LPS.
var toLPS = map[string]geom.Vec3{
	"right-anterior-superior": {-1, -1, 1}, "ras": {-1, -1, 1},
	"left-anterior-superior": {1, -1, 1}, "las": {1, -1, 1},
	"left-posterior-superior": {1, 1, 1}, "lps": {1, 1, 1},
}

// mixedKinds are kinds of axes along which values are parts of one colour, vector or tensor.
func mixedKind(kind string) bool {
	kind = strings.ToLower(kind)
	for _, part := range []string{"color", "complex", "matrix", "normal", "gradient", "quaternion", "2-vector", "3-vector", "4-vector"} {
		if strings.Contains(kind, part) {
			return true
		}
	}
	return false
}

// axes sorts the axes of the file.
func (h *header) axes(info *codec.Info) (axes, error) {
	a := axes{frames: -1}
	kinds, err := h.perAxis("kinds")
	if err != nil {
		return a, err
	}
	for i, kind := range kinds {
		if mixedKind(kind) && h.sizes[i] > 1 {
			return a, fmt.Errorf("its axis %d holds the parts of a %.30s (a colour, vector or tensor image); save each as an image of its own: %w", i+1, kind, codec.ErrUnsupported)
		}
	}
	steps, err := h.directions()
	if err != nil {
		return a, err
	}
	for i := range h.sizes {
		inSpace := i < 3
		if steps != nil {
			inSpace = steps[i] != nil
		} else if len(kinds) > 0 && len(h.sizes) > 3 {
			inSpace = strings.EqualFold(kinds[i], "domain") || strings.EqualFold(kinds[i], "space")
		}
		switch {
		case inSpace && steps != nil:
			a.space, a.vectors = append(a.space, i), append(a.vectors, *steps[i])
		case inSpace:
			a.space = append(a.space, i)
		case h.sizes[i] == 1:
		case a.frames >= 0:
			return a, fmt.Errorf("it has two axes besides those of space (%d and %d); split it into volumes or series of volumes: %w", a.frames+1, i+1, codec.ErrUnsupported)
		default:
			a.frames = i
		}
	}
	if len(a.space) < 2 || len(a.space) > 3 {
		return a, fmt.Errorf("%d of its axes are axes of space, where two or three are read: %w", len(a.space), codec.ErrUnsupported)
	}
	if len(a.space) == 2 {
		info.Warn("A two-dimensional image has no slice thickness; 1 mm is assumed.")
	}
	return a, nil
}

// directions reads the step along each axis, nil for one that is not in space; nil throughout where there are none.
func (h *header) directions() ([]*geom.Vec3, error) {
	rest, ok := h.fields["spacedirections"]
	if !ok {
		return nil, nil
	}
	var out []*geom.Vec3
	for rest = strings.TrimSpace(rest); rest != ""; rest = strings.TrimSpace(rest) {
		if after, none := strings.CutPrefix(rest, "none"); none {
			out, rest = append(out, nil), after
			continue
		}
		inner, after, closed := strings.Cut(rest, ")")
		if !closed {
			return nil, fmt.Errorf("its space directions %.60q are not vectors: %w", rest, codec.ErrFormat)
		}
		v, err := vector(inner+")", "space directions")
		if err != nil {
			return nil, err
		}
		if v[0] != v[0] { // written by some software for "none"
			out = append(out, nil)
		} else {
			out = append(out, &v)
		}
		rest = after
	}
	if len(out) != len(h.sizes) {
		return nil, fmt.Errorf("it has %d space directions for %d axes: %w", len(out), len(h.sizes), codec.ErrFormat)
	}
	return out, nil
}

// vector reads "(x,y,z)".
func vector(s, field string) (v geom.Vec3, err error) {
	s = strings.TrimSpace(s)
	inner, ok := strings.CutPrefix(s, "(")
	inner, closed := strings.CutSuffix(inner, ")")
	parts := strings.Split(inner, ",")
	if !ok || !closed || len(parts) != 3 {
		return v, fmt.Errorf("its %s hold %.60q, which is no vector of three numbers: %w", field, s, codec.ErrUnsupported)
	}
	for i, p := range parts {
		if v[i], err = strconv.ParseFloat(strings.TrimSpace(p), 64); err != nil {
			return v, fmt.Errorf("its %s hold %.60q, which is no vector: %w", field, s, codec.ErrFormat)
		}
	}
	return v, nil
}

// unit returns the length in mm of the space's unit.
func (h *header) unit(info *codec.Info) float64 {
	words := strings.Fields(strings.ReplaceAll(strings.ToLower(h.fields["spaceunits"]), `"`, " "))
	if len(words) == 0 {
		return 1
	}
	mm, known := map[string]float64{"mm": 1, "millimeter": 1, "millimeters": 1, "cm": 10, "m": 1000, "um": 1e-3, "micron": 1e-3}[words[0]]
	for _, w := range words {
		known = known && w == words[0]
	}
	if !known {
		info.Warn("The header's space units %.40q are not known; millimetres are assumed.", h.fields["spaceunits"])
		return 1
	}
	return mm
}

// grid returns the lattice, LPS mm.
func (h *header) grid(a axes, info *codec.Info) (geom.Grid, error) {
	size := [3]int{1, 1, 1}
	for n, axis := range a.space {
		size[n] = h.sizes[axis]
	}
	if a.vectors == nil {
		return h.gridWithoutSpace(a, size, info)
	}
	space := strings.ToLower(h.fields["space"])
	sign, named := toLPS[space]
	if !named {
		if strings.Contains(space, "-time") || strings.HasSuffix(space, "t") {
			return geom.Grid{}, fmt.Errorf("its space %.40q has time as an axis; save it as a list of volumes: %w", space, codec.ErrUnsupported)
		}
		info.Warn("The header does not say where the patient's left is (space %q); its axes are taken to run to the patient's left, back and head, and left and right cannot be trusted.", space)
		sign = geom.Vec3{1, 1, 1}
	}
	mm := h.unit(info)
	turn := func(v geom.Vec3) geom.Vec3 {
		return geom.Vec3{mm * sign[0] * v[0], mm * sign[1] * v[1], mm * sign[2] * v[2]}
	}
	var origin geom.Vec3
	if s, ok := h.fields["spaceorigin"]; ok {
		o, err := vector(s, "space origin")
		if err != nil {
			return geom.Grid{}, err
		}
		origin = turn(o)
	} else {
		info.Warn("The header gives no origin; the first voxel is put at 0, and the image will not lie over others.")
	}
	spacing, dir := geom.Vec3{1, 1, 1}, [3]geom.Vec3{}
	for n, v := range a.vectors {
		dir[n] = turn(v)
		spacing[n] = dir[n].Norm()
		dir[n] = dir[n].Scale(1 / spacing[n])
	}
	if len(a.space) == 2 {
		dir[2] = dir[0].Cross(dir[1])
	}
	return codec.Grid(size, origin, spacing, dir)
}

// gridWithoutSpace uses the voxel sizes alone.
func (h *header) gridWithoutSpace(a axes, size [3]int, info *codec.Info) (geom.Grid, error) {
	info.Warn("The header has no orientation: axes are taken to run to the patient's left, back and head, and left and right cannot be trusted.")
	words, err := h.perAxis("spacings")
	if err != nil {
		return geom.Grid{}, err
	}
	spacing := geom.Vec3{1, 1, 1}
	if words == nil {
		info.Warn("The header gives no voxel size; 1 mm is assumed and distances cannot be trusted.")
	}
	for n, axis := range a.space {
		if words == nil {
			break
		}
		mm, err := strconv.ParseFloat(words[axis], 64)
		if err != nil {
			return geom.Grid{}, fmt.Errorf("its spacings hold %.40q, which is no number: %w", words[axis], codec.ErrFormat)
		}
		spacing[n] = math.Abs(mm)
	}
	return codec.Grid(size, geom.Vec3{}, spacing, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
}

// frames takes the values of the file apart into volumes with the axes of space in their order, i fastest. Axes of one
// sample change nothing.
func (h *header) frames(values []float32, a axes) [][]float32 {
	if a.frames < 0 {
		return [][]float32{values}
	}
	count, inner := h.sizes[a.frames], 1 // values of one frame that lie together
	for _, s := range h.sizes[:a.frames] {
		inner *= s
	}
	each := len(values) / count
	out := make([][]float32, count)
	for f := range out {
		if inner == each {
			out[f] = values[f*each : (f+1)*each : (f+1)*each]
			continue
		}
		out[f] = make([]float32, 0, each)
		for at := f * inner; at < len(values); at += inner * count {
			out[f] = append(out[f], values[at:at+inner]...)
		}
	}
	return out
}
