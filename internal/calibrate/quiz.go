package calibrate

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"bayeslice/inference"
	"bayeslice/internal/geom"
	"bayeslice/internal/metrics"
	"bayeslice/internal/seed"
	"bayeslice/internal/volume"
)

// Spot is a place of a quiz: how sure are you that it lies in the structure?
type Spot struct {
	World geom.Vec3 // LPS mm, a voxel centre of the model's grid
	Voxel [3]int    // (i, j, k)
	Truth bool      // it does, by the reference
}

const (
	quizStream     = 0x51554953 // purpose of the seed's stream
	quizStrata     = 5          // equal parts of 0…1 that spots are taken from in turn
	quizLeast      = 0.02       // probabilities nearer to 0 or 1 are certain: nobody learns from them
	quizSeparation = 6.0        // mm between spots, halved while there are too few
)

// ChooseSpots picks places at which a structure is uncertain, with a field of its probability (several models' mean,
// say) on the truth's grid. Spots come in turn from five equal parts of 0…1, so that small and large probabilities are
// asked alike; voxels of less than 2 % or more than 98 %, where nothing is to be learnt, come last, those nearest to
// ½ first. They lie in and near the gland where one is known. The same seed gives the same spots in the same order. There are fewer
// than n where there are not as many voxels. It fails with [ErrReference] where the grids differ.
func ChooseSpots(field *volume.Volume, t *Truth, z inference.Zone, from uint64, n int) ([]Spot, error) {
	g := field.Grid()
	if !g.SameAs(t.Grid, 1e-6) {
		return nil, fail(ErrReference, "it was brought to another model's grid")
	}
	r := seed.Stream(from, quizStream, 0)
	queue := quizQueue(field.Data(), t, r)
	member := members(z)
	var spots []Spot
	taken := map[int32]bool{}
	for apart := quizSeparation; len(spots) < n; apart /= 2 {
		for _, at := range queue {
			v := voxelOf(g.Size, int(at))
			world := g.World(geom.Vec3{float64(v[0]), float64(v[1]), float64(v[2])})
			if len(spots) < n && !taken[at] && clear(world, spots, apart) {
				spots, taken[at] = append(spots, Spot{World: world, Voxel: v, Truth: member[t.Labels[at]]}), true
			}
		}
		if apart < 0.1 {
			break
		}
	}
	r.Shuffle(len(spots), func(i, j int) { spots[i], spots[j] = spots[j], spots[i] })
	return spots, nil
}

// quizQueue orders the voxels that may be asked for: the uncertain ones in turn from each stratum, at random within it,
// then the others from ½ outwards.
func quizQueue(p []float32, t *Truth, r *rand.Rand) []int32 {
	var strata [quizStrata][]int32
	var certain []int32
	for i, known := range t.Known {
		if !known || t.gland != nil && t.gland[i] > DefaultMarginMM {
			continue
		}
		if p[i] < quizLeast || p[i] > 1-quizLeast {
			certain = append(certain, int32(i))
			continue
		}
		s := metrics.BinOf(float64(p[i]), quizStrata)
		strata[s] = append(strata[s], int32(i))
	}
	longest := 0
	for _, s := range strata {
		r.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
		longest = max(longest, len(s))
	}
	var queue []int32
	for n := range longest {
		for _, s := range strata {
			if n < len(s) {
				queue = append(queue, s[n])
			}
		}
	}
	r.Shuffle(len(certain), func(i, j int) { certain[i], certain[j] = certain[j], certain[i] })
	byDoubt(certain, p)
	return append(queue, certain...)
}

// clear reports whether a point is at least apart mm from every spot.
func clear(world geom.Vec3, spots []Spot, apart float64) bool {
	for _, s := range spots {
		if world.Sub(s.World).Norm() < apart {
			return false
		}
	}
	return true
}

// Statement is a probability that somebody gave, and whether it came true.
type Statement struct {
	P    float64 `json:"p"` // 0…1
	True bool    `json:"true"`
}

// Judge returns the figures of statements, as of a model's probabilities. It fails with [metrics.ErrUndefined] for none
// and [ErrSettings] for one that is no probability.
func Judge(s []Statement, bins int) (Figures, error) {
	p, in := make([]float32, 2*len(s)), make([]uint8, len(s))
	for i, one := range s {
		if !(one.P >= 0 && one.P <= 1) {
			return Figures{}, fail(ErrSettings, "a stated probability of %g; state 0 to 100 %%", 100*one.P)
		}
		p[i], p[len(s)+i] = float32(1-one.P), float32(one.P)
		if one.True {
			in[i] = 1
		}
	}
	if len(s) == 0 {
		return Figures{}, fail(metrics.ErrUndefined, "no statement was made")
	}
	return figures(p, in, bins)
}

// byDoubt orders voxels from those nearest to ½ to the surest, equal ones as they were.
func byDoubt(at []int32, p []float32) {
	slices.SortStableFunc(at, func(a, b int32) int { return cmp.Compare(doubt(p[b]), doubt(p[a])) })
}

// doubt is how far a probability is from certainty, 0…0.5.
func doubt(p float32) float64 { return 0.5 - math.Abs(float64(p)-0.5) }
