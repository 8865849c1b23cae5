package exam

import (
	"fmt"
	"slices"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// UnitADC is the unit of every ADC volume whose scale is known or was inferred.
const UnitADC = "10⁻⁶ mm²/s"

// gland box: the middle of a prostate exam lies in the prostate.
const glandBoxMM = 40

// adcScales are the ranges that the median ADC of the gland box falls into, by how a vendor scales
// it, and the factor to 10⁻⁶ mm²/s. Between them lie factors of 1000, so that none is mistaken.
var adcScales = []struct {
	low, high, factor float64
	unit              string
}{
	{500, 2500, 1, "10⁻⁶ mm²/s"},
	{0.5, 2.5, 1e3, "10⁻³ mm²/s"},
	{0.0005, 0.0025, 1e6, "mm²/s"},
}

// scaleADC returns the volume in 10⁻⁶ mm²/s. stated is the unit that the files state, or "". Where
// the scale is inferred or cannot be, issue says so.
func scaleADC(v *volume.Volume, stated string) (scaled *volume.Volume, issue *Issue) {
	if factor, ok := unitsOfADC[stated]; ok {
		return rescaled(v, factor), nil
	}
	median, voxels := boxMedian(v)
	for _, s := range adcScales {
		if median >= s.low && median <= s.high {
			return rescaled(v, s.factor), &Issue{Code: ADCUnitsGuessed, Severity: Note, Text: fmt.Sprintf(
				"the files state no unit known here for the ADC; its median of %.4g in the central %d mm is that of values in %s, and it is shown in 10⁻⁶ mm²/s",
				median, glandBoxMM, s.unit)}
		}
	}
	return v, &Issue{Code: ADCUnitsUnknown, Severity: Severe, Text: fmt.Sprintf(
		"the unit of the ADC is unknown: its median in the central %d mm (%d voxels above zero) is %.4g, which is no prostate's in any usual unit; values are shown as stored",
		glandBoxMM, voxels, median)}
}

// rescaled multiplies by factor and sets the unit.
func rescaled(v *volume.Volume, factor float64) *volume.Volume {
	data := v.Data()
	if factor != 1 {
		data = slices.Clone(data)
		for i := range data {
			data[i] = float32(float64(data[i]) * factor)
		}
	}
	out, err := volume.New(v.Grid(), data, UnitADC)
	if err != nil {
		return v // impossible: the length is unchanged
	}
	return out
}

// boxMedian returns the median of the values above zero in a box of glandBoxMM around the middle of
// the volume, and how many they are.
func boxMedian(v *volume.Volume) (median float64, voxels int) {
	g := v.Grid()
	half := geom.Vec3{}
	for a := range 3 {
		half[a] = glandBoxMM / 2 / g.Spacing[a]
	}
	var values []float32
	for k := range g.Size[2] {
		for j := range g.Size[1] {
			for i := range g.Size[0] {
				if inBox(g, half, i, j, k) {
					if x := v.At(i, j, k); x > 0 {
						values = append(values, x)
					}
				}
			}
		}
	}
	if len(values) == 0 {
		return 0, 0
	}
	slices.Sort(values)
	return float64(values[len(values)/2]), len(values)
}

// inBox reports whether a voxel is within half (in voxels) of the grid's middle.
func inBox(g geom.Grid, half geom.Vec3, index ...int) bool {
	for a, n := range index {
		if d := float64(n) - float64(g.Size[a]-1)/2; d > half[a] || d < -half[a] {
			return false
		}
	}
	return true
}
