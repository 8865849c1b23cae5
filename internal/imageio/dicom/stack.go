package dicom

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"bayeslice/internal/geom"
)

// Tolerances of assembly. Scanners write positions to 1e-3 mm or better.
const (
	samePlaneCos   = 0.9998 // 1.1°: planes further apart are different orientations
	duplicateMM    = 0.05   // centres closer along the normal are one position
	positionTolMM  = 0.05   // a slice this near its lattice position counts as on it
	lateralTolMM   = 0.5    // in-plane drift from slice to slice above which it is no stack
	maxMissingPart = 0.34   // more of the lattice than this not acquired: not a volume
)

// Stack is a set of frames that form one image volume: same size, pixel spacing, orientation,
// echo, kind of image and b-value, one frame per position. Immutable.
type Stack struct {
	Frames  []*Frame // ascending along the slice normal Row × Column
	B       BValue
	Repeat  int // 1-based among repeats of the same positions (time points, directions); 0: none
	Repeats int // number of those repeats; 0: none

	Grid       geom.Grid // valid where Problem is nil
	Missing    []int     // slice indices k of Grid that no image was found for
	Uneven     bool      // positions are off a regular lattice by more than positionTolMM
	MaxShiftMM float64   // largest distance of a slice from the lattice
	Duplicates int       // images left out because another lies at the same position
	Problem    error     // why it is no volume; wraps [ErrGeometry] or [ErrUnsupported]
}

// Series is one DICOM series, its stacks in a stable order. Immutable.
type Series struct {
	Header       *Header // of the first file
	Stacks       []*Stack
	Files        int // distinct SOP instances
	Copies       int // files left out as copies of another (same SOP instance)
	Orientations int // number of different slice orientations
}

// newSeries sorts one series' headers into stacks. It keeps every frame in some stack, except
// repeated copies of one SOP instance, which are counted.
func newSeries(headers []*Header) *Series {
	slices.SortStableFunc(headers, func(a, b *Header) int {
		return cmp.Or(cmp.Compare(a.Instance, b.Instance), cmp.Compare(a.SOPInstance, b.SOPInstance), cmp.Compare(a.Name, b.Name))
	})
	s := &Series{Header: headers[0]}
	seen := map[string]bool{}
	var frames []*Frame
	for _, h := range headers {
		if h.SOPInstance != "" && seen[h.SOPInstance] {
			s.Copies++
			continue
		}
		seen[h.SOPInstance] = true
		s.Files++
		for i := range h.Frames {
			frames = append(frames, &h.Frames[i])
		}
	}
	groups := groupFrames(frames)
	s.Orientations = orientations(groups)
	for _, g := range groups {
		s.Stacks = append(s.Stacks, splitRepeats(g)...)
	}
	return s
}

// groupFrames collects frames that can lie in one stack, in order of first appearance, b-values ascending.
func groupFrames(frames []*Frame) [][]*Frame {
	var groups [][]*Frame
next:
	for _, f := range frames {
		for i, g := range groups {
			if f.stacksWith(g[0]) {
				groups[i] = append(g, f)
				continue next
			}
		}
		groups = append(groups, []*Frame{f})
	}
	slices.SortStableFunc(groups, func(a, b []*Frame) int { return cmp.Compare(a[0].B.Value, b[0].B.Value) })
	return groups
}

// stacksWith reports whether two frames may be slices of one volume.
func (f *Frame) stacksWith(o *Frame) bool {
	a, b := f.Header, o.Header
	if a.Rows != b.Rows || a.Columns != b.Columns || f.HasPlane != o.HasPlane || f.B.Known != o.B.Known || f.B.Value != o.B.Value ||
		math.Abs(f.Echo-o.Echo) > 0.01 || f.kind() != o.kind() || f.Directionality != o.Directionality || a.FrameOfReference != b.FrameOfReference {
		return false
	}
	return !f.HasPlane || f.sameOrientation(o) && math.Abs(f.PixelMM[0]-o.PixelMM[0]) < 1e-3 && math.Abs(f.PixelMM[1]-o.PixelMM[1]) < 1e-3
}

func (f *Frame) sameOrientation(o *Frame) bool {
	return f.Row.Dot(o.Row) > samePlaneCos && f.Column.Dot(o.Column) > samePlaneCos
}

// kind tells apart images of one series that mean different things (magnitude and phase, trace and
// ADC): the values of ImageType from the third on.
func (f *Frame) kind() string {
	if len(f.ImageType) < 3 {
		return ""
	}
	return strings.Join(f.ImageType[2:], "\\")
}

// orientations counts the different slice orientations of the groups.
func orientations(groups [][]*Frame) int {
	var seen []*Frame
	for _, g := range groups {
		if g[0].HasPlane && !slices.ContainsFunc(seen, g[0].sameOrientation) {
			seen = append(seen, g[0])
		}
	}
	return len(seen)
}

// position is the frames found at one place along the normal.
type position struct {
	mm     float64
	frames []*Frame
}

// splitRepeats turns a group into stacks. Where every position holds the same number of frames,
// they are repeats (time points, diffusion directions) and make a stack each; where only some do,
// the extra ones are duplicates and the first by time and instance number is used.
func splitRepeats(group []*Frame) []*Stack {
	if !group[0].HasPlane {
		return []*Stack{{Frames: group, B: group[0].B, Problem: fmt.Errorf("%w: the images carry no position, orientation or pixel spacing", ErrGeometry)}}
	}
	at := positions(group)
	repeats := len(at[0].frames)
	for _, p := range at {
		if len(p.frames) != repeats {
			repeats = 0
			break
		}
	}
	if repeats <= 1 {
		s := &Stack{B: group[0].B, Duplicates: len(group) - len(at)}
		for _, p := range at {
			s.Frames = append(s.Frames, p.frames[0])
		}
		s.assemble()
		return []*Stack{s}
	}
	stacks := make([]*Stack, repeats)
	for r := range stacks {
		stacks[r] = &Stack{B: group[0].B, Repeat: r + 1, Repeats: repeats}
		for _, p := range at {
			stacks[r].Frames = append(stacks[r].Frames, p.frames[r])
		}
		stacks[r].assemble()
	}
	return stacks
}

// positions sorts frames along the slice normal of the first and gathers those at one place, in
// order of time.
func positions(group []*Frame) []position {
	normal := group[0].Row.Cross(group[0].Column).Unit()
	all := make([]position, len(group))
	for i, f := range group {
		all[i] = position{f.Position.Dot(normal), []*Frame{f}}
	}
	slices.SortStableFunc(all, func(a, b position) int { return cmp.Compare(a.mm, b.mm) })
	var out []position
	for _, p := range all {
		if n := len(out); n > 0 && p.mm-out[n-1].mm < duplicateMM {
			out[n-1].frames = append(out[n-1].frames, p.frames...)
			continue
		}
		out = append(out, p)
	}
	for _, p := range out {
		slices.SortStableFunc(p.frames, func(a, b *Frame) int {
			return cmp.Or(cmp.Compare(a.Temporal, b.Temporal), cmp.Compare(a.Header.Acquisition, b.Header.Acquisition),
				cmp.Compare(a.Header.Time, b.Header.Time), cmp.Compare(a.Header.Instance, b.Header.Instance), cmp.Compare(a.Index, b.Index))
		})
	}
	return out
}

// assemble finds the lattice of the sorted frames, or sets Problem.
func (s *Stack) assemble() {
	first := s.Frames[0]
	if h := first.Header; !h.syntax.decodable() {
		s.Problem = h.syntax.refusal()
		return
	}
	if slices.Contains(first.ImageType, "MOSAIC") {
		s.Problem = fmt.Errorf("%w: a mosaic, many slices in one picture; export it as single slices", ErrUnsupported)
		return
	}
	if len(s.Frames) < 2 {
		s.Problem = fmt.Errorf("%w: a single slice", ErrGeometry)
		return
	}
	normal := first.Row.Cross(first.Column).Unit()
	mm := make([]float64, len(s.Frames))
	for k, f := range s.Frames {
		along := f.Position.Sub(first.Position)
		mm[k] = along.Dot(normal)
		if lateral := along.Sub(normal.Scale(mm[k])).Norm(); lateral > lateralTolMM {
			s.Problem = fmt.Errorf("%w: the slices are shifted sideways against each other by %.1f mm", ErrGeometry, lateral)
			return
		}
	}
	s.fitLattice(mm, normal)
}

// fitLattice places slices found at mm (ascending, first 0) on a regular lattice from the first to
// the last. The spacing is the extent divided by a whole number, so that both ends are exact.
func (s *Stack) fitLattice(mm []float64, normal geom.Vec3) {
	extent := mm[len(mm)-1]
	gaps := make([]float64, len(mm)-1)
	for k := range gaps {
		gaps[k] = mm[k+1] - mm[k]
	}
	slices.Sort(gaps)
	typical := gaps[(len(gaps)-1)/2]
	steps := math.Round(extent / typical)
	size := int(steps) + 1
	if size-len(mm) > int(maxMissingPart*float64(size)) {
		s.Problem = fmt.Errorf("%w: %d slices are there where their spacing of %.2f mm asks for %d", ErrGeometry, len(mm), typical, size)
		return
	}
	spacing := extent / steps
	taken := make([]bool, size)
	for _, p := range mm {
		k := math.Round(p / spacing)
		shift := math.Abs(p - k*spacing)
		s.MaxShiftMM = max(s.MaxShiftMM, shift)
		taken[int(k)] = true
	}
	s.Uneven = s.MaxShiftMM > positionTolMM
	for k, found := range taken {
		if !found {
			s.Missing = append(s.Missing, k)
		}
	}
	f := s.Frames[0]
	grid, err := geom.NewGrid([3]int{f.Header.Columns, f.Header.Rows, size}, f.Position,
		geom.Vec3{f.PixelMM[0], f.PixelMM[1], spacing}, [3]geom.Vec3{f.Row, f.Column, normal})
	if err != nil {
		s.Problem = fmt.Errorf("%w: %w", ErrGeometry, err)
		return
	}
	s.Grid = grid
}
