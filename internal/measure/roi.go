package measure

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"bayeslice/internal/geom"
	"bayeslice/internal/lang"
	"bayeslice/internal/volume"
)

// Shape is a closed figure in a plane of space. Make it with [Ellipse] or [Polygon].
type Shape struct {
	centre geom.Vec3
	half   [2]geom.Vec3 // half axes of an ellipse
	points []geom.Vec3  // corners of a polygon; nil for an ellipse
}

// Ellipse returns the ellipse about centre (world LPS mm) whose half axes are the vectors u and v (mm),
// which must be perpendicular. It fails with [ErrMeasure] where an axis is zero, they are not perpendicular
// within 0.1 %, or a number is not finite.
func Ellipse(centre, u, v geom.Vec3) (Shape, error) {
	if !centre.Finite() || !u.Finite() || !v.Finite() || u.Norm() == 0 || v.Norm() == 0 {
		return Shape{}, refuse("an ellipse without extent; drag it open further")
	}
	if math.Abs(u.Unit().Dot(v.Unit())) > 1e-3 {
		return Shape{}, refuse("an ellipse whose axes are not perpendicular; draw it again")
	}
	return Shape{centre: centre, half: [2]geom.Vec3{u, v}}, nil
}

// Polygon returns the closed polygon through the points (world LPS mm, at least three, copied), the last
// joined to the first. It fails with [ErrMeasure] for fewer or for one that is not finite.
func Polygon(points []geom.Vec3) (Shape, error) {
	if len(points) < 3 {
		return Shape{}, refuse("a polygon of %d corners; set at least three", len(points))
	}
	s := Shape{points: slices.Clone(points)}
	for _, p := range points {
		if !p.Finite() {
			return Shape{}, refuse("a corner has no position; draw the polygon again")
		}
		s.centre = s.centre.Add(p.Scale(1 / float64(len(points))))
	}
	return s, nil
}

// Centre returns the middle of an ellipse or the mean of a polygon's corners, world LPS mm.
func (s Shape) Centre() geom.Vec3 { return s.centre }

// savedShape is a figure as it is stored.
type savedShape struct {
	Centre *geom.Vec3    `json:"centre,omitempty"` // of an ellipse, world LPS mm
	Axes   *[2]geom.Vec3 `json:"axes,omitempty"`   // its half axes, mm
	Points []geom.Vec3   `json:"points,omitempty"` // corners of a polygon, world LPS mm
}

// MarshalJSON implements [json.Marshaler].
func (s Shape) MarshalJSON() ([]byte, error) {
	if s.points != nil {
		return json.Marshal(savedShape{Points: s.points})
	}
	return json.Marshal(savedShape{Centre: &s.centre, Axes: &s.half})
}

// UnmarshalJSON implements [json.Unmarshaler]. It fails with [ErrMeasure] where no figure can be made of what was stored.
func (s *Shape) UnmarshalJSON(data []byte) error {
	var in savedShape
	err := json.Unmarshal(data, &in)
	if err == nil {
		switch {
		case in.Points != nil:
			*s, err = Polygon(in.Points)
		case in.Centre != nil && in.Axes != nil:
			*s, err = Ellipse(*in.Centre, in.Axes[0], in.Axes[1])
		default:
			err = refuse("a figure of neither ellipse nor polygon; draw it again")
		}
	}
	if err != nil {
		return fmt.Errorf("measure: read a figure: %w", err)
	}
	return nil
}

// outlineSteps is the number of corners that stand for an ellipse on screen.
const outlineSteps = 48

// Outline returns the corners of the figure in order, world LPS mm, in new memory: a polygon's own, or 48
// points of an ellipse.
func (s Shape) Outline() []geom.Vec3 {
	if s.points != nil {
		return slices.Clone(s.points)
	}
	out := make([]geom.Vec3, outlineSteps)
	for i := range out {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / outlineSteps)
		out[i] = s.centre.Add(s.half[0].Scale(cos)).Add(s.half[1].Scale(sin))
	}
	return out
}

// IsEllipse reports whether the figure is an ellipse rather than a polygon.
func (s Shape) IsEllipse() bool { return s.points == nil }

// Handles returns the points by which the figure is reshaped, world LPS mm, in new memory: a polygon's corners, or the ends of
// an ellipse's axes: first those of both half axes, then the opposite ones.
func (s Shape) Handles() []geom.Vec3 {
	if s.points != nil {
		return slices.Clone(s.points)
	}
	u, v := s.half[0], s.half[1]
	return []geom.Vec3{s.centre.Add(u), s.centre.Add(v), s.centre.Sub(u), s.centre.Sub(v)}
}

// WithHandle returns the figure with handle n, as [Shape.Handles] numbers them, brought to a point (world LPS mm), as far as the
// figure stays in its plane: a corner alone moves; the end of an axis moves along it, and the other end stays. It
// fails with [ErrMeasure] where there is no such handle or no figure is left.
func (s Shape) WithHandle(n int, to geom.Vec3) (Shape, error) {
	handles := s.Handles()
	if n < 0 || n >= len(handles) {
		return Shape{}, refuse("a figure has no handle %d; draw it again", n)
	}
	if s.points != nil {
		if normal := s.normal(); normal.Norm() > 0 {
			n := normal.Unit()
			to = to.Sub(n.Scale(to.Sub(s.centre).Dot(n)))
		}
		handles[n] = to
		return Polygon(handles)
	}
	axis, fixed := n%2, handles[(n+2)%4]
	along := handles[n].Sub(fixed).Unit()
	length := to.Sub(fixed).Dot(along)
	if !(length > 0) {
		return Shape{}, refuse("an ellipse without extent; drag it open further")
	}
	half := s.half
	half[axis] = along.Scale(length / 2)
	return Ellipse(fixed.Add(half[axis]), half[0], half[1])
}

// Moved returns the figure displaced by a world vector, mm. It fails with [ErrMeasure] for one that is not finite.
func (s Shape) Moved(by geom.Vec3) (Shape, error) {
	if s.points == nil {
		return Ellipse(s.centre.Add(by), s.half[0], s.half[1])
	}
	points := slices.Clone(s.points)
	for i := range points {
		points[i] = points[i].Add(by)
	}
	return Polygon(points)
}

// normal returns twice the area vector of a polygon: perpendicular to its plane, zero where it encloses nothing.
func (s Shape) normal() (sum geom.Vec3) {
	for i, p := range s.points {
		q := s.points[(i+1)%len(s.points)]
		sum = sum.Add(p.Sub(s.centre).Cross(q.Sub(s.centre)))
	}
	return sum
}

// AreaMM2 returns the area of the figure itself (not of the voxels in it): πab, or Gauss's area formula. A
// polygon that crosses itself has no area of its own; what is returned then is the formula's.
func (s Shape) AreaMM2() float64 {
	if s.points == nil {
		return math.Pi * s.half[0].Norm() * s.half[1].Norm()
	}
	return s.normal().Norm() / 2
}

// contains reports whether the voxel centre (i, j) of slice k lies in the figure seen along the slice normal.
func (s Shape) contains(g geom.Grid, corners [][2]float64, i, j, k int) bool {
	if s.points != nil {
		return insidePolygon(corners, float64(i), float64(j))
	}
	n := g.Normal()
	d := g.World(geom.Vec3{float64(i), float64(j), float64(k)}).Sub(s.centre)
	u, v := s.half[0].Sub(n.Scale(s.half[0].Dot(n))), s.half[1].Sub(n.Scale(s.half[1].Dot(n)))
	// Solve d = a·u + b·v in the plane: the axes keep their angle only where the planes are parallel.
	uu, uv, vv := u.Dot(u), u.Dot(v), v.Dot(v)
	det := uu*vv - uv*uv
	if det <= 0 {
		return false
	}
	a, b := (d.Dot(u)*vv-d.Dot(v)*uv)/det, (d.Dot(v)*uu-d.Dot(u)*uv)/det
	return a*a+b*b <= 1+1e-9
}

// insidePolygon is the even-odd rule.
func insidePolygon(c [][2]float64, x, y float64) bool {
	in := false
	for n, p := range c {
		q := c[(n+1)%len(c)]
		if (p[1] > y) != (q[1] > y) && x < p[0]+(y-p[1])/(q[1]-p[1])*(q[0]-p[0]) {
			in = !in
		}
	}
	return in
}

// Stats are the statistics of a series' voxels in a region of one of its slices.
type Stats struct {
	N       int     // voxels whose centres lie in the region and hold a number
	Missing int     // voxels in the region that hold none
	Mean    float64 // of the N values, as Median, Min and Max
	SD      float64 // sample standard deviation, n − 1; 0 of a single voxel
	Median  float64
	Min     float64
	Max     float64
	AreaMM2 float64   // of the figure drawn
	Unit    string    // of the values: that of the volume, "" for arbitrary MR intensity
	Slice   int       // k of the series' slice that was measured
	Centre  geom.Vec3 // world LPS mm, of the figure
}

// ROI measures a volume inside a figure, on the slice that the figure's centre is nearest to: every voxel
// whose centre lies inside counts as a whole. It fails with [ErrMeasure] where the figure lies outside the
// stack, or holds no voxel centre.
func ROI(v *volume.Volume, s Shape) (Stats, error) {
	g := v.Grid()
	k, err := sliceOf(g, s.centre)
	if err != nil {
		return Stats{}, err
	}
	corners := make([][2]float64, 0, len(s.points))
	box := volume.Box{Min: [3]int{g.Size[0], g.Size[1], k}, Max: [3]int{0, 0, k + 1}}
	for _, p := range s.Outline() {
		x := g.Voxel(p)
		corners = append(corners, [2]float64{x[0], x[1]})
		for a := range 2 {
			box.Min[a] = min(box.Min[a], int(math.Floor(clampTo(x[a]-1, g.Size[a])))) // the ellipse bulges beyond its corners
			box.Max[a] = max(box.Max[a], int(math.Ceil(clampTo(x[a]+1, g.Size[a])))+1)
		}
	}
	var values []float64
	out := Stats{AreaMM2: s.AreaMM2(), Unit: v.Unit(), Slice: k, Centre: s.centre}
	for j := max(box.Min[1], 0); j < min(box.Max[1], g.Size[1]); j++ {
		for i := max(box.Min[0], 0); i < min(box.Max[0], g.Size[0]); i++ {
			if !s.contains(g, corners, i, j, k) {
				continue
			}
			if x := float64(v.At(i, j, k)); finite(x) {
				values = append(values, x)
			} else {
				out.Missing++
			}
		}
	}
	if len(values) == 0 {
		return Stats{}, refuse("the region holds no voxel centre of this series (pixels of %.2f × %.2f mm); draw it larger, or over the image", g.Spacing[0], g.Spacing[1])
	}
	out.summarise(values)
	return out, nil
}

// Definition implements the promise of the package.
func (Stats) Definition() Definition {
	return Definition{lang.Mark("Region"), lang.Mark("mean, sample standard deviation (n − 1), median, minimum and maximum of the voxels whose centres lie in the figure; area of the figure"),
		"", "this program: a voxel counts as a whole, by its centre"}
}

// summarise fills the statistics; values is reordered.
func (s *Stats) summarise(values []float64) {
	slices.Sort(values)
	n := len(values)
	s.N, s.Min, s.Max = n, values[0], values[n-1]
	s.Median = (values[(n-1)/2] + values[n/2]) / 2
	for _, x := range values {
		s.Mean += x / float64(n)
	}
	if n < 2 {
		return
	}
	sum := 0.0
	for _, x := range values {
		sum += (x - s.Mean) * (x - s.Mean)
	}
	s.SD = math.Sqrt(sum / float64(n-1))
}

// sliceOf returns the slice nearest to a point, or [ErrMeasure] where that lies outside the stack.
func sliceOf(g geom.Grid, world geom.Vec3) (int, error) {
	k := g.Voxel(world)[2]
	if !(k >= -0.5 && k <= float64(g.Size[2])-0.5) {
		return 0, refuse("the mark lies outside the slices of this series; mark a place that the series covers")
	}
	return min(max(int(math.Round(k)), 0), g.Size[2]-1), nil
}

func clampTo(x float64, n int) float64 { return min(max(x, -2), float64(n)+2) }

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
