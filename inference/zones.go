package inference

import (
	"math"
	"slices"
)

// Zone is a structure that is made of one or more classes of a model.
type Zone struct {
	Name    string // "WG", or the class's own
	Classes []int  // indices into the card's classes, ascending
}

// Zones lists the structures of a model's classes (background first), in the order in which volumes are
// given: each foreground class, after the whole gland ("WG") where both of its zones are classes.
func Zones(classes []string) []Zone {
	var zones []Zone
	tz, pz := slices.Index(classes, "TZ"), slices.Index(classes, "PZ")
	if tz > 0 && pz > 0 {
		zones = append(zones, Zone{"WG", []int{tz, pz}})
	}
	for c := 1; c < len(classes); c++ {
		zones = append(zones, Zone{classes[c], []int{c}})
	}
	return zones
}

// volumes collects each zone's volume in each sample: N numbers a zone, the only thing beside the
// [SampleStore] that grows with the number of samples.
type volumes struct {
	zones   []Zone
	voxelML float64
	ml      [][]float64 // zone, sample
}

func newVolumes(classes []string, voxelMM3 float64) *volumes {
	z := Zones(classes)
	return &volumes{zones: z, voxelML: voxelMM3 / 1000, ml: make([][]float64, len(z))}
}

// add takes the hard segmentation of a sample.
func (v *volumes) add(hard []uint8) {
	var count [256]int
	for _, c := range hard {
		count[c]++
	}
	for z, zone := range v.zones {
		n := 0
		for _, c := range zone.Classes {
			n += count[c]
		}
		v.ml[z] = append(v.ml[z], float64(n)*v.voxelML)
	}
}

// result returns mean, 5th and 95th percentile of each zone.
func (v *volumes) result() []ZoneVolume {
	out := make([]ZoneVolume, len(v.zones))
	for z, zone := range v.zones {
		out[z] = ZoneVolume{Zone: zone.Name, ML: interval(v.ml[z])}
	}
	return out
}

// relativeError returns the largest standard error of a zone's mean volume, as a share of that
// mean or of [SmallZoneML]; 1 for a single sample. Zones that no sample contains have none.
func (v *volumes) relativeError() float64 {
	worst := 0.0
	for _, ml := range v.ml {
		n := float64(len(ml))
		mean, ss := moments(ml)
		switch {
		case mean > 0 && n < 2:
			return 1
		case mean > 0:
			worst = math.Max(worst, math.Sqrt(ss/(n-1)/n)/math.Max(mean, SmallZoneML))
		}
	}
	return worst
}

// moments returns the mean and the sum of squared deviations (two passes).
func moments(x []float64) (mean, ss float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		ss += (v - mean) * (v - mean)
	}
	return mean, ss
}

// interval summarises the samples of a number; the zero Interval for none.
func interval(x []float64) Interval {
	if len(x) == 0 {
		return Interval{}
	}
	sorted := slices.Sorted(slices.Values(x))
	mean, _ := moments(x)
	return Interval{Mean: mean, P5: quantile(sorted, 0.05), P95: quantile(sorted, 0.95)}
}

// quantile interpolates linearly between the order statistics of sorted numbers, as NumPy does by default.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	lo := int(at)
	hi := min(lo+1, len(sorted)-1)
	return sorted[lo] + (at-float64(lo))*(sorted[hi]-sorted[lo])
}
