// Package rewrite replaces parts of a graph by others that compute the same function faster. Every
// pass is exact algebra: the result differs from the plain graph by rounding only. A pass looks at
// local patterns, knows no network, and works on weights through graph operators, so that it also
// holds where weights are inputs. What depends on weights alone is folded by ONNX Runtime when a
// session opens.
package rewrite

import (
	"fmt"

	"bayeslice/internal/onnx/graph"
)

// Pass is one rewriting. Name is what reports call it.
type Pass struct {
	Name  string
	Apply func(*graph.Graph) (*graph.Graph, error)
}

// Passes returns all rewritings in the order in which they help each other.
func Passes() []Pass {
	return []Pass{
		{"latent folding", FoldBroadcastConv},
		{"interleaved transposed convolutions", LowerConvTranspose},
		{"enlargement by broadcast", ExpandEnlargement},
		{"normalisation algebra", FoldNorm},
		{"bias before normalisation", DropNormBias},
		{"joined sibling convolutions", MergeConvs},
	}
}

// All applies every pass.
func All(g *graph.Graph) (*graph.Graph, error) {
	for _, p := range Passes() {
		next, err := p.Apply(g)
		if err != nil {
			return nil, fmt.Errorf("rewrite: %s: %w", p.Name, err)
		}
		g = next
	}
	return g, nil
}
