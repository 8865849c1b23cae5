package step

import (
	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/tensor"
)

// views are operators whose result is their first input's memory.
var views = map[string]bool{"Reshape": true, "Identity": true, "Squeeze": true, "Unsqueeze": true}

// What a process holds beside the step's tensors, and how much more than the tensors alone ONNX Runtime
// takes on the CPU (packed kernels, convolutions as matrices, room between blocks). Measured with
// `bayeslice train` and the presets tiny, compact and small, with validation: the peak of the process was
// 137, 478 and 592 MB, the estimate is 134, 413 and 495 MB. TestMemoryIsAboutWhatIsUsed measures a step anew.
const (
	programBytes  = 100 << 20
	runtimeFactor = 1.5
	updateCopies  = 10 // of each parameter: weight, gradients, the optimiser's three; the collector lets as much lie about
)

// Memory estimates the peak memory in bytes of a process that makes steps and updates on the CPU, without
// what it keeps of its data. It follows the tensors' lives in the order of the graph; read it as "about".
func (s *Step) Memory() int64 {
	params := int64(0)
	for _, p := range s.Params {
		params += 4 * int64(tensor.Count(p.Shape))
	}
	return programBytes + int64(runtimeFactor*float64(s.liveBytes())) + updateCopies*params
}

// liveBytes is what tensors occupy at the worst moment of a step: what is fed, the results, and every
// intermediate from the node that makes it to the last one that reads it.
func (s *Step) liveBytes() int64 {
	nodes := s.Graph.Nodes()
	dying := make([][]*graph.Node, len(nodes)+1)
	for n, i := range lastReads(s.Graph) {
		dying[i] = append(dying[i], n)
	}
	var live, peak int64
	for i, n := range nodes {
		if !views[n.Op()] {
			live += nodeBytes(n)
		}
		peak = max(peak, live)
		for _, d := range dying[i] {
			live -= nodeBytes(d)
		}
	}
	return peak
}

// lastReads says for every node with memory of its own at which place of the graph's order it is read for
// the last time; what is fed or is a result lives past the end.
func lastReads(g *graph.Graph) map[*graph.Node]int {
	nodes := g.Nodes()
	owner := make(map[*graph.Node]*graph.Node, len(nodes))
	last := make(map[*graph.Node]int, len(nodes))
	for i, n := range nodes {
		owner[n] = n
		if views[n.Op()] {
			owner[n] = owner[n.In()[0]]
		} else {
			last[n] = i
		}
		for _, in := range n.In() {
			if in != nil {
				last[owner[in]] = max(last[owner[in]], i)
			}
		}
		if n.Op() == graph.OpInput || n.Op() == graph.OpParam || n.Op() == graph.OpConst {
			last[n] = len(nodes)
		}
	}
	for _, n := range g.Outputs() {
		last[owner[n]] = len(nodes)
	}
	return last
}

// nodeBytes is the size of a node's tensor.
func nodeBytes(n *graph.Node) int64 {
	size := int64(4)
	switch n.DType() {
	case tensor.Bool:
		size = 1
	case tensor.Int64:
		size = 8
	case tensor.Float32:
	}
	return size * int64(tensor.Count(n.Shape()))
}
