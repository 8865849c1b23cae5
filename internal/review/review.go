package review

import (
	"context"
	"fmt"
	"math"
	"slices"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// Field is a prediction under review.
type Field struct {
	Classes []string         // K names, background first, as a model card's
	Mean    []*volume.Volume // mean probability of each class, all on one grid
	// Gland is the whole gland (any label but 0), on any grid, by which places are named; nil takes the zones of
	// the prediction itself where it has any, and names no places otherwise.
	Gland *volume.Mask
}

// Options of [Examine]. Zero values stand for the defaults in brackets.
type Options struct {
	MinDoubt float64 // voxels of less doubt (1 − greatest probability) belong to no spot [0.1]
	MinML    float64 // spots of less expected error are not listed, mL [0.02]
	MaxMM    float64 // connected places that extend further along an axis are cut into parts of the gland, mm [25]
}

func (o Options) filled() Options {
	if o.MinDoubt <= 0 {
		o.MinDoubt = 0.1
	}
	if o.MinML <= 0 {
		o.MinML = 0.02
	}
	if o.MaxMM <= 0 {
		o.MaxMM = 25
	}
	return o
}

// StructureError is what is expected to be wrong of one structure, whatever it is mistaken for.
type StructureError struct {
	Name    string  `json:"name"`    // a class, or "WG" for the union of TZ and PZ
	ML      float64 `json:"ml"`      // Σ p, the expected volume
	ErrorML float64 `json:"errorML"` // Σ min(p, 1 − p)
}

// Findings are what a review found. Slices are those of the field's grid.
type Findings struct {
	ErrorML     float64          // expected volume of error of the whole segmentation
	EntropyML   float64          // Σ entropy of the mean probabilities × voxel volume, nats · mL
	Slices      []float64        // expected error per slice k, mL; adds up to ErrorML
	Structures  []StructureError // in the order of the classes, then WG where there are zones
	Spots       []Spot           // the largest expected error first
	ElsewhereML float64          // expected error outside all spots, mL
}

// Examine reviews a field. It fails with [ErrField] where the field is incomplete or holds no probabilities, or
// with ctx's error. It takes some 0.3 s for half a million voxels of three classes.
func Examine(ctx context.Context, f Field, o Options) (*Findings, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	r := &reviewer{Field: f, Options: o.filled(), grid: f.Mean[0].Grid()}
	r.ml = r.grid.VoxelVolume() / 1000
	found := &Findings{Slices: make([]float64, r.grid.Size[2])}
	if err := r.weigh(found); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var err error
	if r.place, err = r.findPlaces(ctx); err != nil {
		return nil, err
	}
	if found.Spots, err = r.spots(ctx); err != nil {
		return nil, err
	}
	found.ElsewhereML = found.ErrorML
	for _, s := range found.Spots {
		found.ElsewhereML -= s.ErrorML
	}
	found.ElsewhereML = max(found.ElsewhereML, 0)
	return found, nil
}

func (f Field) check() error {
	if len(f.Mean) < 2 || len(f.Mean) > 255 || len(f.Classes) != len(f.Mean) {
		return fmt.Errorf("%w: there are %d maps for %d classes; give one for each class, the background included", ErrField, len(f.Mean), len(f.Classes))
	}
	for _, m := range f.Mean {
		if m == nil || !m.Grid().SameAs(f.Mean[0].Grid(), 0.01) {
			return fmt.Errorf("%w: the classes lie on different grids; bring all to one", ErrField)
		}
	}
	return nil
}

// reviewer is the state of one [Examine].
type reviewer struct {
	Field
	Options
	grid  geom.Grid
	ml    float64   // of a voxel
	doubt []float32 // per voxel: 1 − greatest probability
	pair  []uint16  // per voxel: most probable class and the next one, the lower number first
	best  []uint8   // per voxel: most probable class
	place *places   // nil where places have no names
}

// weigh fills doubt, pair and best, and all sums.
func (r *reviewer) weigh(found *Findings) error {
	n := r.grid.Voxels()
	r.doubt, r.pair, r.best = make([]float32, n), make([]uint16, n), make([]uint8, n)
	sums := make([]StructureError, len(r.Classes))
	gland := StructureError{Name: "WG"}
	zone := zonesOf(r.Classes)
	area := r.grid.Size[0] * r.grid.Size[1]
	for v := range n {
		first, second := -1, -1
		entropy, inGland := 0.0, 0.0
		for c, m := range r.Mean {
			p := float64(m.Data()[v])
			if !(p >= -tolerance && p <= 1+tolerance) {
				return fmt.Errorf("%w: %g is no probability", ErrField, p)
			}
			p = min(max(p, 0), 1)
			if p > 0 {
				entropy -= p * math.Log(p)
			}
			if zone[c] {
				inGland += p
			}
			sums[c].ML += p
			sums[c].ErrorML += min(p, 1-p)
			switch {
			case first < 0 || m.Data()[v] > r.Mean[first].Data()[v]:
				first, second = c, first
			case second < 0 || m.Data()[v] > r.Mean[second].Data()[v]:
				second = c
			}
		}
		doubt := min(max(1-float64(r.Mean[first].Data()[v]), 0), 1)
		r.doubt[v], r.best[v] = float32(doubt), uint8(first)
		r.pair[v] = uint16(min(first, second))<<8 | uint16(max(first, second))
		found.Slices[v/area] += doubt * r.ml
		found.EntropyML += entropy * r.ml
		gland.ML += min(inGland, 1)
		gland.ErrorML += max(min(inGland, 1-inGland), 0)
	}
	for _, s := range found.Slices {
		found.ErrorML += s
	}
	for c := 1; c < len(sums); c++ {
		found.Structures = append(found.Structures, StructureError{r.Classes[c], sums[c].ML * r.ml, sums[c].ErrorML * r.ml})
	}
	if slices.Contains(zone, true) {
		found.Structures = append(found.Structures, StructureError{gland.Name, gland.ML * r.ml, gland.ErrorML * r.ml})
	}
	return nil
}

// tolerance is how far rounding may carry a probability out of 0…1.
const tolerance = 1e-3

// zonesOf tells which classes are zones of the gland.
func zonesOf(classes []string) []bool {
	zone := make([]bool, len(classes))
	for c, name := range classes {
		zone[c] = name == "TZ" || name == "PZ"
	}
	return zone
}
