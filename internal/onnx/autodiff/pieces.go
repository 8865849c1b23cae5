package autodiff

import (
	"slices"

	"bayeslice/internal/onnx/graph"
)

// piece is the cotangent of a Slice that takes start ≤ index < stop along one axis. Slices often cut a
// node into all its parts; their cotangents then only need to be put side by side, where the rule of
// Slice would fill each up with zeros and the driver would add them.
type piece struct {
	slice, dy         *graph.Node
	axis, start, stop int
}

// pieceOf returns n as a piece; ok is false where it is no Slice along a single axis in single steps.
func pieceOf(n, dy *graph.Node) (p piece, ok bool) {
	if n.Op() != "Slice" {
		return p, false
	}
	p = piece{slice: n, dy: dy, axis: -1}
	start, _, step := n.Bounds()
	for ax, size := range n.In()[0].Shape() {
		switch {
		case n.Shape()[ax] == size && step[ax] == 1:
		case p.axis >= 0 || step[ax] != 1:
			return p, false
		default:
			p.axis, p.start, p.stop = ax, start[ax], start[ax]+n.Shape()[ax]
		}
	}
	return p, p.axis >= 0
}

// join brings the pieces of n into its cotangent: side by side where they tile n along one axis, by the
// rule of Slice otherwise.
func (d *driver) join(n *graph.Node) {
	list := d.pieces[n]
	if len(list) == 0 {
		return
	}
	slices.SortStableFunc(list, func(a, b piece) int { return a.start - b.start })
	var parts []*graph.Node
	at := 0
	for _, p := range list {
		if p.axis == list[0].axis && p.start == at {
			parts, at = append(parts, p.dy), p.stop
		}
	}
	if len(parts) == len(list) && at == n.Shape()[list[0].axis] {
		d.add(n, d.b.Concat(list[0].axis, parts...))
		return
	}
	for _, p := range list {
		d.apply(p.slice, p.dy, func(i int) bool { return i == 0 })
	}
}
