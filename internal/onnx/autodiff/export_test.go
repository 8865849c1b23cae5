package autodiff

import "bayeslice/internal/onnx/graph"

// Table, Rule and Stops let the tests read the table and plant a wrong rule in a copy of it.
type (
	Table = map[string]entry
	Rule  = rule
)

var (
	Rules = rules
	Stops = stops
)

// Chunked is the table with weight gradients contracted in chunks as small as can be, and with the dearest
// choice of what is shifted instead of the cheapest: ways that small convolutions do not take by themselves.
func Chunked() Table {
	c := contraction{limit: 1, price: func(columns, rows []walk, l, s int) float64 { return -price(columns, rows, l, s) }}
	t := Table{}
	for k, v := range rules {
		t[k] = v
	}
	t["Conv"], t["ConvTranspose"] = entry{c.conv, false}, entry{c.convTranspose, false}
	return t
}

// Planted is the table with another rule for one operator.
func Planted(op string, r func(b *graph.Builder, n, dy *graph.Node) []*graph.Node) Table {
	t := Table{}
	for k, v := range rules {
		t[k] = v
	}
	t[op] = entry{func(s *reverse) []*graph.Node { return r(s.Builder, s.n, s.dy) }, rules[op].broadcasts}
	return t
}

// GradientBy is Gradient with another table.
func GradientBy(t Table, b *graph.Builder, loss *graph.Node, wrt ...*graph.Node) []*graph.Node {
	return gradient(b, t, loss, wrt)
}
