package nets

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strings"

	"gonum.org/v1/gonum/mat"

	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/tensor"
)

// Weights are a network's parameters by name.
type Weights map[string]*tensor.Tensor

// biasSigma is the standard deviation of initial biases.
const biasSigma = 0.001

// Count is the number of scalar parameters.
func (w Weights) Count() int {
	n := 0
	for _, t := range w {
		n += t.Count()
	}
	return n
}

// Init draws the initial weights of the inference graph: kernels orthogonal with gain 1 (Saxe et al.
// 2014), biases normal with σ = 0.001 truncated at 2σ, normalisation scale 1 and shift 0. Each tensor
// depends on seed and its own name alone, so the same seed gives the same weights whatever else the
// network has. Takes seconds at full size.
func Init(c Config, seed uint64) (Weights, error) {
	g, _, err := Inference(c)
	if err != nil {
		return nil, err
	}
	return InitGraph(g, seed)
}

// InitGraph draws initial weights for every parameter of g, by the rules of [Init]; the last part of a
// parameter's name (weight, bias, scale, shift) says its kind.
func InitGraph(g *graph.Graph, seed uint64) (Weights, error) {
	w := Weights{}
	for _, p := range g.Params() {
		t := tensor.NewFloat32(p.Shape()...)
		rng := rand.New(rand.NewPCG(seed, nameSeed(p.Name())))
		switch kind := p.Name()[strings.LastIndex(p.Name(), ".")+1:]; kind {
		case "weight":
			if err := orthogonal(t, rng); err != nil {
				return nil, fmt.Errorf("nets: initial weights of %q: %w", p.Name(), err)
			}
		case "bias":
			truncatedNormal(t.F32, rng)
		case "scale":
			for i := range t.F32 {
				t.F32[i] = 1
			}
		case "shift":
		default:
			return nil, fmt.Errorf("%w: parameter %q is of no known kind", ErrConfig, p.Name())
		}
		w[p.Name()] = t
	}
	return w, nil
}

func nameSeed(name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // a hash never fails
	return h.Sum64()
}

func truncatedNormal(out []float32, rng *rand.Rand) {
	for i := range out {
		v := rng.NormFloat64()
		for math.Abs(v) > 2 {
			v = rng.NormFloat64()
		}
		out[i] = float32(biasSigma * v)
	}
}

// orthogonal fills t, seen as a matrix of its first axis by all others, with orthonormal rows, or
// columns where it is taller than wide, drawn uniformly (Haar): the orthogonal factor of a Gaussian
// matrix with positive triangular factor. It is found by Cholesky factorisation of the Gram matrix
// (CholeskyQR2, Yamamoto et al. 2015), which is all matrix products, in float64.
func orthogonal(t *tensor.Tensor, rng *rand.Rand) error {
	rows := t.Shape[0]
	cols := t.Count() / rows
	short, long := min(rows, cols), max(rows, cols)
	data := make([]float64, t.Count())
	for i := range data {
		data[i] = rng.NormFloat64()
	}
	q := mat.NewDense(short, long, data)
	for range 2 { // the second pass removes what rounding left in the first
		next, err := orthonormalRows(q)
		if err != nil {
			return err
		}
		q = next
	}
	for r := range rows {
		for c := range cols {
			if rows <= cols {
				t.F32[r*cols+c] = float32(q.At(r, c))
			} else {
				t.F32[r*cols+c] = float32(q.At(c, r))
			}
		}
	}
	return nil
}

// orthonormalRows returns L⁻¹·A for A·Aᵀ = L·Lᵀ.
func orthonormalRows(a *mat.Dense) (*mat.Dense, error) {
	n, m := a.Dims()
	product := mat.NewDense(n, n, nil)
	product.Mul(a, a.T())
	gram := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			gram.SetSym(i, j, product.At(i, j))
		}
	}
	var chol mat.Cholesky
	if !chol.Factorize(gram) {
		return nil, fmt.Errorf("a random %d×%d matrix has dependent rows", n, m)
	}
	var lower, inverse mat.TriDense
	chol.LTo(&lower)
	if err := inverse.InverseTri(&lower); err != nil {
		return nil, fmt.Errorf("inverse of its triangular factor: %w", err)
	}
	out := mat.NewDense(n, m, nil)
	out.Mul(&inverse, a)
	return out, nil
}
