// Package findings describes a lesion candidate as a reader would: how large it is, what the ADC map says there, and
// where in the gland it lies. What a model says about it, how sure and in how many samples, stays with the model's own result. It
// scores nothing.
package findings

import (
	"errors"
	"math"

	"bayeslice/internal/geom"
	"bayeslice/internal/measure"
	"bayeslice/internal/sectors"
	"bayeslice/internal/volume"
)

// Candidate is what is described: voxels of a grid, as lesion extraction finds them.
type Candidate struct {
	Grid   geom.Grid
	Voxels []int32   // offsets on Grid, i fastest
	Peak   geom.Vec3 // world LPS mm, the most probable voxel
}

// ADC summarises an ADC map in a candidate, over the map's own voxels whose centres lie in it.
type ADC struct {
	N       int // voxels; 0 where nothing of the map lies in the candidate, and then nothing else is known
	Mean    float64
	Min     float64
	Unit    string  // of the map
	Darkest float64 // mean of the nine darkest voxels near the peak ([measure.Darkest]); NaN where there are none
	AtPeak  bool    // the candidate is smaller than the map's voxels: N is 1, the voxel at the peak
}

// Finding is a candidate described. Immutable.
type Finding struct {
	Diameter measure.Distance // longest line in one slice
	ADC      ADC
	Peak     sectors.Place   // where the peak lies; the zero Place without zones
	Places   []sectors.Share // where all of it lies, the largest share first; nil without zones
	Zones    bool            // whether zones were known
}

// Describe measures a candidate. zones and adc may be nil: then their part is left empty. It fails with
// [measure.ErrMeasure] for a candidate without voxels, or with voxels off its grid.
func Describe(c Candidate, zones *sectors.Map, adc *volume.Volume) (Finding, error) {
	d, err := measure.LargestDiameter(c.Grid, c.Voxels)
	if err != nil {
		return Finding{}, err
	}
	f := Finding{Diameter: d, Zones: zones != nil}
	if zones != nil {
		f.Peak, f.Places = zones.At(c.Peak), zones.Of(c.Grid, c.Voxels)
	}
	if adc != nil {
		f.ADC, err = adcIn(c, adc)
	}
	return f, err
}

// adcIn reads an ADC map where a candidate is.
func adcIn(c Candidate, v *volume.Volume) (ADC, error) {
	in := make(map[int32]bool, len(c.Voxels))
	for _, n := range c.Voxels {
		in[n] = true
	}
	out := ADC{Unit: v.Unit(), Min: math.Inf(1), Darkest: math.NaN()}
	box := boxOf(c, v.Grid())
	sum := 0.0
	for k := box.Min[2]; k < box.Max[2]; k++ {
		for j := box.Min[1]; j < box.Max[1]; j++ {
			for i := box.Min[0]; i < box.Max[0]; i++ {
				x := float64(v.At(i, j, k))
				n, on := holder(c.Grid, v.Grid().World(geom.Vec3{float64(i), float64(j), float64(k)}))
				if !on || !in[n] || math.IsNaN(x) || math.IsInf(x, 0) {
					continue
				}
				out.N++
				sum += x
				out.Min = min(out.Min, x)
			}
		}
	}
	if out.N == 0 {
		x, inside := v.Sampler(volume.Nearest).At(c.Peak)
		if !inside || math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			return ADC{Unit: v.Unit()}, nil
		}
		out.N, out.AtPeak, sum, out.Min = 1, true, float64(x), float64(x)
	}
	out.Mean = sum / float64(out.N)
	nine, err := measure.Darkest(v, c.Peak, measure.DarkestRadiusMM)
	switch {
	case err == nil:
		out.Darkest = nine.Mean
	case !errors.Is(err, measure.ErrMeasure):
		return ADC{}, err
	}
	return out, nil
}

// holder returns the offset of the voxel that holds a world point; on is false off the grid.
func holder(g geom.Grid, world geom.Vec3) (offset int32, on bool) {
	x := g.Voxel(world)
	var v [3]int
	for a := range 3 {
		if !(x[a] >= -0.5 && x[a] < float64(g.Size[a])-0.5) {
			return 0, false
		}
		v[a] = int(math.Floor(x[a] + 0.5))
	}
	return int32(g.Index(v[0], v[1], v[2])), true
}

// boxOf returns the voxels of another grid that can have their centres in a candidate.
func boxOf(c Candidate, g geom.Grid) volume.Box {
	b := volume.Box{Min: g.Size}
	for _, n := range c.Voxels {
		v := geom.Vec3{float64(int(n) % c.Grid.Size[0]), float64(int(n) / c.Grid.Size[0] % c.Grid.Size[1]), float64(int(n) / (c.Grid.Size[0] * c.Grid.Size[1]))}
		x := g.Voxel(c.Grid.World(v))
		for a := range 3 {
			reach := 1.0 // half a voxel of either grid, generously
			for d := range 3 {
				reach += c.Grid.Spacing[d] / g.Spacing[a]
			}
			b.Min[a] = max(0, min(b.Min[a], int(math.Floor(x[a]-reach))))
			b.Max[a] = min(g.Size[a], max(b.Max[a], int(math.Ceil(x[a]+reach))+1))
		}
	}
	return b
}
