package metrics

import (
	"math"
	"slices"
)

// assign returns the column of each row, −1 for none, so that the sum of gains is the largest; a pair of gain 0
// is none. It solves the rectangular assignment problem by shortest augmenting paths (Crouse, IEEE TAES 2016),
// with the choices between equal paths that SciPy's linear_sum_assignment makes. Gains are 0 or more.
func assign(gain [][]float64, columns int) []int {
	rows := len(gain)
	out := slices.Repeat([]int{-1}, rows)
	if rows == 0 || columns == 0 {
		return out
	}
	tall := columns < rows // then rows and columns change places
	p := newPaths(min(rows, columns), max(rows, columns), func(i, j int) float64 {
		if tall {
			i, j = j, i
		}
		return -gain[i][j]
	})
	for i := range p.column {
		p.augment(i)
	}
	for i, j := range p.column {
		if tall {
			i, j = j, i
		}
		if gain[i][j] > 0 {
			out[i] = j
		}
	}
	return out
}

// paths is the state of the search: no more rows than columns.
type paths struct {
	cost        func(i, j int) float64
	u, v        []float64 // dual variables of rows and columns
	column, row []int     // of each row and column, −1 for none
	shortest    []float64 // cost of the shortest path to each column
	from        []int     // the row before each column on it
	inRow, inCo []bool    // rows and columns of the tree
	left        []int     // columns outside of it
}

func newPaths(rows, columns int, cost func(i, j int) float64) *paths {
	return &paths{cost: cost, u: make([]float64, rows), v: make([]float64, columns),
		column: slices.Repeat([]int{-1}, rows), row: slices.Repeat([]int{-1}, columns),
		shortest: make([]float64, columns), from: make([]int, columns),
		inRow: make([]bool, rows), inCo: make([]bool, columns), left: make([]int, columns)}
}

// augment gives row its column, and others to rows that had it.
func (p *paths) augment(row int) {
	sink, least := p.search(row)
	p.u[row] += least
	for i, in := range p.inRow {
		if in && i != row {
			p.u[i] += least - p.shortest[p.column[i]]
		}
	}
	for j, in := range p.inCo {
		if in {
			p.v[j] -= least - p.shortest[j]
		}
	}
	for j := sink; ; {
		i := p.from[j]
		p.row[j] = i
		p.column[i], j = j, p.column[i]
		if i == row {
			return
		}
	}
}

// search grows the tree of shortest paths from a row to the first column without a row.
func (p *paths) search(i int) (sink int, least float64) {
	clear(p.inRow)
	clear(p.inCo)
	left := p.left
	for j := range left {
		left[j] = len(left) - 1 - j // equal costs then give the identity
		p.shortest[j] = math.Inf(1)
	}
	for {
		p.inRow[i] = true
		at, lowest := -1, math.Inf(1)
		for n, j := range left {
			if r := least + p.cost(i, j) - p.u[i] - p.v[j]; r < p.shortest[j] {
				p.from[j], p.shortest[j] = i, r
			}
			if p.shortest[j] < lowest || (p.shortest[j] == lowest && p.row[j] < 0) {
				lowest, at = p.shortest[j], n
			}
		}
		least = lowest
		j := left[at]
		p.inCo[j] = true
		if p.row[j] < 0 {
			return j, least
		}
		i = p.row[j]
		left[at] = left[len(left)-1]
		left = left[:len(left)-1]
	}
}
