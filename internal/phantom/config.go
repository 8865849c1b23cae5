package phantom

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// ErrConfig marks a configuration that no exam can be made from; the text says which knob and what
// it may be.
var ErrConfig = errors.New("phantom: unusable configuration")

// RandomLesions lets the seed draw the number of csPCa lesions, 0…[MaxLesions].
const RandomLesions = -1

// MaxLesions is the largest number of csPCa lesions in one phantom.
const MaxLesions = 3

// Range is a closed interval from which the seed draws; Min = Max fixes the value.
type Range struct{ Min, Max float64 }

// Protocol is the sampling grid of one pulse sequence.
type Protocol struct {
	Columns, Rows, Slices int
	PixelMM               float64 // mm between neighbouring pixel centres, equal along rows and columns
	SliceMM               float64 // mm between neighbouring slice centres along the slice normal; slices are as thick, without a gap
}

// Config is everything that shapes an exam. Start from [DefaultConfig] and change what is wanted;
// the zero value is refused.
type Config struct {
	Seed uint64

	Lesions     int     // csPCa lesions 0…3, or RandomLesions
	Mimics      bool    // benign look-alikes: a wedge of prostatitis, stromal nodules in the PZ border
	VolumeML    Range   // whole-gland volume in mL, drawn log-normally between the two bounds
	TiltDegrees Range   // angle between slice normal and the head-foot axis, degrees
	Variety     float64 // 0 keeps the proportions of the demonstration exam; 1 spreads outline, zones and neighbours as in patients
	WarpMM      float64 // largest displacement of the smooth random deformation, mm; 0 switches it off

	T2W Protocol
	DWI Protocol // also that of the ADC map and the high-b image

	BValues        []float64 // acquired b-values in s/mm², ascending, at least two
	HighB          float64   // s/mm²; one of BValues (acquired), or another, which is calculated from the fit
	Kurtosis       bool      // tissue signal follows exp(−bD + b²D²K/6) rather than exp(−bD)
	NoiseT2W       float64   // Rician σ as a fraction of the mean T2W signal of the peripheral zone; 0 is noiseless
	NoiseDWI       float64   // Rician σ as a fraction of the mean peripheral-zone signal at b = 0; 0 is noiseless
	Averages       int       // magnitude averages at the largest acquired b-value; smaller b-values get proportionally fewer, at least one
	Bias           float64   // strength of the coil-sensitivity field: 0 is uniform, 1 a usual surface-array field
	Texture        float64   // strength of tissue texture: 0 is piecewise constant, 1 usual
	DistortionMM   float64   // largest EPI shift near rectal gas along the phase axis (AP), mm; 0 switches it off
	SubSamples     int       // anatomy samples per voxel for partial volume, 1…64; 1 takes voxel centres only
	SubSamplesDiff int       // the same for diffusion voxels

	Progress func(done, total int) // called from one goroutine at a time with finished slices; may be nil; must return at once
}

// DefaultConfig returns the settings of the demonstration exam: a 3 T protocol with T2W at
// 0.5625 × 0.5625 × 3 mm and diffusion at 2 × 2 × 3 mm, b = 50, 400, 800 and calculated 1400 s/mm².
func DefaultConfig(seed uint64) Config {
	return Config{
		Seed: seed, Lesions: RandomLesions, Mimics: true,
		VolumeML: Range{20, 100}, TiltDegrees: Range{5, 25}, WarpMM: 4,
		T2W:     Protocol{Columns: 320, Rows: 320, Slices: 22, PixelMM: 0.5625, SliceMM: 3},
		DWI:     Protocol{Columns: 128, Rows: 112, Slices: 22, PixelMM: 2, SliceMM: 3},
		BValues: []float64{50, 400, 800}, HighB: 1400,
		NoiseT2W: 0.03, NoiseDWI: 0.02, Averages: 8, Bias: 1, Texture: 1,
		SubSamples: 4, SubSamplesDiff: 8,
	}
}

// calculatedHighB reports whether the high-b image has to be computed from the fit.
func (c Config) calculatedHighB() bool { return !slices.Contains(c.BValues, c.HighB) }

// validate returns an [ErrConfig] for the first knob out of its range.
func (c Config) validate() error {
	check := func(ok bool, format string, a ...any) error {
		if ok {
			return nil
		}
		return fmt.Errorf("%w: %s; start from phantom.DefaultConfig", ErrConfig, fmt.Sprintf(format, a...))
	}
	return first(
		check(c.Lesions == RandomLesions || c.Lesions >= 0 && c.Lesions <= MaxLesions, "%d lesions; 0…%d or RandomLesions are possible", c.Lesions, MaxLesions),
		check(c.VolumeML.within(10, 200), "gland volume %v mL must lie within 10…200", c.VolumeML),
		check(c.TiltDegrees.within(0, 45), "tilt %v degrees must lie within 0…45", c.TiltDegrees),
		check(c.WarpMM >= 0 && c.WarpMM <= maxWarpMM, "warp %g mm must lie within 0…%g", c.WarpMM, maxWarpMM),
		c.T2W.validate("T2W"), c.DWI.validate("DWI"),
		check(len(c.BValues) >= 2 && slices.IsSorted(c.BValues) && len(slices.Compact(slices.Clone(c.BValues))) == len(c.BValues) &&
			c.BValues[0] >= 0 && c.BValues[len(c.BValues)-1] <= 5000, "b-values %v must be two or more, rising, within 0…5000 s/mm²", c.BValues),
		check(c.HighB > 0 && c.HighB <= 5000, "high b-value %g must lie within 0…5000 s/mm²", c.HighB),
		check(fraction(c.NoiseT2W, 1) && fraction(c.NoiseDWI, 1), "noise %g, %g must lie within 0…1", c.NoiseT2W, c.NoiseDWI),
		check(c.Averages >= 1 && c.Averages <= 64, "%d averages; 1…64 are possible", c.Averages),
		check(fraction(c.Bias, 3) && fraction(c.Texture, 3), "bias %g and texture %g must lie within 0…3", c.Bias, c.Texture),
		check(fraction(c.DistortionMM, 20), "distortion %g mm must lie within 0…20", c.DistortionMM),
		check(c.SubSamples >= 1 && c.SubSamples <= 64 && c.SubSamplesDiff >= 1 && c.SubSamplesDiff <= 64, "%d and %d samples per voxel; 1…64 are possible", c.SubSamples, c.SubSamplesDiff),
	)
}

// first returns the first error that is not nil.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// fraction reports whether v is a number within 0…most.
func fraction(v, most float64) bool { return v >= 0 && v <= most }

// within reports whether the interval is ordered and inside lo…hi.
func (r Range) within(lo, hi float64) bool {
	return r.Min >= lo && r.Max <= hi && r.Min <= r.Max && !math.IsNaN(r.Min+r.Max)
}

// validate returns an [ErrConfig] for a grid that is empty or larger than a scanner makes.
func (p Protocol) validate(name string) error {
	ok := p.Columns >= 8 && p.Rows >= 8 && p.Slices >= 1 && p.Columns <= 1024 && p.Rows <= 1024 && p.Slices <= 200 &&
		p.PixelMM >= 0.1 && p.PixelMM <= 10 && p.SliceMM >= 0.5 && p.SliceMM <= 20
	if !ok {
		return fmt.Errorf("%w: %s protocol %+v needs 8…1024 columns and rows, 1…200 slices, pixels of 0.1…10 mm and slices of 0.5…20 mm; start from phantom.DefaultConfig", ErrConfig, name, p)
	}
	return nil
}

// Generation is the version of the anatomies: it rises with every change that gives other ones for the same
// [Config], so that what was derived from them can be told from what would be derived now.
const Generation = 3
