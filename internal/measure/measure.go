// Package measure turns what a reader marks on the images into numbers: distances, the ellipsoid formula,
// statistics of regions, diameters of lesions, PSA density, and how wide the band between two probabilities is. It knows
// neither viewports nor models. Positions are world LPS mm; every result is a value that
// nothing changes afterwards, and every kind of result says in its Definition how it is computed and
// where that comes from.
package measure

import (
	"errors"
	"fmt"
	"math"

	"bayeslice/internal/geom"
	"bayeslice/internal/lang"
)

// ErrMeasure marks marks that no number can be taken from; the text says why and what to do instead.
var ErrMeasure = errors.New("measure: nothing to measure")

// refuse returns an [ErrMeasure] with its reason.
func refuse(format string, a ...any) error {
	return fmt.Errorf("%w: %s", ErrMeasure, fmt.Sprintf(format, a...))
}

// Definition says what a number is, for the tooltip beside it and for the report.
type Definition struct {
	Name    lang.Text // short, as on screen
	Formula lang.Text // how it is computed
	Unit    string    // "" where the unit is that of the series measured
	Source  string    // who defined it so
}

// Distance is the straight line between two points in space.
type Distance struct{ A, B geom.Vec3 }

// NewDistance checks both ends. It fails with [ErrMeasure] where one is not finite.
func NewDistance(a, b geom.Vec3) (Distance, error) {
	if !a.Finite() || !b.Finite() {
		return Distance{}, refuse("an end of the line has no position; draw the line again")
	}
	return Distance{a, b}, nil
}

// MM returns the length in millimetres, through space: slices apart count.
func (d Distance) MM() float64 { return d.B.Sub(d.A).Norm() }

// Definition implements the promise of the package.
func (Distance) Definition() Definition {
	return Definition{lang.Mark("Distance"), lang.Mark("straight line between the two marked points in patient coordinates"), "mm",
		"DICOM PS3.3 C.7.6.2 (patient coordinates); Euclidean distance"}
}

// maxDiameterMM bounds the diameters of an ellipsoid: no pelvis is wider.
const maxDiameterMM = 400

// Ellipsoid is the volume of a gland or lesion from three perpendicular diameters.
type Ellipsoid struct {
	Diameters [3]float64 // mm: transverse, anterior-posterior, cranio-caudal
	ML        float64    // millilitres
}

// NewEllipsoid computes π/6 · a · b · c from three diameters in mm. It fails with [ErrMeasure] where a
// diameter is not positive, not finite, or larger than 400 mm.
func NewEllipsoid(transverse, anteroposterior, craniocaudal float64) (Ellipsoid, error) {
	e := Ellipsoid{Diameters: [3]float64{transverse, anteroposterior, craniocaudal}, ML: math.Pi / 6000}
	for _, d := range e.Diameters {
		if !(d > 0 && d <= maxDiameterMM) {
			return Ellipsoid{}, refuse("a diameter of %.4g mm; draw three lines that are longer than zero and shorter than %d mm", d, maxDiameterMM)
		}
		e.ML *= d
	}
	return e, nil
}

// Definition implements the promise of the package.
func (Ellipsoid) Definition() Definition {
	return Definition{lang.Mark("Ellipsoid volume"), lang.Mark("π/6 × transverse × anterior-posterior × cranio-caudal diameter"), "mL",
		"PI-RADS v2.1 (2019), section on prostate volume: maximum AP × transverse × longitudinal × 0.52"}
}
